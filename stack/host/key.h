/* key.h: the secret of the person whose node this is, an Ed25519 seed (RFC 8032), and
 * its file.  The node's transport key is another one, made for each run.
 *
 * The file holds the 32 bytes as 64 hex digits and a newline, readable by its
 * owner alone. */
#ifndef STACK_HOST_KEY_H
#define STACK_HOST_KEY_H

#include <stddef.h>
#include <stdint.h>

#define KEY_BYTES 32

/* Reads the file, or makes a key and writes it there when there is none; file
 * NULL: makes one that nobody keeps.  sodium_init has been called.  Returns 0,
 * or -1 with one line of text in error. */
int key_load(const char *file, uint8_t secret[KEY_BYTES], char *error, size_t error_size);

/* The person's id: the public key that belongs to the secret. */
void key_id(const uint8_t secret[KEY_BYTES], uint8_t id[KEY_BYTES]);

#endif
