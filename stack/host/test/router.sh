#!/bin/sh
# router.sh: a node behind a real router, Linux with miniupnpd, has a port mapped, keeps it
# when the router loses power, and gives it back.
#
# usage: MIST_BUILD=build stack/host/test/router.sh       from the top of the project
#
#   a 192.168.1.2 --- r 192.168.1.1, 52.0.0.1 --- m 52.0.0.3: a node to join through
#
# In namespaces of its own, which end with it.  Exit 77 where that is not allowed or a
# program is missing.
set -u
# shellcheck source=.ci/lab
. .ci/lab
enter ip nft miniupnpd

lay() {
    ip netns add a && ip netns add r && ip netns add m &&
        ip link add eth0 netns a type veth peer name lan netns r &&
        ip link add eth0 netns m type veth peer name wan netns r &&
        for at in a r m; do ip -n $at link set lo up || return; done &&
        ip -n a address add 192.168.1.2/24 dev eth0 && ip -n a link set eth0 up &&
        ip -n r address add 192.168.1.1/24 dev lan && ip -n r link set lan up &&
        ip -n r address add 52.0.0.1/24 dev wan && ip -n r link set wan up &&
        ip -n m address add 52.0.0.3/24 dev eth0 && ip -n m link set eth0 up &&
        ip -n a route add default via 192.168.1.1 && ip -n r route add default via 52.0.0.3 &&
        ip netns exec r sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward' || return
    for port in 4000 4001 4002; do # who ask one another to knock
        ip netns exec m "$build/mist" up --public --listen 52.0.0.3:$port \
            --bootstrap 52.0.0.3:4000 >"$work/m.$port" 2>&1 &
        await "$work/m.$port" listening || return
    done
}

# Strangers come in by miniupnpd's rules alone.
rules() {
    ip netns exec r nft flush ruleset && ip netns exec r nft -f - <<'END'
table inet miniupnpd {
    chain forward {
        type filter hook forward priority 0
        policy drop
        ct state established,related accept
        iifname "lan" accept
        jump miniupnpd
    }
    chain miniupnpd {
    }
    chain prerouting {
        type nat hook prerouting priority -100
        policy accept
        jump prerouting_miniupnpd
    }
    chain prerouting_miniupnpd {
    }
    chain postrouting {
        type nat hook postrouting priority 100
        policy accept
        jump postrouting_miniupnpd
        oifname "wan" masquerade
    }
    chain postrouting_miniupnpd {
    }
}
END
}

# router PCP UPNP: switches it on; each yes or no.
router() {
    cat >"$work/conf" <<END
ext_ifname=wan
listening_ip=lan
enable_natpmp=$1
enable_upnp=$2
uuid=00000000-0000-0000-0000-000000000001
upnp_table_name=miniupnpd
upnp_nat_table_name=miniupnpd
upnp_forward_chain=miniupnpd
upnp_nat_chain=prerouting_miniupnpd
upnp_nat_postrouting_chain=postrouting_miniupnpd
secure_mode=yes
allow 1024-65535 192.168.1.0/24 1024-65535
END
    rules && ip netns exec r ip route replace 239.0.0.0/8 dev lan &&
        ip netns exec a ip route replace 239.0.0.0/8 dev eth0 || return
    ip netns exec r miniupnpd -d -f "$work/conf" -P "$work/pid" >"$work/router" 2>&1 &
    router=$!
}

# lose_power: what the router had mapped is gone.
lose_power() {
    kill -9 "$router" && wait "$router" 2>/dev/null
    rules
}

node() { # LOG
    ip netns exec a "$build/mist" up --map --name alice --control "$work/control" \
        --bootstrap 52.0.0.3:4000 >"$work/$1" 2>&1 &
    node=$!
}

is_mapped() {
    ip netns exec r nft list chain inet miniupnpd prerouting_miniupnpd | grep -q 192.168.1.2
}

comes_to_be() { # COMMAND: within a minute
    for _ in $(seq 600); do
        "$@" && return
        sleep 0.1
    done
    ip netns exec r nft list ruleset
    return 1
}

maps() { # LOG LANGUAGE
    node "$1" && await "$work/$1" "\"mapped\",\"addr\":\"52\.0\.0\.1:[0-9]*\",\"by\":\"$2\"" &&
        is_mapped
}

# A stranger's first datagram gets through.
is_reached() {
    await "$work/pcp" '"joined"' &&
        ip netns exec m "$build/mist" ping alice --json --count 5 --listen 52.0.0.3:0 \
            --bootstrap 52.0.0.3:4000 >"$work/ping" 2>&1
    await "$work/ping" '"path":"mapped"'
}

keeps() {
    lose_power && router yes no && comes_to_be is_mapped
}

gives_back() {
    is_mapped && kill -TERM "$node" && wait "$node" && ! is_mapped
}

lay || exit 1
router yes no || exit 1
claim a_router_that_speaks_pcp_maps_the_port maps pcp pcp
claim strangers_reach_the_node_there is_reached
claim a_router_that_lost_power_maps_it_again keeps
claim a_node_that_ends_gives_the_port_back gives_back
lose_power && router no yes || exit 1
claim a_router_that_speaks_upnp_alone_maps_the_port_too maps upnp upnp
claim and_has_it_back_too gives_back
conclude
