/* ns3c_packet.cc: datagrams taken out of ns-3's packets and put back: marks,
 * hooks, fragments. */
#include "sim/ns3/parts.hh"

using namespace ns3c_parts;

namespace
{
constexpr uint32_t IP4_HEADER = 20, IP6_HEADER = 40, UDP_HEADER = 8;

/* Links pad short frames. */
void cut_padding(Ptr<ns3::Packet> packet, uint32_t size)
{
    if (packet->GetSize() > size)
        packet->RemoveAtEnd(packet->GetSize() - size);
}

ns3c_fragment fragment_of(const ns3::Ipv4Header &ip)
{
    return {ip.GetIdentification(), ip.GetFragmentOffset(), !ip.IsLastFragment(),
            ip.IsDontFragment()};
}

/* Takes the UDP header off; false: there is none. */
bool take_udp(Opened *o)
{
    uint8_t raw[UDP_HEADER];
    ns3::UdpHeader udp;
    if (o->payload->CopyData(raw, sizeof raw) < sizeof raw)
        return false;
    o->payload->RemoveHeader(udp);
    o->datagram.from.port = udp.GetSourcePort();
    o->datagram.to.port = udp.GetDestinationPort();
    if (o->datagram.fragment.more)
        o->udp_length = static_cast<uint16_t>(raw[4] << 8 | raw[5]);
    return true;
}

/* The payload's bytes, for who looks at the datagram. */
void give_bytes(ns3c *w, Opened *o)
{
    w->bytes.resize(std::max<size_t>(o->payload->GetSize(), 1));
    o->payload->CopyData(w->bytes.data(), o->payload->GetSize());
    o->bytes = w->bytes.data();
    Mark mark = mark_of(o->payload);
    o->datagram.mark = mark.value;
    o->datagram.fragment.forbidden = o->datagram.fragment.forbidden || mark.whole;
    o->datagram.bytes = o->bytes;
    o->datagram.length = static_cast<uint16_t>(o->payload->GetSize());
}

/* RFC 768: behind the ports.  A piece keeps the length of its whole, and no checksum: that
 * is the whole's, and 0 is none. */
void add_udp(const ns3c *w, Opened *o)
{
    const ns3c_datagram &d = o->datagram;
    ns3::UdpHeader udp;
    udp.SetSourcePort(d.from.port);
    udp.SetDestinationPort(d.to.port);
    if (d.fragment.more && o->udp_length > 0)
        udp.ForcePayloadSize(o->udp_length);
    if (w->checksums && !d.fragment.more) {
        udp.EnableChecksums();
        if (d.to.family == 4)
            udp.InitializeChecksum(to_ip4(d.from), to_ip4(d.to), UDP);
        else
            udp.InitializeChecksum(to_ip6(d.from), to_ip6(d.to), UDP);
    }
    o->payload->AddHeader(udp);
}

void set_ip4(const ns3c *w, Opened *o)
{
    const ns3c_datagram &d = o->datagram;
    o->ip4.SetSource(to_ip4(d.from));
    o->ip4.SetDestination(to_ip4(d.to));
    o->ip4.SetProtocol(d.protocol == 0 ? UDP : d.protocol);
    o->ip4.SetTtl(d.ttl);
    o->ip4.SetIdentification(d.fragment.id);
    o->ip4.SetFragmentOffset(d.fragment.offset);
    if (d.fragment.more)
        o->ip4.SetMoreFragments();
    else
        o->ip4.SetLastFragment();
    if (d.fragment.forbidden)
        o->ip4.SetDontFragment();
    else
        o->ip4.SetMayFragment();
    if (w->checksums)
        o->ip4.EnableChecksum();
    o->ip4.SetPayloadSize(static_cast<uint16_t>(o->payload->GetSize()));
}

void set_ip6(Opened *o)
{
    const ns3c_datagram &d = o->datagram;
    o->ip6.SetSource(to_ip6(d.from));
    o->ip6.SetDestination(to_ip6(d.to));
    o->ip6.SetNextHeader(d.protocol == 0 ? UDP : d.protocol);
    o->ip6.SetHopLimit(d.ttl);
    o->ip6.SetPayloadLength(static_cast<uint16_t>(o->payload->GetSize()));
}

void hand_to_link(ns3c *w, uint32_t number, Ptr<ns3::Packet> packet, const Opened *o)
{
    Port &port = w->ports[number];
    auto control = w->nodes[port.node].node->GetObject<ns3::TrafficControlLayer>();
    bool is4 = o->datagram.to.family == 4;
    uint16_t protocol = is4 ? ETHER_IPV4 : ETHER_IPV6;
    ns3::Address to = port.device->GetBroadcast();
    if (port.disc && is4) {
        control->Send(port.device,
                      ns3::Create<ns3::Ipv4QueueDiscItem>(packet, to, protocol, o->ip4));
    } else if (port.disc) {
        control->Send(port.device,
                      ns3::Create<ns3::Ipv6QueueDiscItem>(packet, to, protocol, o->ip6));
    } else {
        if (is4)
            packet->AddHeader(o->ip4);
        else
            packet->AddHeader(o->ip6);
        port.device->Send(packet, to, protocol);
    }
}

/* Cuts a packet that is larger than the link takes (RFC 791, 3.2). */
void send_fragments(ns3c *w, uint32_t number, Ptr<ns3::Packet> packet, Opened *o, uint32_t mtu)
{
    const ns3c_fragment whole = o->datagram.fragment;
    uint32_t step = (mtu - IP4_HEADER) & ~7u, size = packet->GetSize();
    for (uint32_t at = 0; at < size; at += step) {
        uint32_t length = std::min(step, size - at);
        o->ip4.SetFragmentOffset(static_cast<uint16_t>(whole.offset + at));
        o->ip4.SetPayloadSize(static_cast<uint16_t>(length));
        if (whole.more || at + length < size)
            o->ip4.SetMoreFragments();
        else
            o->ip4.SetLastFragment();
        hand_to_link(w, number, packet->CreateFragment(at, length), o);
    }
}

/* The bytes are the hook's until it returns: what it sends may be looked at too. */
void hear(ns3c *w, uint32_t number, Ptr<ns3::NetDevice>, Ptr<const ns3::Packet> packet,
          uint16_t protocol, const ns3::Address &, const ns3::Address &, ns3::NetDevice::PacketType)
{
    Opened o;
    Node &node = w->nodes[w->ports[number].node];
    if (!open_packet(w, packet, protocol, &o))
        return;
    std::vector<uint8_t> bytes = std::move(w->bytes);
    uint64_t mark = o.datagram.mark;
    uint32_t out = node.hook(node.hook_data, ns3c_now(w), number, &o.datagram);
    if (o.datagram.mark != mark) {
        Mark old;
        o.payload->RemovePacketTag(old);
        give_mark(o.payload, &o.datagram);
    }
    if (out != NS3C_DROP)
        send_on_port(w, out, &o);
    w->bytes = std::move(bytes);
}
} // namespace

namespace ns3c_parts
{
ns3::TypeId Mark::GetTypeId()
{
    static ns3::TypeId type =
        ns3::TypeId("ns3c::Mark").SetParent<ns3::Tag>().AddConstructor<Mark>();
    return type;
}

ns3::TypeId Mark::GetInstanceTypeId() const
{
    return GetTypeId();
}

uint32_t Mark::GetSerializedSize() const
{
    return sizeof value + 1;
}

void Mark::Serialize(ns3::TagBuffer i) const
{
    i.WriteU64(value);
    i.WriteU8(whole);
}

void Mark::Deserialize(ns3::TagBuffer i)
{
    value = i.ReadU64();
    whole = i.ReadU8() != 0;
}

void Mark::Print(std::ostream &os) const
{
    os << "mark=" << value;
}

void give_mark(Ptr<ns3::Packet> packet, const ns3c_datagram *d)
{
    Mark tag;
    tag.value = d->mark;
    tag.whole = d->fragment.forbidden;
    if (tag.value != 0 || tag.whole)
        packet->AddPacketTag(tag);
}

Mark mark_of(Ptr<const ns3::Packet> packet)
{
    Mark tag;
    packet->PeekPacketTag(tag);
    return tag;
}

bool open_payload(ns3c *w, Opened *o, uint16_t protocol)
{
    bool is4 = protocol == ETHER_IPV4;
    uint8_t kind = is4 ? o->ip4.GetProtocol() : o->ip6.GetNextHeader();
    ns3c_datagram &d = o->datagram;
    if (kind != UDP && kind != (is4 ? ICMP4 : ICMP6))
        return false;
    d.protocol = kind == UDP ? 0 : kind;
    d.from = is4 ? from_ip4(o->ip4.GetSource(), 0) : from_ip6(o->ip6.GetSource(), 0);
    d.to = is4 ? from_ip4(o->ip4.GetDestination(), 0) : from_ip6(o->ip6.GetDestination(), 0);
    d.ttl = is4 ? o->ip4.GetTtl() : o->ip6.GetHopLimit();
    if (is4)
        d.fragment = fragment_of(o->ip4);
    if (kind == UDP && d.fragment.offset == 0 && !take_udp(o))
        return false;
    give_bytes(w, o);
    return true;
}

bool open_packet(ns3c *w, Ptr<const ns3::Packet> packet, uint16_t protocol, Opened *o)
{
    o->payload = packet->Copy();
    if (protocol == ETHER_IPV4) {
        o->payload->RemoveHeader(o->ip4);
        cut_padding(o->payload, o->ip4.GetPayloadSize());
    } else if (protocol == ETHER_IPV6) {
        o->payload->RemoveHeader(o->ip6);
        cut_padding(o->payload, o->ip6.GetPayloadLength());
    } else {
        return false;
    }
    return open_payload(w, o, protocol);
}

/* A UDP header of its own: the one taken out holds the old checksum. */
Ptr<ns3::Packet> close_payload(const ns3c *w, Opened *o)
{
    const ns3c_datagram &d = o->datagram;
    if (d.bytes != o->bytes || d.length != o->payload->GetSize()) {
        o->payload = ns3::Create<ns3::Packet>(d.bytes, d.length);
        give_mark(o->payload, &d);
    }
    if (d.protocol == 0 && d.fragment.offset == 0)
        add_udp(w, o);
    if (d.to.family == 4)
        set_ip4(w, o);
    else
        set_ip6(o);
    return o->payload;
}

void send_on_port(ns3c *w, uint32_t number, Opened *o)
{
    uint32_t mtu = w->ports.at(number).device->GetMtu();
    Ptr<ns3::Packet> packet = close_payload(w, o);
    bool is4 = o->datagram.to.family == 4;
    if (packet->GetSize() + (is4 ? IP4_HEADER : IP6_HEADER) <= mtu)
        hand_to_link(w, number, packet, o);
    else if (is4 && !o->datagram.fragment.forbidden)
        send_fragments(w, number, packet, o, mtu);
}

void hear_port(ns3c *w, uint32_t number)
{
    Port &port = w->ports[number];
    ns3::Node::ProtocolHandler handler = ns3::MakeBoundCallback(&hear, w, number);
    w->nodes[port.node].node->RegisterProtocolHandler(handler, 0, port.device);
}
} // namespace ns3c_parts

extern "C" {

int ns3c_forward(struct ns3c *w, uint32_t node, ns3c_hook *hook, void *data)
{
    return guard([&]() -> int {
        if (!has_node(w, node) || !hook)
            return fail(NS3C_RANGE, "no such node, or no hook");
        if (w->nodes[node].stack != 0)
            return fail(NS3C_LACKS, "a node with a stack forwards by itself");
        bool heard = w->nodes[node].hook != nullptr;
        w->nodes[node].hook = hook;
        w->nodes[node].hook_data = data;
        for (uint32_t i = 0; !heard && i < w->ports.size(); i++)
            if (w->ports[i].node == node)
                hear_port(w, i);
        return NS3C_OK;
    });
}

int ns3c_emit(struct ns3c *w, uint32_t port, const struct ns3c_datagram *d)
{
    return guard([&]() -> int {
        if (!has_port(w, port) || (d->to.family != 4 && d->to.family != 6))
            return fail(NS3C_RANGE, "no such port, or no address");
        if (w->nodes[w->ports[port].node].stack != 0)
            return fail(NS3C_LACKS, "a node with a stack sends by its sockets");
        begin(w->nodes[w->ports[port].node].node);
        Opened o;
        o.datagram = *d;
        o.payload = ns3::Create<ns3::Packet>(d->bytes, d->length);
        o.bytes = d->bytes;
        give_mark(o.payload, d);
        send_on_port(w, port, &o);
        return NS3C_OK;
    });
}
}
