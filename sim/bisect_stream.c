/* bisect_stream.c: see bisect_stream.h. */
#include "sim/bisect_stream.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/exit.h"
#include "sim/failure.h"
#include "sim/world.h"

#define BUFFER (1 << 20)

/* ---- the simulating process ---- */

/* The reader may have seen enough: then SIGPIPE ends this process, as it should. */
static void put(FILE *out, const struct bisect_record *r, const uint8_t *bytes)
{
    fwrite(r, sizeof *r, 1, out);
    if (r->length > 0)
        fwrite(bytes, 1, r->length, out);
}

static struct bisect_record record_of(enum bisect_kind kind, mist_time now, uint32_t place,
                                      const struct datagram *d)
{
    struct bisect_record r;
    memset(&r, 0, sizeof r); /* its padding goes into the pipe too */
    r.kind = (uint8_t)kind;
    r.ttl = d->ttl;
    r.length = d->length;
    r.place = place;
    r.at = now;
    r.from = d->from;
    r.to = d->to;
    return r;
}

static void on_sent(void *out, mist_time now, uint32_t host, const struct mist_datagram *d)
{
    const struct datagram plain = {
        .from = d->from, .to = d->to, .ttl = d->ttl, .length = d->length};
    struct bisect_record r = record_of(BISECT_SENT, now, host, &plain);
    r.use = d->kind;
    put(out, &r, d->bytes);
}

static void on_arrived(void *out, mist_time now, uint32_t host, const struct datagram *d)
{
    struct bisect_record r = record_of(BISECT_ARRIVED, now, host, d);
    put(out, &r, d->bytes);
}

static void on_dropped(void *out, mist_time now, uint32_t box, const char *why,
                       const struct datagram *d)
{
    struct bisect_record r = record_of(BISECT_DROPPED, now, box, d);
    snprintf(r.why, sizeof r.why, "%s", why);
    put(out, &r, d->bytes);
}

static void on_lost(void *out, mist_time now, const struct datagram *d, enum engine_loss why)
{
    struct bisect_record r = record_of(BISECT_LOST, now, (uint32_t)why, d);
    put(out, &r, d->bytes);
}

_Noreturn static void simulate(const struct plan *plan, const struct mist_api *api, int pipe)
{
    char error[300] = "";
    FILE *out = fdopen(pipe, "wb");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_DFL);
    if (!out || setvbuf(out, NULL, _IOFBF, BUFFER))
        _exit(EXIT_STORAGE);
    failure_note(plan->path, plan->cell, plan->seed);
    const struct world_watch watch = {.data = out,
                                      .sent = on_sent,
                                      .arrived = on_arrived,
                                      .dropped = on_dropped,
                                      .lost = on_lost};
    struct world_options options = {.api = api, .watch = &watch};
    struct world_result result;
    int outcome = world_run(plan, &engine_native, &options, &result, error, sizeof error);
    if (outcome) {
        fprintf(stderr, "mistsim bisect: %s\n", error);
        _exit(EXIT_INPUT);
    }
    const struct datagram none = {.length = 0};
    struct bisect_record end = record_of(BISECT_END, result.sim, 0, &none);
    end.trace = result.figures.trace;
    fwrite(&end, sizeof end, 1, out);
    _exit(fclose(out) ? EXIT_STORAGE : EXIT_FINE);
}

/* ---- the reading one ---- */

int bisect_stream_open(struct bisect_stream *s, const struct plan *plan, const struct mist_api *api)
{
    int ends[2];
    memset(s, 0, sizeof *s);
    if (pipe(ends))
        return -1;
    fflush(NULL);
    s->process = fork();
    if (s->process == 0) {
        close(ends[0]);
        simulate(plan, api, ends[1]);
    }
    close(ends[1]);
    s->pipe = s->process < 0 ? NULL : fdopen(ends[0], "rb");
    return s->pipe ? 0 : -1;
}

int bisect_stream_next(struct bisect_stream *s)
{
    struct bisect_record *r = &s->record;
    if (fread(r, sizeof *r, 1, s->pipe) != 1 || fread(s->bytes, 1, r->length, s->pipe) != r->length)
        return 0;
    s->sent += r->kind == BISECT_SENT;
    return 1;
}

void bisect_stream_close(struct bisect_stream *s)
{
    if (s->pipe)
        fclose(s->pipe);
    if (s->process > 0) {
        kill(s->process, SIGKILL);
        while (waitpid(s->process, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
}
