/* ns3c_ip.cc: the Internet stack of a node, its addresses and routes. */
#include "sim/ns3/parts.hh"

#include "ns3/ipv4-static-routing.h"
#include "ns3/ipv6-static-routing.h"
#include "ns3/ndisc-cache.h"

using namespace ns3c_parts;

namespace
{
/* ns-3's list of routes, before which stands where a packet came in. */
class PolicyRouting4 : public ns3::Ipv4StaticRouting
{
  public:
    ns3c *world = nullptr;
    uint32_t node = 0;

    bool RouteInput(Ptr<const ns3::Packet> p, const ns3::Ipv4Header &header,
                    Ptr<const ns3::NetDevice> device, UnicastForwardCallback forward,
                    MulticastForwardCallback multicast, LocalDeliverCallback local,
                    ErrorCallback error) override
    {
        const Node &own = world->nodes[node];
        const auto &leaves = own.leaves;
        auto leave = leaves.find(device->GetIfIndex());
        bool many = header.GetDestination().IsMulticast();
        if (many && !(own.stack & NS3C_FORWARDS)) { // a host hears all groups
            auto interface = own.node->GetObject<ns3::Ipv4>()->GetInterfaceForDevice(device);
            local(p, header, static_cast<uint32_t>(interface));
            return true;
        }
        if (leave == leaves.end() || many)
            return ns3::Ipv4StaticRouting::RouteInput(p, header, device, forward, multicast, local,
                                                      error);
        Ptr<ns3::Ipv4Route> route = ns3::Create<ns3::Ipv4Route>();
        route->SetDestination(header.GetDestination());
        route->SetGateway(ns3::Ipv4Address::GetZero());
        route->SetOutputDevice(world->ports[leave->second].device);
        forward(route, p, header);
        return true;
    }
};

class PolicyRouting6 : public ns3::Ipv6StaticRouting
{
  public:
    ns3c *world = nullptr;
    uint32_t node = 0;

    /* Whom a neighbour is asked for by ns-3 is said by the source address alone, which may
     * stand on several interfaces; those of a link with two ends (a /128) need not ask. */
    Ptr<ns3::Ipv6Route> RouteOutput(Ptr<ns3::Packet> p, const ns3::Ipv6Header &header,
                                    Ptr<ns3::NetDevice> oif,
                                    ns3::Socket::SocketErrno &error) override
    {
        Ptr<ns3::Ipv6> ip = world->nodes[node].node->GetObject<ns3::Ipv6>();
        bool asks = header.GetDestination().IsSolicitedMulticast();
        for (uint32_t i = 0; asks && i < ip->GetNInterfaces(); i++)
            for (uint32_t k = 0; k < ip->GetNAddresses(i); k++)
                if (ip->GetAddress(i, k).GetAddress() == header.GetSource() &&
                    ip->GetAddress(i, k).GetPrefix().GetPrefixLength() < 128)
                    oif = ip->GetNetDevice(i);
        return ns3::Ipv6StaticRouting::RouteOutput(p, header, oif, error);
    }

    bool RouteInput(Ptr<const ns3::Packet> p, const ns3::Ipv6Header &header,
                    Ptr<const ns3::NetDevice> device, UnicastForwardCallback forward,
                    MulticastForwardCallback multicast, LocalDeliverCallback local,
                    ErrorCallback error) override
    {
        const auto &leaves = world->nodes[node].leaves;
        auto leave = leaves.find(device->GetIfIndex());
        if (leave == leaves.end() || header.GetDestination().IsMulticast() ||
            header.GetDestination().IsLinkLocal())
            return ns3::Ipv6StaticRouting::RouteInput(p, header, device, forward, multicast, local,
                                                      error);
        Ptr<ns3::Ipv6Route> route = ns3::Create<ns3::Ipv6Route>();
        route->SetDestination(header.GetDestination());
        route->SetGateway(ns3::Ipv6Address::GetZero());
        route->SetOutputDevice(world->ports[leave->second].device);
        forward(device, route, p, header);
        return true;
    }
};

/* ns-3's, but where two neighbours ask for each other at once: a question from whom one
 * waits for says where it is (RFC 4861, 7.2.3), and ns-3 then forgets what waits. */
class Neighbours6 : public ns3::Icmpv6L4Protocol
{
  public:
    RxStatus Receive(Ptr<ns3::Packet> p, const ns3::Ipv6Header &header,
                     Ptr<ns3::Ipv6Interface> interface) override
    {
        uint8_t type = 0;
        p->CopyData(&type, 1);
        Ptr<ns3::NdiscCache> cache = interface->GetNdiscCache();
        bool asks = cache && type == ns3::Icmpv6Header::ICMPV6_ND_NEIGHBOR_SOLICITATION;
        ns3::NdiscCache::Entry *entry = asks ? cache->Lookup(header.GetSource()) : nullptr;
        bool waits = entry && entry->IsIncomplete();
        RxStatus status = ns3::Icmpv6L4Protocol::Receive(p, header, interface);
        if (!waits || entry->IsIncomplete())
            return status;
        auto waiting = entry->MarkStale(entry->GetMacAddress());
        entry->ClearWaitingPacket();
        for (const auto &packet : waiting)
            interface->Send(packet.first, packet.second, header.GetSource());
        return status;
    }
    RxStatus Receive(Ptr<ns3::Packet> p, const ns3::Ipv4Header &header,
                     Ptr<ns3::Ipv4Interface> interface) override
    {
        return ns3::Icmpv6L4Protocol::Receive(p, header, interface);
    }
};

void add_ipv4(ns3c *w, uint32_t number, Ptr<ns3::Node> node)
{
    Ptr<ns3::ArpL3Protocol> arp = ns3::CreateObject<ns3::ArpL3Protocol>();
    arp->SetAttribute("RequestJitter", ns3::StringValue("ns3::ConstantRandomVariable[Constant=0]"));
    node->AggregateObject(arp);
    Ptr<ns3::Ipv4L3Protocol> ip = ns3::CreateObject<ns3::Ipv4L3Protocol>();
    ip->SetAttribute("IpForward", ns3::BooleanValue(w->nodes[number].stack & NS3C_FORWARDS));
    node->AggregateObject(ip);
    node->AggregateObject(ns3::CreateObject<ns3::Icmpv4L4Protocol>());
    Ptr<PolicyRouting4> routing = ns3::CreateObject<PolicyRouting4>();
    routing->world = w;
    routing->node = number;
    ip->SetRoutingProtocol(routing);
}

void add_ipv6(ns3c *w, uint32_t number, Ptr<ns3::Node> node)
{
    Ptr<ns3::Ipv6L3Protocol> ip = ns3::CreateObject<ns3::Ipv6L3Protocol>();
    ip->SetAttribute("IpForward", ns3::BooleanValue(w->nodes[number].stack & NS3C_FORWARDS));
    ip->SetAttribute("SendIcmpv6Redirect", ns3::BooleanValue(false));
    node->AggregateObject(ip);
    Ptr<ns3::Icmpv6L4Protocol> icmp = ns3::CreateObject<Neighbours6>();
    icmp->SetAttribute("SolicitationJitter",
                       ns3::StringValue("ns3::ConstantRandomVariable[Constant=0]"));
    node->AggregateObject(icmp);
    Ptr<PolicyRouting6> routing = ns3::CreateObject<PolicyRouting6>();
    routing->world = w;
    routing->node = number;
    w->nodes[number].routing6 = routing;
    /* The list alone hands multicasts to the node itself, which neighbours ask by. */
    Ptr<ns3::Ipv6ListRouting> list = ns3::CreateObject<ns3::Ipv6ListRouting>();
    list->AddRoutingProtocol(routing, 0);
    ip->SetRoutingProtocol(list);
    ip->RegisterExtensions();
    ip->RegisterOptions();
}

/* The port's interface of that family, made when it is first needed. */
int32_t interface_of(ns3c *w, uint32_t number, uint8_t family)
{
    Port &port = w->ports[number];
    Ptr<ns3::Node> node = w->nodes[port.node].node;
    if (family == 4) {
        Ptr<ns3::Ipv4> ip = node->GetObject<ns3::Ipv4>();
        if (ip && port.interface4 < 0) {
            port.interface4 = static_cast<int32_t>(ip->AddInterface(port.device));
            ip->SetUp(static_cast<uint32_t>(port.interface4));
        }
        return port.interface4;
    }
    Ptr<ns3::Ipv6> ip = node->GetObject<ns3::Ipv6>();
    if (ip && port.interface6 < 0) {
        port.interface6 = static_cast<int32_t>(ip->AddInterface(port.device));
        /* Else it would look for routers (RFC 4861, 6.3.7), of which none answers. */
        ip->SetForwarding(static_cast<uint32_t>(port.interface6), true);
        ip->SetUp(static_cast<uint32_t>(port.interface6));
    }
    return port.interface6;
}

/* ns-3 asks an interface that it routes to for its address.  One that has none gets
 * the dummy that IANA keeps for this (RFC 7600, 192.0.0.8), and no route by it. */
void number_interface(Ptr<ns3::Node> node, uint32_t interface)
{
    Ptr<ns3::Ipv4> ip = node->GetObject<ns3::Ipv4>();
    if (ip->GetNAddresses(interface) == 0)
        ip->AddAddress(interface, ns3::Ipv4InterfaceAddress("192.0.0.8", ns3::Ipv4Mask()));
}

int check_address(const ns3c *w, uint32_t port, const ns3c_addr *addr, unsigned prefix)
{
    if (!has_port(w, port))
        return fail(NS3C_RANGE, "no such port");
    if ((addr->family != 4 && addr->family != 6) || prefix > (addr->family == 4 ? 32u : 128u))
        return fail(NS3C_RANGE, "an address is of family 4 or 6 and has a prefix within it");
    return NS3C_OK;
}

ns3::Ipv4Mask mask_of(unsigned prefix)
{
    return ns3::Ipv4Mask(prefix == 0 ? 0 : ~0u << (32 - prefix));
}

void add_route4(Ptr<ns3::Node> node, uint32_t interface, const ns3c_addr *to, unsigned prefix,
                const ns3c_addr *gateway)
{
    auto routing = ns3::DynamicCast<ns3::Ipv4StaticRouting>(
        node->GetObject<ns3::Ipv4>()->GetRoutingProtocol());
    ns3::Ipv4Address network = to_ip4(*to).CombineMask(mask_of(prefix));
    number_interface(node, interface);
    if (gateway)
        routing->AddNetworkRouteTo(network, mask_of(prefix), to_ip4(*gateway), interface);
    else
        routing->AddNetworkRouteTo(network, mask_of(prefix), interface);
}

void add_route6(Ptr<ns3::Ipv6StaticRouting> routing, uint32_t interface, const ns3c_addr *to,
                unsigned prefix, const ns3c_addr *gateway)
{
    ns3::Ipv6Prefix mask(static_cast<uint8_t>(prefix));
    ns3::Ipv6Address network = to_ip6(*to).CombinePrefix(mask);
    if (gateway)
        routing->AddNetworkRouteTo(network, mask, to_ip6(*gateway), interface);
    else
        routing->AddNetworkRouteTo(network, mask, interface);
}
} // namespace

extern "C" {

int64_t ns3c_node(struct ns3c *w, unsigned stack)
{
    int64_t made = NS3C_SYSTEM;
    guard([&]() -> int {
        uint32_t number = static_cast<uint32_t>(w->nodes.size());
        Ptr<ns3::Node> node = ns3::CreateObject<ns3::Node>();
        w->nodes.emplace_back();
        w->nodes.back().node = node;
        w->nodes.back().stack = stack;
        if (stack & NS3C_IPV4)
            add_ipv4(w, number, node);
        if (stack & NS3C_IPV6)
            add_ipv6(w, number, node);
        if (stack & (NS3C_IPV4 | NS3C_IPV6)) {
            Ptr<ns3::TrafficControlLayer> control = ns3::CreateObject<ns3::TrafficControlLayer>();
            node->AggregateObject(control);
            node->AggregateObject(make_udp(w, number));
            if (stack & NS3C_IPV4)
                node->GetObject<ns3::ArpL3Protocol>()->SetTrafficControl(control);
        }
        made = number;
        return NS3C_OK;
    });
    return made;
}

int ns3c_address(struct ns3c *w, uint32_t port, const struct ns3c_addr *addr, unsigned prefix)
{
    return guard([&]() -> int {
        int error = check_address(w, port, addr, prefix);
        int32_t interface = error ? -1 : interface_of(w, port, addr->family);
        if (error)
            return error;
        if (interface < 0)
            return fail(NS3C_LACKS, "the node's stack is not of that family");
        Ptr<ns3::Node> node = w->nodes[w->ports[port].node].node;
        if (addr->family == 4)
            node->GetObject<ns3::Ipv4>()->AddAddress(
                static_cast<uint32_t>(interface),
                ns3::Ipv4InterfaceAddress(to_ip4(*addr), mask_of(prefix)));
        else
            node->GetObject<ns3::Ipv6>()->AddAddress(
                static_cast<uint32_t>(interface),
                ns3::Ipv6InterfaceAddress(to_ip6(*addr),
                                          ns3::Ipv6Prefix(static_cast<uint8_t>(prefix))));
        return NS3C_OK;
    });
}

int ns3c_route(struct ns3c *w, const struct ns3c_addr *to, unsigned prefix, uint32_t port,
               const struct ns3c_addr *gateway)
{
    return guard([&]() -> int {
        int error = check_address(w, port, to, prefix);
        if (error)
            return error;
        if (gateway && gateway->family != to->family)
            return fail(NS3C_RANGE, "a gateway is of its route's family");
        int32_t interface = interface_of(w, port, to->family);
        if (interface < 0)
            return fail(NS3C_LACKS, "the node's stack is not of that family");
        Ptr<ns3::Node> node = w->nodes[w->ports[port].node].node;
        if (to->family == 4)
            add_route4(node, static_cast<uint32_t>(interface), to, prefix, gateway);
        else
            add_route6(w->nodes[w->ports[port].node].routing6, static_cast<uint32_t>(interface), to,
                       prefix, gateway);
        return NS3C_OK;
    });
}

int ns3c_route_from(struct ns3c *w, uint32_t in_port, uint32_t out_port)
{
    return guard([&]() -> int {
        if (!has_port(w, in_port) || !has_port(w, out_port) ||
            w->ports[in_port].node != w->ports[out_port].node)
            return fail(NS3C_RANGE, "two ports of one node are needed");
        Node &node = w->nodes[w->ports[in_port].node];
        if (!(node.stack & (NS3C_IPV4 | NS3C_IPV6)))
            return fail(NS3C_LACKS, "the node has no stack");
        for (uint32_t port : {in_port, out_port}) {
            int32_t interface = interface_of(w, port, 4);
            if (interface >= 0)
                number_interface(node.node, static_cast<uint32_t>(interface));
            interface_of(w, port, 6);
        }
        node.leaves[w->ports[in_port].device->GetIfIndex()] = out_port;
        return NS3C_OK;
    });
}
}
