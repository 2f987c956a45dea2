/* ns3c.cc: the world and its time, attributes, addresses. */
#include "sim/ns3/parts.hh"

#include "ns3/flow-monitor-module.h"
#include "ns3/version-defines.h"

using namespace ns3c_parts;

namespace
{
ns3c *opened;
std::string why;

/* The scheduler that was asked for, and a count of what it holds: ns-3 tells nobody. */
class CountingScheduler : public ns3::Scheduler
{
  public:
    static std::string kind; // of the one inside
    static uint64_t pending;

    static ns3::TypeId GetTypeId()
    {
        static ns3::TypeId type = ns3::TypeId("ns3c::CountingScheduler")
                                      .SetParent<ns3::Scheduler>()
                                      .AddConstructor<CountingScheduler>();
        return type;
    }
    CountingScheduler() : inside(ns3::ObjectFactory(kind).Create<ns3::Scheduler>())
    {
        pending = 0;
    }
    void Insert(const Event &event) override
    {
        pending++;
        inside->Insert(event);
    }
    bool IsEmpty() const override
    {
        return inside->IsEmpty();
    }
    Event PeekNext() const override
    {
        return inside->PeekNext();
    }
    Event RemoveNext() override
    {
        pending--;
        return inside->RemoveNext();
    }
    void Remove(const Event &event) override
    {
        pending--;
        inside->Remove(event);
    }

  private:
    Ptr<ns3::Scheduler> inside;
};
std::string CountingScheduler::kind;
uint64_t CountingScheduler::pending;
} // namespace

namespace ns3c_parts
{
int fail(ns3c_error code, const std::string &text)
{
    why = text;
    return code;
}

bool has_node(const ns3c *w, uint32_t node)
{
    return node < w->nodes.size();
}

bool has_port(const ns3c *w, uint32_t port)
{
    return port < w->ports.size();
}

ns3::Ipv4Address to_ip4(const ns3c_addr &a)
{
    return ns3::Ipv4Address::Deserialize(a.ip);
}

ns3::Ipv6Address to_ip6(const ns3c_addr &a)
{
    return ns3::Ipv6Address::Deserialize(a.ip);
}

ns3c_addr from_ip4(ns3::Ipv4Address ip, uint16_t port)
{
    ns3c_addr a{};
    ip.Serialize(a.ip);
    a.port = port;
    a.family = 4;
    return a;
}

ns3c_addr from_ip6(ns3::Ipv6Address ip, uint16_t port)
{
    ns3c_addr a{};
    ip.Serialize(a.ip);
    a.port = port;
    a.family = 6;
    return a;
}

ns3c_addr from_socket(const ns3::Address &a)
{
    if (ns3::InetSocketAddress::IsMatchingType(a)) {
        ns3::InetSocketAddress s = ns3::InetSocketAddress::ConvertFrom(a);
        return from_ip4(s.GetIpv4(), s.GetPort());
    }
    ns3::Inet6SocketAddress s = ns3::Inet6SocketAddress::ConvertFrom(a);
    return from_ip6(s.GetIpv6(), s.GetPort());
}
} // namespace ns3c_parts

extern "C" {

int ns3c_open(struct ns3c **world, const struct ns3c_options *options)
{
    return guard([&]() -> int {
        ns3c_options o = options ? *options : ns3c_options{};
        ns3::TypeId type;
        std::string scheduler = o.scheduler ? o.scheduler : "ns3::PriorityQueueScheduler";
        if (opened)
            return fail(NS3C_BUSY, "one world at a time");
        if (!ns3::TypeId::LookupByNameFailSafe(scheduler, &type) ||
            !type.IsChildOf(ns3::Scheduler::GetTypeId()))
            return fail(NS3C_UNKNOWN, scheduler + " is no scheduler of ns-3");
        /* One run is one world: numbers that ns-3 counts per process begin again. */
        ns3::RngSeedManager::SetSeed(o.seed ? o.seed : 1);
        ns3::RngSeedManager::SetRun(1);
        ns3::Mac48Address::ResetAllocationIndex();
        ns3::Config::SetGlobal("ChecksumEnabled", ns3::BooleanValue(o.checksums));
        ns3::Config::SetDefault("ns3::PcapFileWrapper::NanosecMode", ns3::BooleanValue(true));
        /* Addresses are given, not tried: no events of detection (RFC 4862, 5.4). */
        ns3::Config::SetDefault("ns3::Icmpv6L4Protocol::DAD", ns3::BooleanValue(false));
        ns3::GlobalValue::Bind("SimulatorImplementationType",
                               ns3::StringValue(o.real_time ? "ns3::RealtimeSimulatorImpl"
                                                            : "ns3::DefaultSimulatorImpl"));
        CountingScheduler::kind = scheduler;
        ns3::ObjectFactory counting;
        counting.SetTypeId(CountingScheduler::GetTypeId());
        ns3::Simulator::SetScheduler(counting);
        opened = new ns3c;
        opened->checksums = o.checksums;
        if (o.real_time)
            opened->clocked = std::make_unique<Clocked>();
        *world = opened;
        return NS3C_OK;
    });
}

void ns3c_close(struct ns3c *w)
{
    guard([&]() -> int {
        if (w->clocked)
            close_clocked(w->clocked.get());
        w->flows.reset();
        ns3::Simulator::Destroy();
        delete w;
        opened = nullptr;
        ns3::Config::Reset();
        return NS3C_OK;
    });
}

const char *ns3c_version(void)
{
    static const std::string version =
        "ns-" + std::to_string(NS3_VERSION_MAJOR) + "." + std::to_string(NS3_VERSION_MINOR);
    return version.c_str();
}

const char *ns3c_why(void)
{
    return why.c_str();
}

int64_t ns3c_now(const struct ns3c *)
{
    return ns3::Simulator::Now().GetNanoSeconds();
}

uint64_t ns3c_events(const struct ns3c *)
{
    return ns3::Simulator::GetEventCount();
}

uint64_t ns3c_pending(const struct ns3c *)
{
    return CountingScheduler::pending;
}

uint32_t ns3c_nodes(const struct ns3c *w)
{
    return static_cast<uint32_t>(w->nodes.size());
}

void ns3c_schedule(struct ns3c *w, int64_t at, void (*call)(void *, uint64_t), void *data,
                   uint64_t number)
{
    int64_t now = ns3c_now(w);
    ns3::Simulator::Schedule(to_time(at > now ? at - now : 0), call, data, number);
}

/* ns-3 stops by an event, which stands behind those of its time that were there
 * first: so it is asked again until nothing but the stop itself happens. */
void ns3c_run(struct ns3c *w, int64_t until)
{
    guard([&]() -> int {
        if (w->clocked) {
            run_clocked(w->clocked.get(), until);
            return NS3C_OK;
        }
        int64_t wait = until - 1 - ns3c_now(w);
        uint64_t before;
        do {
            before = ns3::Simulator::GetEventCount();
            ns3::Simulator::Stop(to_time(wait > 0 ? wait : 0));
            ns3::Simulator::Run();
            wait = 0;
        } while (ns3::Simulator::GetEventCount() - before > 1);
        return NS3C_OK;
    });
}

int64_t ns3c_late(const struct ns3c *w)
{
    return w->clocked ? w->clocked->late : 0;
}

int ns3c_default(const char *attribute, const char *value)
{
    return guard([&]() -> int {
        if (!ns3::Config::SetDefaultFailSafe(attribute, ns3::StringValue(value)))
            return fail(NS3C_UNKNOWN,
                        std::string("ns-3 has no ") + attribute + " that can be " + value);
        return NS3C_OK;
    });
}

static Ptr<ns3::Object> find_thing(struct ns3c *w, enum ns3c_thing thing, uint32_t number)
{
    if (thing == NS3C_NODE)
        return has_node(w, number) ? w->nodes[number].node : nullptr;
    if (!has_port(w, number))
        return nullptr;
    const Port &port = w->ports[number];
    if (thing == NS3C_LINK)
        return port.device->GetChannel();
    if (thing == NS3C_DEVICE)
        return port.device;
    if (port.disc)
        return port.disc;
    ns3::PointerValue queue;
    return port.device->GetAttributeFailSafe("TxQueue", queue) ? queue.Get<ns3::Object>() : nullptr;
}

int ns3c_set(struct ns3c *w, enum ns3c_thing thing, uint32_t number, const char *name,
             const char *value)
{
    return guard([&]() -> int {
        Ptr<ns3::Object> object = find_thing(w, thing, number);
        if (!object)
            return fail(NS3C_RANGE, "no such node, port or queue");
        if (!object->SetAttributeFailSafe(name, ns3::StringValue(value)))
            return fail(NS3C_UNKNOWN, object->GetInstanceTypeId().GetName() + " has no " + name +
                                          " that can be " + value);
        return NS3C_OK;
    });
}

int ns3c_get(struct ns3c *w, enum ns3c_thing thing, uint32_t number, const char *name, char *value,
             uint32_t size)
{
    return guard([&]() -> int {
        Ptr<ns3::Object> object = find_thing(w, thing, number);
        ns3::StringValue text;
        if (!object)
            return fail(NS3C_RANGE, "no such node, port or queue");
        if (!object->GetAttributeFailSafe(name, text))
            return fail(NS3C_UNKNOWN, object->GetInstanceTypeId().GetName() + " has no " + name);
        if (size > 0) {
            size_t length = std::min<size_t>(text.Get().size(), size - 1);
            memcpy(value, text.Get().c_str(), length);
            value[length] = '\0';
        }
        return static_cast<int>(text.Get().size());
    });
}
}
