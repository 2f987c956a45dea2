#include "sim/latency.h"

#include "sim/draw.h"
#include "sim/engine.h"
#include "sim/plan.h"
#include "stack/check.h"

struct latency_end latency_end(const struct plan *plan, uint32_t host)
{
    uint32_t box = plan->hosts[host].box;
    if (box == PLAN_NONE)
        return (struct latency_end){host, plan->hosts[host].region};
    while (plan->boxes[box].outer != PLAN_NONE)
        box = plan->boxes[box].outer;
    return (struct latency_end){plan_places(plan) + box, plan->boxes[box].region};
}

mist_time latency_core(const struct plan_network *network, uint64_t seed, struct latency_end a,
                       struct latency_end b)
{
    switch (network->latency) {
    case LATENCY_CONSTANT: return network->low / 2;
    case LATENCY_UNIFORM:
        return draw_between(seed, draw_pair(a.attachment, b.attachment), DRAW_PATH_RTT, 0,
                            network->low, network->high) /
               2;
    case LATENCY_MATRIX: break;
    }
    CHECK(a.region < network->regions && b.region < network->regions);
    return network->rtt[a.region * network->regions + b.region] / 2;
}

static mist_time line_delay(const struct plan *plan, uint32_t host)
{
    return plan->populations[plan->hosts[host].population].access.delay;
}

mist_time latency_ideal_rtt(const struct plan *plan, uint64_t seed, uint32_t a, uint32_t b)
{
    uint32_t box = plan->hosts[a].box;
    struct latency_end end_a = latency_end(plan, a), end_b = latency_end(plan, b);
    if (a == b)
        return 0;
    if (box == plan->hosts[b].box && box != PLAN_NONE)
        return ENGINE_LAN_RTT;
    mist_time lines = 2 * (line_delay(plan, a) + line_delay(plan, b));
    if (end_a.attachment == end_b.attachment)
        return lines + ENGINE_LAN_RTT;
    return lines + 2 * latency_core(&plan->network, seed, end_a, end_b);
}
