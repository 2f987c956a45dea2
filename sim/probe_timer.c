/* probe_timer.c: how long a hole stays open, tried from outside.
 *
 * A socket's question is answered so much later; whether that answer comes in
 * says whether the hole still lived.  Each age takes a fresh socket.  Ages lie
 * half a second below whole ones: if the answer passes at n - 0.5 s and fails at
 * n + 0.5 s, the timer is n s to the nearest second, and one of n s exactly is
 * not measured on its edge. */
#include "sim/probe_parts.h"
#include "stack/check.h"

#define AT_ONCE 64 /* ages tried in a round, at most */

/* Linux calls a mapping established when something passes 2 s after its first
 * packet. */
#define SETTLES MS(2500)

struct trial {
    int32_t socket;
    uint32_t age_s, id;
};

/* Opens the hole and asks for the answer; later_ms after the hole's last use. */
typedef void (*prepare_call)(struct probe *p, struct trial *trials, uint32_t count);

static uint32_t later_ms(const struct trial *trial)
{
    return trial->age_s * 1000 - 500;
}

/* Only outbound packets: one. */
static void prepare_unreplied(struct probe *p, struct trial *trials, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct probe_message question = {.later = true, .later_ms = later_ms(&trials[i])};
        trials[i].id = probe_ask(p, trials[i].socket, PROBE_MAIN, &question);
    }
}

/* Packets both ways, the last of them when the mapping is 2.5 s old. */
static void prepare_established(struct probe *p, struct trial *trials, uint32_t count)
{
    struct probe_message question = {.now = true};
    for (uint32_t i = 0; i < count; i++)
        (void)probe_ask(p, trials[i].socket, PROBE_MAIN, &question);
    p->net->wait(p->net->world, SETTLES);
    for (uint32_t i = 0; i < count; i++) {
        question.later = true;
        question.later_ms = later_ms(&trials[i]);
        trials[i].id = probe_ask(p, trials[i].socket, PROBE_MAIN, &question);
    }
}

/* Tries all ages between low and high, or as many as may be tried at once,
 * evenly between them; moves low to the last that lived, high to the next. */
static void narrow(struct probe *p, prepare_call prepare, uint32_t *low, uint32_t *high)
{
    struct trial trials[AT_ONCE];
    struct addr seen;
    uint32_t between = *high - *low - 1, count = p->effort->timers_at_once;
    count = count < between ? count : between;
    CHECK(count > 0 && count <= AT_ONCE);
    for (uint32_t i = 0; i < count; i++) {
        trials[i].age_s = *low + (uint32_t)((uint64_t)(between + 1) * (i + 1) / (count + 1));
        trials[i].socket = probe_socket(p, 0);
    }
    prepare(p, trials, count);
    p->net->wait(p->net->world, MS(later_ms(&trials[count - 1])) + p->effort->patience);
    uint32_t lived = *low, died = *high;
    for (uint32_t i = 0; i < count; i++) {
        bool came = probe_hear(p, trials[i].socket, trials[i].id, PROBE_MAIN, true, 0, &seen);
        if (came)
            lived = trials[i].age_s;
        else if (died == *high)
            died = trials[i].age_s;
        probe_close(p, trials[i].socket);
    }
    *low = lived;
    *high = died > lived ? died : *high;
}

static int32_t search(struct probe *p, prepare_call prepare)
{
    uint32_t low = 0, high = p->effort->longest_s + 1;
    while (high - low > 1)
        narrow(p, prepare, &low, &high);
    return low == p->effort->longest_s ? -1 : (int32_t)low;
}

int32_t probe_timer_unreplied(struct probe *p)
{
    return search(p, prepare_unreplied);
}

int32_t probe_timer_established(struct probe *p)
{
    return search(p, prepare_established);
}
