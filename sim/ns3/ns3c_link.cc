/* ns3c_link.cc: nodes, links, queues, errors. */
#include "sim/ns3/parts.hh"

#include "ns3/csma-module.h"
#include "ns3/fd-net-device-module.h"
#include "ns3/point-to-point-module.h"

using namespace ns3c_parts;

namespace
{
/* Errors that a function in C decides. */
class CalledErrors : public ns3::ErrorModel
{
  public:
    ns3c_errors errors{};
    uint32_t port = 0;

  private:
    bool DoCorrupt(Ptr<ns3::Packet>) override
    {
        return errors.corrupt(errors.data, port);
    }
    void DoReset() override
    {
    }
};

/* The cloud: ns-3's simplest channel, but who receives, and when, is asked. */
class CloudChannel : public ns3::SimpleChannel
{
  public:
    ns3c *world = nullptr;
    ns3c_carry *carry = nullptr;
    void *data = nullptr;
    std::map<const ns3::SimpleNetDevice *, uint32_t> ports;

    void Send(Ptr<ns3::Packet> p, uint16_t protocol, ns3::Mac48Address, ns3::Mac48Address from,
              Ptr<ns3::SimpleNetDevice> sender) override
    {
        Opened o;
        int64_t delay = 0;
        if (!open_packet(world, p, protocol, &o))
            return;
        uint32_t out =
            carry(data, ns3c_now(world), ports.at(ns3::PeekPointer(sender)), &o.datagram, &delay);
        if (out == NS3C_DROP)
            return;
        Ptr<ns3::Packet> packet = close_payload(world, &o);
        if (protocol == ETHER_IPV4)
            packet->AddHeader(o.ip4);
        else
            packet->AddHeader(o.ip6);
        auto device = ns3::DynamicCast<ns3::SimpleNetDevice>(world->ports.at(out).device);
        ns3::Mac48Address to = ns3::Mac48Address::ConvertFrom(device->GetAddress());
        ns3::Simulator::ScheduleWithContext(device->GetNode()->GetId(), to_time(delay),
                                            &ns3::SimpleNetDevice::Receive, device, packet,
                                            protocol, to, from);
    }
};

void tell_drop(ns3c *w, uint32_t port, Opened *o)
{
    if (w->dropped)
        w->dropped(w->dropped_data, ns3c_now(w), port, &o->datagram);
}

/* What a point-to-point queue holds begins with the PPP header. */
void drop_from_device(ns3c *w, uint32_t port, Ptr<const ns3::Packet> framed)
{
    Ptr<ns3::Packet> packet = framed->Copy();
    ns3::PppHeader ppp;
    packet->RemoveHeader(ppp);
    Opened o;
    if (open_packet(w, packet, ppp.GetProtocol() == 0x21 ? ETHER_IPV4 : ETHER_IPV6, &o))
        tell_drop(w, port, &o);
}

void drop_from_disc(ns3c *w, uint32_t port, Ptr<const ns3::QueueDiscItem> item)
{
    Opened o;
    o.payload = item->GetPacket()->Copy();
    auto item4 = ns3::DynamicCast<const ns3::Ipv4QueueDiscItem>(item);
    auto item6 = ns3::DynamicCast<const ns3::Ipv6QueueDiscItem>(item);
    if (item4)
        o.ip4 = item4->GetHeader();
    else if (item6)
        o.ip6 = item6->GetHeader();
    if ((item4 || item6) && open_payload(w, &o, item4 ? ETHER_IPV4 : ETHER_IPV6))
        tell_drop(w, port, &o);
}

/* A queue discipline above a device queue of one packet. */
void add_disc(ns3c *w, uint32_t number, const ns3c_side &side)
{
    Port &port = w->ports[number];
    Ptr<ns3::Node> node = w->nodes[port.node].node;
    if (!node->GetObject<ns3::TrafficControlLayer>())
        node->AggregateObject(ns3::CreateObject<ns3::TrafficControlLayer>());
    std::string size = std::to_string(side.limit_bytes) + "B";
    const char *type = side.queue == NS3C_CODEL ? "ns3::CoDelQueueDisc" : "ns3::FqCoDelQueueDisc";
    ns3::TrafficControlHelper helper;
    if (side.limit_bytes == 0)
        helper.SetRootQueueDisc(type);
    else
        helper.SetRootQueueDisc(type, "MaxSize", ns3::StringValue(size));
    port.disc = helper.Install(port.device).Get(0);
    port.disc->TraceConnectWithoutContext("Drop",
                                          ns3::MakeBoundCallback(&drop_from_disc, w, number));
}

/* The device's own queue; the interface above it only where a discipline stands. */
void add_queue(ns3c *w, uint32_t number, const ns3c_side &side)
{
    auto device = ns3::DynamicCast<ns3::PointToPointNetDevice>(w->ports[number].device);
    Ptr<ns3::Queue<ns3::Packet>> queue = ns3::CreateObject<ns3::DropTailQueue<ns3::Packet>>();
    if (side.queue != NS3C_DROP_TAIL)
        queue->SetMaxSize(ns3::QueueSize("1p"));
    else if (side.limit_bytes > 0)
        queue->SetMaxSize(ns3::QueueSize(ns3::QueueSizeUnit::BYTES, side.limit_bytes));
    device->SetQueue(queue);
    if (side.queue == NS3C_DROP_TAIL) {
        queue->TraceConnectWithoutContext("Drop",
                                          ns3::MakeBoundCallback(&drop_from_device, w, number));
        return;
    }
    Ptr<ns3::NetDeviceQueueInterface> interface = ns3::CreateObject<ns3::NetDeviceQueueInterface>();
    interface->GetTxQueue(0)->ConnectQueueTraces(queue);
    device->AggregateObject(interface);
    add_disc(w, number, side);
}

int check_link(const ns3c *w, const uint32_t node[2], const ns3c_link *link)
{
    for (int i = 0; i < 2; i++) {
        if (!has_node(w, node[i]))
            return fail(NS3C_RANGE, "no such node");
        if (link->side[i].rate_bps == 0 || link->side[i].queue > NS3C_FQ_CODEL)
            return fail(NS3C_RANGE, "a link needs a rate and a known queue on both sides");
    }
    if (link->delay_ns < 0 || (link->mtu != 0 && link->mtu < 68))
        return fail(NS3C_RANGE, "a link's delay is not negative, its MTU at least 68");
    return NS3C_OK;
}

Ptr<ns3::ErrorModel> make_errors(uint32_t port, const ns3c_errors *e)
{
    if (e->kind == NS3C_CALL) {
        Ptr<CalledErrors> called = ns3::CreateObject<CalledErrors>();
        called->errors = *e;
        called->port = port;
        return called;
    }
    if (e->kind == NS3C_BURSTS) {
        Ptr<ns3::BurstErrorModel> bursts = ns3::CreateObject<ns3::BurstErrorModel>();
        Ptr<ns3::UniformRandomVariable> size = ns3::CreateObject<ns3::UniformRandomVariable>();
        size->SetAttribute("Min", ns3::DoubleValue(1));
        size->SetAttribute("Max", ns3::DoubleValue(e->longest));
        bursts->SetBurstRate(e->rate);
        bursts->SetRandomBurstSize(size);
        if (e->stream >= 0)
            bursts->AssignStreams(e->stream);
        return bursts;
    }
    Ptr<ns3::RateErrorModel> rate = ns3::CreateObject<ns3::RateErrorModel>();
    rate->SetUnit(e->kind == NS3C_PER_PACKET ? ns3::RateErrorModel::ERROR_UNIT_PACKET
                  : e->kind == NS3C_PER_BYTE ? ns3::RateErrorModel::ERROR_UNIT_BYTE
                                             : ns3::RateErrorModel::ERROR_UNIT_BIT);
    rate->SetRate(e->rate);
    if (e->stream >= 0)
        rate->AssignStreams(e->stream);
    return rate;
}
} // namespace

namespace ns3c_parts
{
uint32_t add_port(ns3c *w, uint32_t node, Ptr<ns3::NetDevice> device)
{
    uint32_t number = static_cast<uint32_t>(w->ports.size());
    device->SetAddress(ns3::Mac48Address::Allocate());
    w->nodes[node].node->AddDevice(device);
    w->ports.emplace_back();
    w->ports.back().device = device;
    w->ports.back().node = node;
    if (w->nodes[node].hook)
        hear_port(w, number);
    return number;
}
} // namespace ns3c_parts

extern "C" {

int ns3c_point_to_point(struct ns3c *w, const uint32_t node[2], const struct ns3c_link *link,
                        uint32_t port[2])
{
    return guard([&]() -> int {
        int error = check_link(w, node, link);
        if (error)
            return error;
        Ptr<ns3::PointToPointChannel> channel = ns3::CreateObject<ns3::PointToPointChannel>();
        channel->SetAttribute("Delay", ns3::TimeValue(to_time(link->delay_ns)));
        for (int i = 0; i < 2; i++) {
            auto device = ns3::CreateObject<ns3::PointToPointNetDevice>();
            device->SetDataRate(ns3::DataRate(link->side[i].rate_bps));
            if (link->mtu > 0)
                device->SetMtu(link->mtu);
            port[i] = add_port(w, node[i], device);
            add_queue(w, port[i], link->side[i]);
            device->Attach(channel);
        }
        return NS3C_OK;
    });
}

int ns3c_csma(struct ns3c *w, const uint32_t *node, uint32_t count, uint64_t rate_bps,
              int64_t delay_ns, uint32_t *port)
{
    return guard([&]() -> int {
        for (uint32_t i = 0; i < count; i++)
            if (!has_node(w, node[i]))
                return fail(NS3C_RANGE, "no such node");
        if (rate_bps == 0 || delay_ns < 0)
            return fail(NS3C_RANGE, "a segment needs a rate, and no negative delay");
        Ptr<ns3::CsmaChannel> channel = ns3::CreateObject<ns3::CsmaChannel>();
        channel->SetAttribute("DataRate", ns3::DataRateValue(ns3::DataRate(rate_bps)));
        channel->SetAttribute("Delay", ns3::TimeValue(to_time(delay_ns)));
        for (uint32_t i = 0; i < count; i++) {
            Ptr<ns3::CsmaNetDevice> device = ns3::CreateObject<ns3::CsmaNetDevice>();
            device->SetQueue(ns3::CreateObject<ns3::DropTailQueue<ns3::Packet>>());
            port[i] = add_port(w, node[i], device);
            device->AssignStreams(port[i]); // of its waits where two send at once
            device->Attach(channel);
        }
        return NS3C_OK;
    });
}

int ns3c_cloud(struct ns3c *w, const uint32_t *node, uint32_t count, ns3c_carry *carry, void *data,
               uint32_t *port)
{
    return guard([&]() -> int {
        for (uint32_t i = 0; i < count; i++)
            if (!has_node(w, node[i]))
                return fail(NS3C_RANGE, "no such node");
        Ptr<CloudChannel> channel = ns3::CreateObject<CloudChannel>();
        channel->world = w;
        channel->carry = carry;
        channel->data = data;
        for (uint32_t i = 0; i < count; i++) {
            Ptr<ns3::SimpleNetDevice> device = ns3::CreateObject<ns3::SimpleNetDevice>();
            device->SetAttribute("PointToPointMode", ns3::BooleanValue(true));
            port[i] = add_port(w, node[i], device);
            device->SetChannel(channel);
            channel->ports[ns3::PeekPointer(device)] = port[i];
        }
        return NS3C_OK;
    });
}

int ns3c_tap(struct ns3c *w, uint32_t node, int fd, uint32_t *port)
{
    return guard([&]() -> int {
        if (!has_node(w, node) || fd < 0)
            return fail(NS3C_RANGE, "no such node, or no open file");
        if (!w->clocked)
            return fail(NS3C_LACKS, "a tap needs a world in real time");
        Ptr<ns3::FdNetDevice> device = ns3::CreateObject<ns3::FdNetDevice>();
        device->SetFileDescriptor(fd);
        *port = add_port(w, node, device);
        return NS3C_OK;
    });
}

void ns3c_on_drop(struct ns3c *w, ns3c_dropped *dropped, void *data)
{
    w->dropped = dropped;
    w->dropped_data = data;
}

int ns3c_receive_errors(struct ns3c *w, uint32_t port, const struct ns3c_errors *e)
{
    return guard([&]() -> int {
        if (!has_port(w, port))
            return fail(NS3C_RANGE, "no such port");
        if (e->kind > NS3C_CALL || (e->kind == NS3C_CALL && !e->corrupt) ||
            (e->kind != NS3C_CALL && !(e->rate >= 0 && e->rate <= 1)) ||
            (e->kind == NS3C_BURSTS && e->longest == 0))
            return fail(NS3C_RANGE, "errors need a known kind and a rate from 0 to 1");
        if (!w->ports[port].device->SetAttributeFailSafe("ReceiveErrorModel",
                                                         ns3::PointerValue(make_errors(port, e))))
            return fail(NS3C_LACKS, "the port's device takes no errors");
        return NS3C_OK;
    });
}
}
