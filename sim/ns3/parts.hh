/* parts.hh: shared by the files behind ns3c.h.  C++, because ns-3 is. */
#ifndef NS3C_PARTS_HH
#define NS3C_PARTS_HH

#include <cstdint>
#include <cstring> // ns-3.37's own headers forget it

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "ns3/core-module.h"
#include "ns3/flow-monitor-module.h"
#include "ns3/internet-module.h"
#include "ns3/network-module.h"
#include "ns3/traffic-control-module.h"

#include "sim/ns3/ns3c.h"

namespace ns3c_parts
{
using ns3::Ptr;

constexpr uint8_t UDP = 17, ICMP4 = 1, ICMP6 = 58;
constexpr uint16_t ETHER_IPV4 = 0x0800, ETHER_IPV6 = 0x86dd;

/* A datagram's mark on its way through ns-3, and that nobody may cut it: ns-3's own
 * stack never sets the bit in the header. */
class Mark : public ns3::Tag
{
  public:
    static ns3::TypeId GetTypeId();
    ns3::TypeId GetInstanceTypeId() const override;
    uint32_t GetSerializedSize() const override;
    void Serialize(ns3::TagBuffer i) const override;
    void Deserialize(ns3::TagBuffer i) override;
    void Print(std::ostream &os) const override;

    uint64_t value = 0;
    bool whole = false;
};

/* A packet without its headers, which stand beside it. */
struct Opened {
    Ptr<ns3::Packet> payload;
    ns3::Ipv4Header ip4;
    ns3::Ipv6Header ip6;
    uint16_t udp_length = 0; // of the whole datagram and its UDP header; 0: it is here whole
    ns3c_datagram datagram{};
    const uint8_t *bytes = nullptr; // of the payload, as the datagram had them at first
};

struct Node {
    Ptr<ns3::Node> node;
    unsigned stack = 0;
    Ptr<ns3::Ipv6StaticRouting> routing6; // null without IPv6
    std::map<uint32_t, uint32_t> leaves;  // by policy: in port -> out port
    ns3c_hook *hook = nullptr;
    void *hook_data = nullptr;
    ns3c_receive *catches = nullptr;
    void *catch_data = nullptr;
};

struct Port {
    Ptr<ns3::NetDevice> device;
    uint32_t node = 0;
    int32_t interface4 = -1, interface6 = -1;
    Ptr<ns3::QueueDisc> disc; // null: the device's queue alone
};

struct Socket {
    Ptr<ns3::Socket> socket;
    uint32_t number = 0;
    ns3c_addr addr;
    ns3c_receive *receive = nullptr;
    void *data = nullptr;
    ns3c *world = nullptr;
};

/* ns-3 in real time, in a thread of its own that runs only while ns3c_run waits. */
struct Clocked {
    std::thread thread;
    std::mutex mutex;
    std::condition_variable changed;
    bool running = false; // the thread's turn
    bool closing = false;
    int64_t late = 0;
};
} // namespace ns3c_parts

/* Addresses in the deques stay, so callbacks may hold them. */
struct ns3c {
    bool checksums = false;
    std::unique_ptr<ns3c_parts::Clocked> clocked; // null: time is virtual
    std::deque<ns3c_parts::Node> nodes;
    std::deque<ns3c_parts::Port> ports;
    std::deque<ns3c_parts::Socket> sockets;
    ns3c_dropped *dropped = nullptr;
    void *dropped_data = nullptr;
    std::unique_ptr<ns3::FlowMonitorHelper> flows;
    uint8_t flows_family = 0;
    std::vector<uint8_t> bytes; // of the datagram that a callback looks at
};

namespace ns3c_parts
{
/* Notes why and returns the code. */
int fail(ns3c_error code, const std::string &why);
/* Runs what may throw; no exception leaves. */
template <typename Body> auto guard(Body body) -> decltype(body())
{
    try {
        return body();
    } catch (const std::exception &e) {
        return fail(NS3C_SYSTEM, e.what());
    } catch (...) {
        return fail(NS3C_SYSTEM, "an exception of no kind");
    }
}

/* ns, not negative. */
inline ns3::Time to_time(int64_t ns)
{
    return ns3::NanoSeconds(static_cast<uint64_t>(ns));
}

/* ns3c_run and the end of a world in real time. */
void run_clocked(Clocked *c, int64_t until);
void close_clocked(Clocked *c);

bool has_node(const ns3c *w, uint32_t node);
bool has_port(const ns3c *w, uint32_t port);

ns3::Ipv4Address to_ip4(const ns3c_addr &a);
ns3::Ipv6Address to_ip6(const ns3c_addr &a);
ns3c_addr from_ip4(ns3::Ipv4Address ip, uint16_t port);
ns3c_addr from_ip6(ns3::Ipv6Address ip, uint16_t port);
ns3c_addr from_socket(const ns3::Address &a);

/* Opens a copy of an IP packet: false when it is neither UDP nor ICMP.  The
 * datagram's bytes stay until the next call. */
bool open_packet(ns3c *w, Ptr<const ns3::Packet> packet, uint16_t protocol, Opened *o);
/* Opens what lies behind the IP header already. */
bool open_payload(ns3c *w, Opened *o, uint16_t protocol);
/* The packet again, with the datagram's addresses and TTL, without its IP header. */
Ptr<ns3::Packet> close_payload(const ns3c *w, Opened *o);
/* Sends on a link, through its queue discipline. */
void send_on_port(ns3c *w, uint32_t port, Opened *o);

uint32_t add_port(ns3c *w, uint32_t node, Ptr<ns3::NetDevice> device);
void give_mark(Ptr<ns3::Packet> packet, const ns3c_datagram *d);
/* ns-3 begins nodes with the first event; queue disciplines are there only then. */
void begin(Ptr<ns3::Node> node);
Mark mark_of(Ptr<const ns3::Packet> packet);
/* The UDP of a node, which hands over what no socket takes. */
Ptr<ns3::Object> make_udp(ns3c *w, uint32_t node);
/* For the port of a node with a hook. */
void hear_port(ns3c *w, uint32_t port);
} // namespace ns3c_parts

#endif
