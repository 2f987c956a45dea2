#include "nat-models/outbox.h"

#include <stdlib.h>

#include "stack/check.h"

/* The most that one call can send: a datagram of 64 KiB in fragments for the
 * smallest mtu, 552 bytes each, and what else the box has to say. */
#define OUTBOX_MAX   128
#define FIRST_BYTES  1024
#define PAYLOAD_MAX  65536
#define OUTBOX_BYTES (2 * PAYLOAD_MAX) /* limit of the bytes of all */

struct sent {
    struct nat_datagram datagram;
    enum nat_side side;
    uint32_t start; /* of its bytes */
};

struct nat_outbox {
    const struct nat *owner;
    uint32_t count, drained;
    uint32_t used, capacity;
    uint8_t *bytes;
    uint8_t *rewritten; /* PAYLOAD_MAX, or NULL */
    struct sent sent[OUTBOX_MAX];
};

static struct nat_outbox *outbox_of(struct nat *nat)
{
    if (nat->slab->outbox == NULL) {
        nat->slab->outbox = calloc(1, sizeof *nat->slab->outbox);
        CHECK(nat->slab->outbox != NULL);
    }
    return nat->slab->outbox;
}

void nat_outbox_close(struct nat_slab *slab)
{
    if (slab->outbox == NULL)
        return;
    free(slab->outbox->bytes);
    free(slab->outbox->rewritten);
    free(slab->outbox);
    slab->outbox = NULL;
}

void nat_outbox_clear(struct nat *nat)
{
    struct nat_outbox *outbox = nat->slab->outbox;
    if (outbox != NULL)
        outbox->count = outbox->drained = outbox->used = 0;
}

/* Makes room for so many more bytes; false beyond OUTBOX_BYTES. */
static bool reserve(struct nat_outbox *outbox, uint32_t length)
{
    uint32_t wanted = outbox->capacity == 0 ? FIRST_BYTES : outbox->capacity;
    if (length > OUTBOX_BYTES - outbox->used)
        return false;
    while (wanted < outbox->used + length)
        wanted *= 2;
    if (wanted == outbox->capacity)
        return true;
    outbox->bytes = realloc(outbox->bytes, wanted);
    CHECK(outbox->bytes != NULL);
    outbox->capacity = wanted;
    return true;
}

void nat_outbox_add(struct nat *nat, enum nat_side side, const struct nat_datagram *d)
{
    struct nat_outbox *outbox = outbox_of(nat);
    outbox->owner = nat;
    if (outbox->count == OUTBOX_MAX || !reserve(outbox, d->length))
        return;
    outbox->sent[outbox->count++] =
        (struct sent){.datagram = *d, .side = side, .start = outbox->used};
    if (d->length > 0)
        memcpy(outbox->bytes + outbox->used, d->bytes, d->length);
    outbox->used += d->length;
}

bool nat_output(struct nat *nat, struct nat_datagram *datagram, enum nat_side *side)
{
    struct nat_outbox *outbox = nat->slab->outbox;
    if (outbox == NULL || outbox->owner != nat || outbox->drained == outbox->count)
        return false;
    const struct sent *sent = &outbox->sent[outbox->drained++];
    *datagram = sent->datagram;
    datagram->bytes = outbox->bytes + sent->start;
    *side = sent->side;
    return true;
}

uint8_t *nat_outbox_rewritable(struct nat *nat, const struct nat_datagram *d)
{
    struct nat_outbox *outbox = outbox_of(nat);
    CHECK(d->length <= PAYLOAD_MAX);
    if (outbox->rewritten == NULL) {
        outbox->rewritten = calloc(1, PAYLOAD_MAX);
        CHECK(outbox->rewritten != NULL);
    }
    if (d->bytes != outbox->rewritten && d->length > 0)
        memcpy(outbox->rewritten, d->bytes, d->length);
    return outbox->rewritten;
}
