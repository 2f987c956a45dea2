/* ns3c_clock.cc: worlds in real time.
 *
 * ns-3's real-time simulator counts its clock from the beginning of each Run, so there
 * is one Run per world, in a thread of its own.  That thread and whoever calls ns3c_run
 * take turns: between two calls ns-3 stands still inside an event. */
#include "sim/ns3/parts.hh"

using namespace ns3c_parts;

namespace
{
void note_late(Clocked *c)
{
    auto simulator =
        ns3::DynamicCast<ns3::RealtimeSimulatorImpl>(ns3::Simulator::GetImplementation());
    int64_t late = (simulator->RealtimeNow() - ns3::Simulator::Now()).GetNanoSeconds();
    c->late = std::max(c->late, late);
}

/* An event: the caller's turn. */
void pause(Clocked *c)
{
    note_late(c);
    std::unique_lock<std::mutex> lock(c->mutex);
    c->running = false;
    c->changed.notify_all();
    c->changed.wait(lock, [c] { return c->running; });
    if (c->closing)
        ns3::Simulator::Stop();
}

void run_all(Clocked *c)
{
    guard([&]() -> int {
        ns3::Simulator::Run();
        return NS3C_OK;
    });
    std::unique_lock<std::mutex> lock(c->mutex);
    c->running = false;
    c->changed.notify_all();
}
} // namespace

namespace ns3c_parts
{
void run_clocked(Clocked *c, int64_t until)
{
    int64_t wait = until - 1 - ns3::Simulator::Now().GetNanoSeconds();
    ns3::Simulator::Schedule(to_time(wait > 0 ? wait : 0), &pause, c);
    std::unique_lock<std::mutex> lock(c->mutex);
    c->running = true;
    c->changed.notify_all();
    if (!c->thread.joinable())
        c->thread = std::thread(run_all, c);
    c->changed.wait(lock, [c] { return !c->running; });
}

void close_clocked(Clocked *c)
{
    if (!c->thread.joinable())
        return;
    {
        std::unique_lock<std::mutex> lock(c->mutex);
        c->closing = c->running = true;
        c->changed.notify_all();
    }
    c->thread.join();
}
} // namespace ns3c_parts
