/* bench_primitives.c: what a datagram cannot cost less than: libsodium's
 * primitives that the core uses, and the engine's own. */
#include <sodium.h>
#include <string.h>

#include "sim/bench.h"
#include "sim/draw.h"
#include "sim/exit.h"
#include "sim/progress.h"
#include "sim/trace.h"
#include "stack/check.h"

#define SAMPLE_S 0.05 /* of wall time */
#define SIZE     100  /* bytes: a usual datagram of the overlay */

/* Inputs and outputs of all primitives, so that none can be left out. */
static struct {
    unsigned char key[32], nonce[crypto_aead_chacha20poly1305_IETF_NPUBBYTES], point[32];
    unsigned char plain[SIZE], sealed[SIZE + crypto_aead_chacha20poly1305_IETF_ABYTES];
    unsigned char out[64];
    uint64_t sum;
} data;

static void x25519(void)
{
    data.sum += (uint64_t)(crypto_scalarmult(data.out, data.key, data.point) + 1);
}

static void x25519_base(void)
{
    data.sum += (uint64_t)(crypto_scalarmult_base(data.point, data.key) + 1);
}

static void seal(void)
{
    data.sum += (uint64_t)(1 + crypto_aead_chacha20poly1305_ietf_encrypt(
                                   data.sealed, NULL, data.plain, SIZE, NULL, 0, NULL, data.nonce,
                                   data.key));
}

static void open_sealed(void)
{
    int bad = crypto_aead_chacha20poly1305_ietf_decrypt(
        data.plain, NULL, NULL, data.sealed, sizeof data.sealed, NULL, 0, data.nonce, data.key);
    CHECK(bad == 0);
}

static void blake2b(void)
{
    crypto_generichash(data.out, 32, data.plain, SIZE, NULL, 0);
}

static void siphash(void)
{
    crypto_shorthash(data.out, data.plain, SIZE, data.key);
}

static void trace(void)
{
    data.sum = trace_hash(data.sum, data.plain, SIZE);
}

static void draw(void)
{
    data.sum += draw_u64(1, data.sum, DRAW_LINK, 0);
}

static double nanoseconds(void (*primitive)(void))
{
    double samples[BENCH_SAMPLES];
    for (int i = 0; i < BENCH_SAMPLES; i++) {
        double begin = progress_clock(), elapsed;
        uint64_t calls = 0;
        do {
            for (int k = 0; k < 64; k++)
                primitive();
            calls += 64;
        } while ((elapsed = progress_clock() - begin) < SAMPLE_S);
        samples[i] = elapsed / (double)calls * 1e9;
    }
    return bench_median(samples);
}

int bench_primitives(struct bench *b)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } primitives[] = {
        {"X25519, own point", x25519_base},
        {"X25519, shared secret", x25519},
        {"ChaCha20-Poly1305 seal, 100 B", seal},
        {"ChaCha20-Poly1305 open, 100 B", open_sealed},
        {"BLAKE2b-256, 100 B", blake2b},
        {"SipHash-2-4, 100 B", siphash},
        {"trace hash, 100 B", trace},
        {"keyed draw", draw},
    };
    CHECK(sodium_init() >= 0);
    memset(data.key, 1, sizeof data.key);
    for (size_t i = 0; i < sizeof primitives / sizeof *primitives; i++)
        bench_add(b, "primitives", primitives[i].name, 0, nanoseconds(primitives[i].run), "ns");
    return EXIT_FINE;
}
