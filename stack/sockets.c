#include "stack/sockets.h"

#include <string.h>

#include "stack/check.h"

size_t sockets_size(uint32_t spares)
{
    return spares * sizeof(struct spare);
}

void sockets_init(struct sockets *s, void *memory, uint32_t spares)
{
    s->spares = memory;
    s->limit = spares;
}

static struct spare *find(const struct sockets *s, uint32_t id)
{
    if (id <= MIST_SOCKETS || s->limit == 0)
        return NULL;
    uint32_t place = (id - MIST_SOCKETS - 1) % s->limit;
    struct spare *spare = &s->spares[place];
    return place < s->used && spare->use != SOCKET_FREE && spare->id == id ? spare : NULL;
}

static uint32_t want(struct sockets *s, const struct addr *at, enum socket_use use, mist_link link,
                     struct out *out)
{
    uint32_t i = 0;
    while (i < s->used && s->spares[i].use != SOCKET_FREE)
        i++;
    if (i == s->limit) {
        out_fact(out, FACT_TABLE_FULL, NULL, NULL, 12, s->limit);
        return 0;
    }
    s->used = i < s->used ? s->used : i + 1;
    struct spare *spare = &s->spares[i];
    uint32_t former = spare->id;
    *spare = (struct spare){.id = former == 0 ? MIST_SOCKETS + 1 + i : former + s->limit,
                            .use = (uint8_t)use,
                            .link = link};
    struct mist_event e = {.kind = MIST_EVENT_SOCKET_WANTED, .socket = spare->id};
    e.addr = *at;
    out_event(out, &e);
    return spare->id;
}

uint32_t sockets_want(struct sockets *s, uint8_t family, enum socket_use use, mist_link link,
                      struct out *out)
{
    return want(s, &(struct addr){.family = family}, use, link, out);
}

uint32_t sockets_listen(struct sockets *s, uint8_t family, uint16_t port, struct out *out)
{
    return want(s, &(struct addr){.family = family, .port = port}, SOCKET_FOR_REACH, 0, out);
}

int sockets_opened(struct sockets *s, uint32_t id, const struct addr *local)
{
    struct spare *spare = find(s, id);
    if (id == 1 || id == 2) {
        if (local->family != (id == 1 ? ADDR_V4 : ADDR_V6))
            return MIST_ERR_UNKNOWN;
        s->main[id - 1] = *local;
        return MIST_OK;
    }
    if (spare == NULL || spare->local.family != ADDR_NONE ||
        (local->family != ADDR_V4 && local->family != ADDR_V6))
        return MIST_ERR_UNKNOWN;
    spare->local = *local;
    return MIST_OK;
}

int sockets_failed(struct sockets *s, uint32_t id)
{
    struct spare *spare = find(s, id);
    if (id == 1 || id == 2)
        return MIST_OK;
    if (spare == NULL || spare->local.family != ADDR_NONE)
        return MIST_ERR_UNKNOWN;
    spare->use = SOCKET_FREE;
    return MIST_OK;
}

const struct addr *sockets_local(const struct sockets *s, uint32_t id, uint8_t family)
{
    const struct spare *spare = find(s, id);
    if (id == 0 && (family == ADDR_V4 || family == ADDR_V6))
        id = family == ADDR_V4 ? 1 : 2;
    const struct addr *local = id == 1 || id == 2 ? &s->main[id - 1]
                               : spare != NULL    ? &spare->local
                                                  : NULL;
    return local != NULL && local->family == family ? local : NULL;
}

const struct spare *sockets_spare(const struct sockets *s, uint32_t id)
{
    return find(s, id);
}

static void close_one(struct spare *spare, struct out *out)
{
    out_event(out, &(struct mist_event){.kind = MIST_EVENT_SOCKET_UNWANTED, .socket = spare->id});
    spare->use = SOCKET_FREE;
}

void sockets_close(struct sockets *s, uint32_t id, struct out *out)
{
    struct spare *spare = find(s, id);
    if (spare != NULL)
        close_one(spare, out);
}

uint32_t sockets_nth(const struct sockets *s, mist_link link, uint32_t n)
{
    for (uint32_t i = 0; i < s->used; i++) {
        const struct spare *spare = &s->spares[i];
        if (spare->use == SOCKET_FOR_PUNCH && spare->link == link && n-- == 0)
            return spare->id;
    }
    return 0;
}

void sockets_release(struct sockets *s, mist_link link, struct out *out)
{
    for (uint32_t i = 0; i < s->used; i++) {
        struct spare *spare = &s->spares[i];
        if (spare->use == SOCKET_FOR_PUNCH && spare->link == link)
            close_one(spare, out);
    }
}

void sockets_adopt(struct sockets *s, mist_link link, uint32_t id, struct out *out)
{
    for (uint32_t i = 0; i < s->used; i++) {
        struct spare *spare = &s->spares[i];
        if (spare->use < SOCKET_FOR_PUNCH || spare->link != link)
            continue;
        if (spare->id == id)
            spare->use = SOCKET_FOR_PATH;
        else
            close_one(spare, out);
    }
}

uint32_t sockets_memory(const struct sockets *s, struct mist_memory *array, uint32_t n)
{
    if (n < 1)
        return 0;
    array[0] = (struct mist_memory){"spare sockets", sizeof(struct spare), s->limit, s->used};
    return 1;
}
