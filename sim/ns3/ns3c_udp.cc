/* ns3c_udp.cc: sockets, and what no socket takes. */
#include "sim/ns3/parts.hh"

using namespace ns3c_parts;

namespace
{
/* ns-3's UDP; a datagram for a port without a socket goes to the node's catch. */
class CatchingUdp : public ns3::UdpL4Protocol
{
  public:
    ns3c *world = nullptr;
    uint32_t node = 0;

    static ns3::TypeId GetTypeId()
    {
        static ns3::TypeId type = ns3::TypeId("ns3c::CatchingUdp").SetParent<ns3::UdpL4Protocol>();
        return type;
    }
    ns3::TypeId GetInstanceTypeId() const override
    {
        return GetTypeId();
    }

    RxStatus Receive(Ptr<ns3::Packet> p, const ns3::Ipv4Header &header,
                     Ptr<ns3::Ipv4Interface> interface) override
    {
        Opened o;
        o.payload = p->Copy();
        o.ip4 = header;
        RxStatus status = ns3::UdpL4Protocol::Receive(p, header, interface);
        return caught(status, &o, ETHER_IPV4) ? RX_OK : status;
    }
    RxStatus Receive(Ptr<ns3::Packet> p, const ns3::Ipv6Header &header,
                     Ptr<ns3::Ipv6Interface> interface) override
    {
        Opened o;
        o.payload = p->Copy();
        o.ip6 = header;
        RxStatus status = ns3::UdpL4Protocol::Receive(p, header, interface);
        return caught(status, &o, ETHER_IPV6) ? RX_OK : status;
    }

  private:
    bool caught(RxStatus status, Opened *o, uint16_t protocol)
    {
        const Node &n = world->nodes[node];
        if (status != RX_ENDPOINT_UNREACH || !n.catches || !open_payload(world, o, protocol))
            return false;
        o->datagram.fragment = {}; // the stack has put it together
        std::vector<uint8_t> bytes = std::move(world->bytes);
        n.catches(n.catch_data, ns3c_now(world), node, &o->datagram);
        world->bytes = std::move(bytes);
        return true;
    }
};

uint8_t ttl_of(Ptr<ns3::Packet> packet, uint8_t family)
{
    ns3::SocketIpTtlTag tag4;
    ns3::SocketIpv6HopLimitTag tag6;
    if (family == 4)
        return packet->PeekPacketTag(tag4) ? tag4.GetTtl() : 0;
    return packet->PeekPacketTag(tag6) ? tag6.GetHopLimit() : 0;
}

/* The bytes are the callback's until it returns: what it sends may be looked at too. */
void readable(Socket *s, Ptr<ns3::Socket> socket)
{
    ns3::Address from;
    Ptr<ns3::Packet> packet;
    while ((packet = socket->RecvFrom(from))) {
        ns3c_datagram d{};
        std::vector<uint8_t> bytes = std::move(s->world->bytes);
        bytes.resize(std::max<size_t>(packet->GetSize(), 1));
        packet->CopyData(bytes.data(), packet->GetSize());
        d.from = from_socket(from);
        d.to = s->addr;
        d.mark = mark_of(packet).value;
        d.ttl = ttl_of(packet, s->addr.family);
        d.bytes = bytes.data();
        d.length = static_cast<uint16_t>(packet->GetSize());
        s->receive(s->data, ns3c_now(s->world), s->number, &d);
        s->world->bytes = std::move(bytes);
    }
}

ns3::Address socket_address(const ns3c_addr &a)
{
    if (a.family == 4)
        return ns3::InetSocketAddress(to_ip4(a), a.port);
    return ns3::Inet6SocketAddress(to_ip6(a), a.port);
}

bool is_family(uint8_t family)
{
    return family == 4 || family == 6;
}

Ptr<ns3::Packet> make_packet(const ns3c_datagram *d)
{
    Ptr<ns3::Packet> packet = ns3::Create<ns3::Packet>(d->bytes, d->length);
    give_mark(packet, d);
    return packet;
}
} // namespace

namespace ns3c_parts
{
void begin(Ptr<ns3::Node> node)
{
    if (!node->IsInitialized())
        node->Initialize();
}

Ptr<ns3::Object> make_udp(ns3c *w, uint32_t node)
{
    Ptr<CatchingUdp> udp = ns3::CreateObject<CatchingUdp>();
    udp->world = w;
    udp->node = node;
    return udp;
}
} // namespace ns3c_parts

extern "C" {

int64_t ns3c_udp(struct ns3c *w, uint32_t node, const struct ns3c_addr *addr, ns3c_receive *receive,
                 void *data)
{
    int64_t made = NS3C_SYSTEM;
    int failed = guard([&]() -> int {
        if (!has_node(w, node) || !is_family(addr->family))
            return fail(NS3C_RANGE, "no such node, or no address");
        if (!(w->nodes[node].stack & (addr->family == 4 ? NS3C_IPV4 : NS3C_IPV6)))
            return fail(NS3C_LACKS, "the node's stack is not of that family");
        Ptr<ns3::Socket> socket =
            ns3::Socket::CreateSocket(w->nodes[node].node, ns3::UdpSocketFactory::GetTypeId());
        if (socket->Bind(socket_address(*addr)) != 0) {
            socket->Close();
            return fail(NS3C_SYSTEM, "the address is taken");
        }
        uint32_t number = static_cast<uint32_t>(w->sockets.size());
        w->sockets.push_back({socket, number, *addr, receive, data, w});
        socket->SetRecvCallback(ns3::MakeBoundCallback(&readable, &w->sockets.back()));
        if (addr->family == 4)
            socket->SetIpRecvTtl(true);
        else
            socket->SetIpv6RecvHopLimit(true);
        made = number;
        return NS3C_OK;
    });
    return failed ? failed : made;
}

int ns3c_udp_send(struct ns3c *w, uint32_t number, const struct ns3c_datagram *d)
{
    return guard([&]() -> int {
        if (number >= w->sockets.size())
            return fail(NS3C_RANGE, "no such socket");
        Socket &s = w->sockets[number];
        if (d->to.family != s.addr.family)
            return fail(NS3C_RANGE, "the datagram is not of the socket's family");
        begin(s.socket->GetNode());
        if (d->to.family == 4)
            s.socket->SetIpTtl(d->ttl);
        else
            s.socket->SetIpv6HopLimit(d->ttl);
        s.socket->SendTo(make_packet(d), 0, socket_address(d->to));
        return NS3C_OK;
    });
}

int ns3c_udp_spoof(struct ns3c *w, uint32_t node, const struct ns3c_datagram *d)
{
    return guard([&]() -> int {
        if (!has_node(w, node) || !is_family(d->to.family) || d->from.family != d->to.family)
            return fail(NS3C_RANGE, "no such node, or no two addresses of one family");
        if (!(w->nodes[node].stack & (d->to.family == 4 ? NS3C_IPV4 : NS3C_IPV6)))
            return fail(NS3C_LACKS, "the node's stack is not of that family");
        begin(w->nodes[node].node);
        auto udp = w->nodes[node].node->GetObject<ns3::UdpL4Protocol>();
        Ptr<ns3::Packet> packet = make_packet(d);
        if (d->to.family == 4) {
            ns3::SocketIpTtlTag ttl;
            ttl.SetTtl(d->ttl);
            if (d->ttl > 0)
                packet->AddPacketTag(ttl);
            udp->Send(packet, to_ip4(d->from), to_ip4(d->to), d->from.port, d->to.port);
        } else {
            ns3::SocketIpv6HopLimitTag hops;
            hops.SetHopLimit(d->ttl);
            if (d->ttl > 0)
                packet->AddPacketTag(hops);
            udp->Send(packet, to_ip6(d->from), to_ip6(d->to), d->from.port, d->to.port);
        }
        return NS3C_OK;
    });
}

int ns3c_udp_catch(struct ns3c *w, uint32_t node, ns3c_receive *receive, void *data)
{
    if (!has_node(w, node))
        return fail(NS3C_RANGE, "no such node");
    if (!(w->nodes[node].stack & (NS3C_IPV4 | NS3C_IPV6)))
        return fail(NS3C_LACKS, "the node has no stack");
    w->nodes[node].catches = receive;
    w->nodes[node].catch_data = data;
    return NS3C_OK;
}
}
