/* ns3c_packet.cc: datagrams taken out of ns-3's packets and put back: marks,
 * hooks, fragments. */
#include "sim/ns3/parts.hh"

using namespace ns3c_parts;

namespace
{
constexpr size_t MOST_PIECES = 64;              // datagrams that a node puts together at a time
constexpr int64_t PIECES_LAST_NS = 30000000000; // RFC 791, 3.2: at least 15 s; ns-3's own time
constexpr uint32_t IP4_HEADER = 20, IP6_HEADER = 40;

void give_datagram(ns3c *w, Opened *o, const ns3c_addr &from, const ns3c_addr &to, uint8_t ttl)
{
    w->bytes.resize(std::max<size_t>(o->payload->GetSize(), 1));
    o->payload->CopyData(w->bytes.data(), o->payload->GetSize());
    o->datagram.from = from;
    o->datagram.to = to;
    o->datagram.ttl = ttl;
    o->datagram.mark = mark_of(o->payload);
    o->datagram.bytes = w->bytes.data();
    o->datagram.length = static_cast<uint16_t>(o->payload->GetSize());
}

/* Links pad short frames. */
void cut_padding(Ptr<ns3::Packet> packet, uint32_t size)
{
    if (packet->GetSize() > size)
        packet->RemoveAtEnd(packet->GetSize() - size);
}

bool is_fragment(const ns3::Ipv4Header &ip)
{
    return !ip.IsLastFragment() || ip.GetFragmentOffset() > 0;
}

/* All pieces in a row, or null. */
Ptr<ns3::Packet> join(const Pieces &pieces)
{
    Ptr<ns3::Packet> whole;
    for (const auto &piece : pieces.at) {
        if (piece.first != (whole ? whole->GetSize() : 0))
            return nullptr;
        if (whole)
            whole->AddAtEnd(piece.second);
        else
            whole = piece.second->Copy();
    }
    return whole && whole->GetSize() == pieces.size ? whole : nullptr;
}

void forget_old_pieces(std::map<PiecesKey, Pieces> *all, int64_t now)
{
    for (auto i = all->begin(); i != all->end();)
        i = now - i->second.began > PIECES_LAST_NS ? all->erase(i) : std::next(i);
}

/* Adds a fragment; returns what it completes, or null. */
Ptr<ns3::Packet> put_together(ns3c *w, Node *node, const ns3::Ipv4Header &ip,
                              Ptr<ns3::Packet> piece)
{
    uint64_t ends = static_cast<uint64_t>(ip.GetSource().Get()) << 32 | ip.GetDestination().Get();
    PiecesKey key(ends, ip.GetIdentification());
    forget_old_pieces(&node->pieces, ns3c_now(w));
    if (node->pieces.size() >= MOST_PIECES && !node->pieces.count(key))
        return nullptr;
    Pieces &pieces = node->pieces[key];
    if (pieces.at.empty())
        pieces.began = ns3c_now(w);
    pieces.at[ip.GetFragmentOffset()] = piece;
    if (ip.IsLastFragment())
        pieces.size = ip.GetFragmentOffset() + piece->GetSize();
    Ptr<ns3::Packet> whole = join(pieces);
    if (whole)
        node->pieces.erase(key);
    return whole;
}

/* As open_packet, but fragments of IPv4 are put together first. */
bool open_or_collect(ns3c *w, Node *node, Ptr<const ns3::Packet> packet, uint16_t protocol,
                     Opened *o)
{
    if (protocol != ETHER_IPV4)
        return open_packet(w, packet, protocol, o);
    o->payload = packet->Copy();
    o->payload->RemoveHeader(o->ip4);
    cut_padding(o->payload, o->ip4.GetPayloadSize());
    if (!is_fragment(o->ip4))
        return open_payload(w, o, protocol);
    o->payload = put_together(w, node, o->ip4, o->payload);
    o->ip4.SetFragmentOffset(0);
    o->ip4.SetLastFragment();
    return o->payload && open_payload(w, o, protocol);
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
    uint32_t step = (mtu - IP4_HEADER) & ~7u, size = packet->GetSize();
    for (uint32_t at = 0; at < size; at += step) {
        uint32_t length = std::min(step, size - at);
        o->ip4.SetFragmentOffset(static_cast<uint16_t>(at));
        o->ip4.SetPayloadSize(static_cast<uint16_t>(length));
        if (at + length < size)
            o->ip4.SetMoreFragments();
        else
            o->ip4.SetLastFragment();
        hand_to_link(w, number, packet->CreateFragment(at, length), o);
    }
}

void hear(ns3c *w, uint32_t number, Ptr<ns3::NetDevice>, Ptr<const ns3::Packet> packet,
          uint16_t protocol, const ns3::Address &, const ns3::Address &, ns3::NetDevice::PacketType)
{
    Opened o;
    Node &node = w->nodes[w->ports[number].node];
    if (!open_or_collect(w, &node, packet, protocol, &o))
        return;
    uint32_t out = node.hook(node.hook_data, ns3c_now(w), number, &o.datagram);
    if (out != NS3C_DROP)
        send_on_port(w, out, &o);
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
    return sizeof value;
}

void Mark::Serialize(ns3::TagBuffer i) const
{
    i.WriteU64(value);
}

void Mark::Deserialize(ns3::TagBuffer i)
{
    value = i.ReadU64();
}

void Mark::Print(std::ostream &os) const
{
    os << "mark=" << value;
}

void give_mark(Ptr<ns3::Packet> packet, uint64_t mark)
{
    Mark tag;
    tag.value = mark;
    if (mark != 0)
        packet->AddPacketTag(tag);
}

uint64_t mark_of(Ptr<const ns3::Packet> packet)
{
    Mark tag;
    return packet->PeekPacketTag(tag) ? tag.value : 0;
}

bool open_payload(ns3c *w, Opened *o, uint16_t protocol)
{
    bool is4 = protocol == ETHER_IPV4;
    if ((is4 ? o->ip4.GetProtocol() : o->ip6.GetNextHeader()) != UDP ||
        o->payload->GetSize() < o->udp.GetSerializedSize())
        return false;
    o->payload->RemoveHeader(o->udp);
    uint16_t from = o->udp.GetSourcePort(), to = o->udp.GetDestinationPort();
    if (is4)
        give_datagram(w, o, from_ip4(o->ip4.GetSource(), from),
                      from_ip4(o->ip4.GetDestination(), to), o->ip4.GetTtl());
    else
        give_datagram(w, o, from_ip6(o->ip6.GetSource(), from),
                      from_ip6(o->ip6.GetDestination(), to), o->ip6.GetHopLimit());
    return true;
}

bool open_packet(ns3c *w, Ptr<const ns3::Packet> packet, uint16_t protocol, Opened *o)
{
    o->payload = packet->Copy();
    if (protocol == ETHER_IPV4) {
        o->payload->RemoveHeader(o->ip4);
        if (is_fragment(o->ip4))
            return false;
        cut_padding(o->payload, o->ip4.GetPayloadSize());
    } else if (protocol == ETHER_IPV6) {
        o->payload->RemoveHeader(o->ip6);
        cut_padding(o->payload, o->ip6.GetPayloadLength());
    } else {
        return false;
    }
    return open_payload(w, o, protocol);
}

/* A header of its own: the one taken out holds the old checksum. */
Ptr<ns3::Packet> close_payload(const ns3c *w, Opened *o)
{
    const ns3c_datagram &d = o->datagram;
    ns3::UdpHeader udp;
    if (d.bytes != w->bytes.data() || d.length != o->payload->GetSize()) {
        o->payload = ns3::Create<ns3::Packet>(d.bytes, d.length);
        give_mark(o->payload, d.mark);
    }
    udp.SetSourcePort(d.from.port);
    udp.SetDestinationPort(d.to.port);
    if (d.to.family == 4) {
        o->ip4.SetSource(to_ip4(d.from));
        o->ip4.SetDestination(to_ip4(d.to));
        o->ip4.SetTtl(d.ttl);
        if (w->checksums) {
            o->ip4.EnableChecksum();
            udp.EnableChecksums();
            udp.InitializeChecksum(to_ip4(d.from), to_ip4(d.to), UDP);
        }
    } else {
        o->ip6.SetSource(to_ip6(d.from));
        o->ip6.SetDestination(to_ip6(d.to));
        o->ip6.SetHopLimit(d.ttl);
        if (w->checksums) {
            udp.EnableChecksums();
            udp.InitializeChecksum(to_ip6(d.from), to_ip6(d.to), UDP);
        }
    }
    o->payload->AddHeader(udp);
    if (d.to.family == 4)
        o->ip4.SetPayloadSize(static_cast<uint16_t>(o->payload->GetSize()));
    return o->payload;
}

void send_on_port(ns3c *w, uint32_t number, Opened *o)
{
    uint32_t mtu = w->ports.at(number).device->GetMtu();
    Ptr<ns3::Packet> packet = close_payload(w, o);
    if (o->datagram.to.family == 4 && packet->GetSize() + IP4_HEADER > mtu)
        send_fragments(w, number, packet, o, mtu);
    else if (packet->GetSize() + IP6_HEADER <= mtu || o->datagram.to.family == 4)
        hand_to_link(w, number, packet, o);
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
}
