#include "sim/latency.h"

#include "sim/draw.h"
#include "sim/engine.h"
#include "sim/plan.h"
#include "stack/check.h"

uint32_t latency_edge(const struct plan *plan, uint32_t host)
{
    uint32_t box = plan->hosts[host].box;
    if (box == PLAN_NONE)
        return host;
    while (plan->boxes[box].outer != PLAN_NONE)
        box = plan->boxes[box].outer;
    return plan->host_count + box;
}

static uint32_t region_of(const struct plan *plan, uint32_t attachment)
{
    uint32_t region = attachment < plan->host_count
                          ? plan->hosts[attachment].region
                          : plan->boxes[attachment - plan->host_count].region;
    CHECK(region < plan->network.regions);
    return region;
}

mist_time latency_core(const struct plan *plan, uint64_t seed, uint32_t edge_a, uint32_t edge_b)
{
    const struct plan_network *n = &plan->network;
    switch (n->latency) {
    case LATENCY_CONSTANT: return n->low / 2;
    case LATENCY_UNIFORM:
        return draw_between(seed, draw_pair(edge_a, edge_b), DRAW_PATH_RTT, 0, n->low, n->high) / 2;
    case LATENCY_MATRIX: break;
    }
    return n->rtt[region_of(plan, edge_a) * n->regions + region_of(plan, edge_b)] / 2;
}

static mist_time line_delay(const struct plan *plan, uint32_t host)
{
    return plan->populations[plan->hosts[host].population].access.delay;
}

mist_time latency_ideal_rtt(const struct plan *plan, uint64_t seed, uint32_t a, uint32_t b)
{
    uint32_t box_a = plan->hosts[a].box, edge_a = latency_edge(plan, a);
    uint32_t box_b = plan->hosts[b].box, edge_b = latency_edge(plan, b);
    if (a == b)
        return 0;
    if (box_a == box_b && box_a != PLAN_NONE)
        return ENGINE_LAN_RTT;
    mist_time lines = 2 * (line_delay(plan, a) + line_delay(plan, b));
    if (edge_a == edge_b)
        return lines + ENGINE_LAN_RTT;
    return lines + 2 * latency_core(plan, seed, edge_a, edge_b);
}
