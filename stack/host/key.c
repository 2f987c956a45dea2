/* key.c: see key.h. */
#include "stack/host/key.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
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
    if (fstat(fd, &status) == 0 && (status.st_mode & 077))
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

static int write_key(int fd, const char *file, const uint8_t *secret, char *error, size_t size)
{
    char text[HEX_BYTES + 1];
    sodium_bin2hex(text, sizeof text, secret, KEY_BYTES);
    text[HEX_BYTES] = '\n';
    ssize_t written = write(fd, text, sizeof text);
    sodium_memzero(text, sizeof text);
    if (written != (ssize_t)sizeof text || fsync(fd) != 0) {
        unlink(file);
        return fail(error, size, file, "the key could not be written");
    }
    return 0;
}

int key_load(const char *file, uint8_t secret[KEY_BYTES], char *error, size_t error_size)
{
    if (!file) {
        randombytes_buf(secret, KEY_BYTES);
        return 0;
    }
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        int answer = read_key(fd, file, secret, error, error_size);
        close(fd);
        return answer;
    }
    if (errno != ENOENT)
        return fail(error, error_size, file, strerror(errno));
    fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(error, error_size, file, strerror(errno));
    randombytes_buf(secret, KEY_BYTES);
    int answer = write_key(fd, file, secret, error, error_size);
    close(fd);
    return answer;
}

void key_id(const uint8_t secret[KEY_BYTES], uint8_t id[KEY_BYTES])
{
    uint8_t pair[crypto_sign_SECRETKEYBYTES];
    crypto_sign_seed_keypair(id, pair, secret);
    sodium_memzero(pair, sizeof pair);
}
