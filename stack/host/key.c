/* key.c: see key.h. */
#include "stack/host/key.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEX_BYTES (2 * KEY_BYTES)

static int fail(char *error, size_t size, const char *file, const char *why)
{
    snprintf(error, size, "%s: %s", file, why);
    return -1;
}

/* A key that others can read is no secret: refused, as ssh does. */
static int read_key(int fd, const char *file, uint8_t *secret, char *error, size_t size)
{
    char text[HEX_BYTES + 2];
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        return fail(error, size, file, "not a file");
    if (status.st_mode & 077)
        return fail(error, size, file, "others can read this key: chmod 600 it");
    ssize_t length = read(fd, text, sizeof text);
    if (length < 0)
        return fail(error, size, file, strerror(errno));
    size_t bytes = 0;
    int bad = length != HEX_BYTES + 1 || text[HEX_BYTES] != '\n' ||
              sodium_hex2bin(secret, KEY_BYTES, text, HEX_BYTES, NULL, &bytes, NULL) != 0 ||
              bytes != KEY_BYTES;
    sodium_memzero(text, sizeof text);
    return bad ? fail(error, size, file, "expected 64 hex digits and a newline") : 0;
}

static int write_key(int fd, const uint8_t *secret)
{
    char text[HEX_BYTES + 1];
    sodium_bin2hex(text, sizeof text, secret, KEY_BYTES);
    text[HEX_BYTES] = '\n';
    errno = ENOSPC; /* what a write that is cut short does not say */
    ssize_t written = write(fd, text, sizeof text);
    sodium_memzero(text, sizeof text);
    return written == (ssize_t)sizeof text && fsync(fd) == 0 ? 0 : -1;
}

/* Written beside it and given its name as a whole, which must be free: whatever happens
 * meanwhile, there is a whole key or none. */
static int make_key(const char *file, uint8_t *secret, char *error, size_t size)
{
    char beside[PATH_MAX];
    if (snprintf(beside, sizeof beside, "%s.XXXXXX", file) >= (int)sizeof beside)
        return fail(error, size, file, strerror(ENAMETOOLONG));
    int fd = mkstemp(beside); /* 0600 */
    if (fd < 0)
        return fail(error, size, file, strerror(errno));
    randombytes_buf(secret, KEY_BYTES);
    int failed = write_key(fd, secret) != 0 || link(beside, file) != 0 ? errno : 0;
    (void)close(fd);
    (void)unlink(beside);
    if (failed)
        sodium_memzero(secret, KEY_BYTES);
    return failed ? fail(error, size, file, strerror(failed)) : 0;
}

int key_load(const char *file, uint8_t secret[KEY_BYTES], char *error, size_t error_size)
{
    if (!file) {
        randombytes_buf(secret, KEY_BYTES);
        return 0;
    }
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a fifo must not hold us */
    if (fd < 0)
        return errno == ENOENT ? make_key(file, secret, error, error_size)
                               : fail(error, error_size, file, strerror(errno));
    int answer = read_key(fd, file, secret, error, error_size);
    close(fd);
    return answer;
}

void key_id(const uint8_t secret[KEY_BYTES], uint8_t id[KEY_BYTES])
{
    uint8_t pair[crypto_sign_SECRETKEYBYTES];
    crypto_sign_seed_keypair(id, pair, secret);
    sodium_memzero(pair, sizeof pair);
}
