#include "sim/churn.h"

#include "sim/draw.h"
#include "sim/plan.h"
#include "stack/check.h"

/* Far beyond every run, and twice that is still a time. */
#define LONGEST (INT64_MAX / 4)

static mist_time after(mist_time now, mist_time duration)
{
    return now > LONGEST || duration > LONGEST ? MIST_NEVER : now + duration;
}

void churn_begin(const struct plan *plan, uint32_t host, struct churn_turn *turn)
{
    const struct plan_churn *churn = &plan->churn;
    if (churn->groups == NULL || !churn->groups[plan->hosts[host].population]) {
        *turn = (struct churn_turn){true, 0, MIST_NEVER};
        return;
    }
    uint64_t session = (uint64_t)churn->session.mean, downtime = (uint64_t)churn->downtime.mean;
    uint64_t point = draw_below(plan->seed, host, DRAW_CHURN_START, 0, session + downtime);
    struct draw_block rest = draw_block(plan->seed, host, DRAW_CHURN_START, 1);
    const struct lifetime *law = point < session ? &churn->session : &churn->downtime;
    *turn = (struct churn_turn){point < session, 0, after(0, lifetime_rest(law, rest.word))};
}

void churn_next(const struct plan *plan, uint32_t host, struct churn_turn *turn)
{
    CHECK(turn->until != MIST_NEVER);
    bool comes = !turn->there;
    const struct lifetime *law = comes ? &plan->churn.session : &plan->churn.downtime;
    uint64_t word = draw_u64(plan->seed, host, comes ? DRAW_SESSION : DRAW_DOWNTIME, turn->ordinal);
    turn->ordinal += !comes;
    turn->there = comes;
    turn->until = after(turn->until, lifetime_draw(law, word));
}

bool churn_says_goodbye(const struct plan *plan, uint32_t host, uint32_t ordinal)
{
    return draw_ppm(plan->seed, host, DRAW_GOODBYE, ordinal, plan->churn.graceful_ppm);
}
