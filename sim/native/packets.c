#include "sim/native/packets.h"

#include "sim/native/memory.h"
#include "stack/check.h"

#define CHUNK_SHIFT 21 /* 2 MiB: a huge page */
#define CHUNK       ((size_t)1 << CHUNK_SHIFT)
#define CLASS_SHIFT 29 /* of the class in a handle; the block's number is below */
#define NIL         UINT32_MAX

static const uint8_t block_shift[PACKET_CLASSES] = {7, 8, 9, 11, 17};

static uint32_t class_of(uint16_t length)
{
    uint32_t class = 0;
    while (sizeof(struct packet) + length > (size_t)1 << block_shift[class])
        class ++;
    return class;
}

static char *block_at(const struct packets *p, uint32_t class, uint32_t block)
{
    uint32_t per_chunk_shift = CHUNK_SHIFT - block_shift[class];
    uint32_t inside = block & ((UINT32_C(1) << per_chunk_shift) - 1);
    return p->of[class].chunk[block >> per_chunk_shift] + ((size_t)inside << block_shift[class]);
}

void packets_open(struct packets *p)
{
    for (int i = 0; i < PACKET_CLASSES; i++)
        p->of[i].free = NIL;
}

void packets_close(struct packets *p)
{
    for (int i = 0; i < PACKET_CLASSES; i++) {
        struct packet_class *c = &p->of[i];
        for (uint32_t k = 0; k < c->chunks; k++)
            memory_unmap(c->chunk[k], CHUNK);
        memory_unmap(c->chunk, c->chunk_limit * sizeof *c->chunk);
    }
}

static void grow(struct packet_class *c, uint32_t blocks)
{
    if (c->chunks == c->chunk_limit) {
        uint32_t limit = c->chunk_limit == 0 ? 64 : c->chunk_limit * 2;
        c->chunk =
            memory_grow(c->chunk, c->chunk_limit * sizeof *c->chunk, limit * sizeof *c->chunk);
        c->chunk_limit = limit;
    }
    c->chunk[c->chunks++] = memory_map(CHUNK);
    c->end += blocks;
    CHECK(c->end < UINT32_C(1) << CLASS_SHIFT);
}

uint32_t packets_take(struct packets *p, uint16_t length)
{
    uint32_t class = class_of(length), block;
    struct packet_class *c = &p->of[class];
    if (c->free != NIL) {
        block = c->free;
        c->free = *(uint32_t *)(void *)block_at(p, class, block);
    } else {
        if (c->unused == c->end)
            grow(c, UINT32_C(1) << (CHUNK_SHIFT - block_shift[class]));
        block = c->unused++;
    }
    p->taken++;
    return class << CLASS_SHIFT | block;
}

void packets_give(struct packets *p, uint32_t handle)
{
    uint32_t class = handle >> CLASS_SHIFT, block = handle & ((UINT32_C(1) << CLASS_SHIFT) - 1);
    struct packet_class *c = &p->of[class];
    *(uint32_t *)(void *)block_at(p, class, block) = c->free;
    c->free = block;
    p->taken--;
}

struct packet *packets_at(const struct packets *p, uint32_t handle)
{
    uint32_t class = handle >> CLASS_SHIFT, block = handle & ((UINT32_C(1) << CLASS_SHIFT) - 1);
    return (struct packet *)(void *)block_at(p, class, block);
}
