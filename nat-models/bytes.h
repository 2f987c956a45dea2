/* bytes.h: numbers in network byte order, as packets carry them. */
#ifndef NAT_BYTES_H
#define NAT_BYTES_H

#include <stdint.h>

static inline uint32_t nat_get16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static inline uint32_t nat_get32(const uint8_t *at)
{
    return nat_get16(at) << 16 | nat_get16(at + 2);
}

static inline void nat_put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static inline void nat_put32(uint8_t *at, uint32_t value)
{
    nat_put16(at, value >> 16);
    nat_put16(at + 2, value);
}

#endif
