/* ns3c_watch.cc: captures and flows. */
#include "sim/ns3/parts.hh"

#include <cstdio>

#include "ns3/csma-module.h"
#include "ns3/flow-monitor-module.h"
#include "ns3/point-to-point-module.h"

using namespace ns3c_parts;

namespace
{
/* ns-3 itself would end the process. */
bool can_write(const char *file)
{
    FILE *f = fopen(file, "wb");
    return f && fclose(f) == 0;
}

ns3c_flow describe(const ns3::FlowMonitor::FlowStats &s)
{
    ns3c_flow flow{};
    flow.packets_sent = s.txPackets;
    flow.packets_received = s.rxPackets;
    flow.bytes_sent = s.txBytes;
    flow.bytes_received = s.rxBytes;
    flow.delay_sum_ns = s.delaySum.GetNanoSeconds();
    flow.jitter_sum_ns = s.jitterSum.GetNanoSeconds();
    return flow;
}

void name_ends(const ns3c *w, ns3::FlowId id, ns3c_flow *flow)
{
    if (w->flows_family == 4) {
        Ptr<ns3::FlowClassifier> classifier = w->flows->GetClassifier();
        auto ends = dynamic_cast<ns3::Ipv4FlowClassifier &>(*classifier).FindFlow(id);
        flow->from = from_ip4(ends.sourceAddress, ends.sourcePort);
        flow->to = from_ip4(ends.destinationAddress, ends.destinationPort);
    } else {
        Ptr<ns3::FlowClassifier> classifier = w->flows->GetClassifier6();
        auto ends = dynamic_cast<ns3::Ipv6FlowClassifier &>(*classifier).FindFlow(id);
        flow->from = from_ip6(ends.sourceAddress, ends.sourcePort);
        flow->to = from_ip6(ends.destinationAddress, ends.destinationPort);
    }
}
} // namespace

extern "C" {

int ns3c_pcap(struct ns3c *w, uint32_t port, const char *file)
{
    return guard([&]() -> int {
        if (!has_port(w, port))
            return fail(NS3C_RANGE, "no such port");
        Ptr<ns3::NetDevice> device = w->ports[port].device;
        auto p2p = ns3::DynamicCast<ns3::PointToPointNetDevice>(device);
        auto csma = ns3::DynamicCast<ns3::CsmaNetDevice>(device);
        if (!p2p && !csma)
            return fail(NS3C_LACKS, "the port's device makes no captures");
        if (!can_write(file))
            return fail(NS3C_SYSTEM, std::string("cannot write ") + file);
        ns3::PcapHelper helper;
        Ptr<ns3::PcapFileWrapper> pcap = helper.CreateFile(
            file, std::ios::out, p2p ? ns3::PcapHelper::DLT_PPP : ns3::PcapHelper::DLT_EN10MB);
        if (p2p)
            helper.HookDefaultSink<ns3::PointToPointNetDevice>(p2p, "PromiscSniffer", pcap);
        else
            helper.HookDefaultSink<ns3::CsmaNetDevice>(csma, "PromiscSniffer", pcap);
        return NS3C_OK;
    });
}

int ns3c_flows_watch(struct ns3c *w, uint8_t family)
{
    return guard([&]() -> int {
        if (family != 4 && family != 6)
            return fail(NS3C_RANGE, "a family is 4 or 6");
        if (w->flows)
            return fail(NS3C_BUSY, "flows are watched already");
        w->flows = std::make_unique<ns3::FlowMonitorHelper>();
        w->flows_family = family;
        for (const Node &node : w->nodes)
            if ((node.stack & (NS3C_IPV4 | NS3C_IPV6)) == (family == 4 ? NS3C_IPV4 : NS3C_IPV6))
                w->flows->Install(node.node);
        return NS3C_OK;
    });
}

int ns3c_flows(struct ns3c *w, void (*each)(void *data, const struct ns3c_flow *flow), void *data)
{
    return guard([&]() -> int {
        if (!w->flows)
            return fail(NS3C_LACKS, "flows are not watched");
        for (const auto &entry : w->flows->GetMonitor()->GetFlowStats()) {
            ns3c_flow flow = describe(entry.second);
            name_ends(w, entry.first, &flow);
            each(data, &flow);
        }
        return NS3C_OK;
    });
}
}
