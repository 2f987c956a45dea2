/* book.h: the address book: which person a name stands for.
 *
 * A text file of lines "ID NAME": 64 hex digits, a blank, and the name, in which a byte
 * that is no printable ASCII, and '%', is written %XX.  Empty lines and those that begin
 * with # say nothing.  A name in the book is pinned: only that person is connected to.
 * A name that is not is taken for whoever first proves to be somebody when it is called,
 * and written down.  Nobody but the owner may be able to write the file. */
#ifndef STACK_HOST_BOOK_H
#define STACK_HOST_BOOK_H

#include <stdio.h>

#include "stack/mist.h"

#define BOOK_NAMES 65536
#define BOOK_CALLS 256 /* calls without a pin under way */

struct book;

/* Reads the file; one that is not there is an empty book.  NULL after saying on `err`
 * all that is wrong with it, as file:line:column.  Keeps err. */
struct book *book_open(const char *file, FILE *err);
void book_close(struct book *book);

/* Whom the name stands for; NULL: nobody yet.  Valid until the next call. */
const uint8_t *book_find(const struct book *book, const uint8_t *name, size_t length);

/* What the host wishes: a CONNECT without a pin gets the name's, or is remembered. */
struct mist_wish book_wish(struct book *book, const struct mist_wish *wish);
/* What the core tells: a connection to a remembered name is written down, for good; when
 * the file cannot be written, which is said on err, until book_close. */
void book_event(struct book *book, const struct mist_event *event);

#endif
