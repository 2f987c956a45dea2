#!/bin/sh
# programs.sh: programs that know nothing of Mist reach one another by name, each
# behind a port-restricted natbox, also after a box forgot all its mappings.
#
# usage: MIST_BUILD=build sim/natbox/test/programs.sh       from the top of the project
#
#   a 192.168.1.2 --- natbox 52.0.0.1 ---.
#                                           m 52.0.0.3: a node to join through
#   b 192.168.2.2 --- natbox 52.0.0.2 ---'
#
# In namespaces of its own, which end with it.  Exit 77 where that is not allowed or one of
# the programs is missing.
set -u
# shellcheck source=.ci/lab
. .ci/lab
[ "$(id -u)" = 0 ] || lack "openvpn needs root for its tunnel"
enter ip ping dig dnsmasq socat openvpn mosh-server mosh-client script wg wireguard-go nft
[ -c /dev/net/tun ] || lack 'no /dev/net/tun'

# house HOST LAN-NETWORK EXTERNAL: a host behind a box of its own.
house() {
    ip netns add "$1" && ip netns add "$1-r" && ip -n "$1" link set lo up &&
        ip link add lan netns "$1-r" type veth peer name eth0 netns "$1" &&
        ip link add wan netns "$1-r" type veth peer name "to-$1" netns m &&
        ip -n "$1-r" link set lan up && ip -n "$1-r" link set wan up &&
        ip -n "$1" address add "$2.2/24" dev eth0 && ip -n "$1" link set eth0 up &&
        ip -n "$1" route add default via "$2.1" && ip -n m link set "to-$1" master bridge up &&
        mkfifo "$work/$1.commands" || return
    ip netns exec "$1-r" "$build/natbox" port_restricted --inside "lan=$2.1/24" \
        --outside "wan=$3/24" --delay '5 ms' --commands <>"$work/$1.commands" \
        >"$work/$1.answers" 2>"$work/$1.box" &
    await "$work/$1.box" ready
}

# mist HOST LOG ARGUMENT...: a node, in the background.
mist() {
    host=$1 log=$work/$2
    shift 2
    ip netns exec "$host" "$build/mist" "$@" --bootstrap 52.0.0.3:4000 >"$log" 2>&1 &
    await "$log" '"joined"'
}

lay() {
    ip netns add m && ip -n m link add bridge type bridge && ip -n m link set lo up &&
        ip -n m address add 52.0.0.3/24 dev bridge && ip -n m link set bridge up &&
        house a 192.168.1 52.0.0.1 && house b 192.168.2 52.0.0.2 || return
    for port in 4000 4001 4002; do # relays besides
        ip netns exec m "$build/mist" up --public --listen 52.0.0.3:$port \
            --bootstrap 52.0.0.3:4000 >"$work/m.$port" 2>&1 &
        await "$work/m.$port" listening
    done
}

asked() { # HOST PORT NAME ANSWER
    got=$(ip netns exec "$1" dig @127.0.0.1 -p "$2" +short +tries=12 +time=3 "$3" | tail -n 1)
    [ "$got" = "$4" ] || { echo "  dig: '$got'" && return 1; }
}

# Each host asks the other's server.
dns() {
    for host in a b; do
        ip netns exec "$host" dnsmasq --no-daemon --conf-file=/dev/null --no-resolv --no-hosts \
            --listen-address=127.0.0.1 --bind-interfaces --address="/$host.test/192.0.2.53" \
            --user=root >"$work/$host.dns" 2>&1 &
        mist "$host" "$host.serve" serve --name "dns-$host" --to 127.0.0.1:53 || return
    done
    mist a a.proxy proxy dns-b --listen 127.0.0.1:5353 &&
        mist b b.proxy proxy dns-a --listen 127.0.0.1:5353 &&
        asked a 5353 www.b.test 192.0.2.53 && asked b 5353 www.a.test 192.0.2.53
}

is_direct() {
    for host in a b; do
        await "$work/$host.proxy" '"path":"\(punched\|reversed\)"' || return
    done
}

forgets() {
    echo flush >"$work/a.commands"
    await "$work/a.answers" ok && asked a 5353 again.b.test 192.0.2.53 &&
        asked b 5353 again.a.test 192.0.2.53
}

moves() {
    echo 'readdress 52.0.0.1' >"$work/a.commands"
    echo 'reboot' >"$work/b.commands"
    await "$work/b.answers" ok && asked a 5353 moved.b.test 192.0.2.53 &&
        asked b 5353 moved.a.test 192.0.2.53
}

# A tunnel over the proxies, and a megabyte of TCP through it.
vpn() {
    openvpn --genkey secret "$work/key" >/dev/null 2>&1
    common="--dev-type tun --dev tun0 --secret $work/key --cipher AES-256-CBC --tun-mtu 1400
        --verb 3 --ping 5"
    # shellcheck disable=SC2086 # a list of words
    ip netns exec b openvpn $common --local 127.0.0.1 --lport 1194 --ifconfig 10.9.0.2 10.9.0.1 \
        >"$work/b.vpn" 2>&1 &
    mist b b.vpnserve serve --name vpn-b --to 127.0.0.1:1194 &&
        mist a a.vpnproxy proxy vpn-b --listen 127.0.0.1:5194 || return
    # shellcheck disable=SC2086
    ip netns exec a openvpn $common --remote 127.0.0.1 5194 --nobind \
        --ifconfig 10.9.0.1 10.9.0.2 >"$work/a.vpn" 2>&1 &
    await "$work/a.vpn" 'Initialization Sequence Completed' || return
    head -c 1000000 /dev/urandom >"$work/sent"
    ip netns exec b socat TCP-LISTEN:7000,fork EXEC:cat &
    ip netns exec a timeout 60 socat -t 20 - TCP:10.9.0.2:7000,retry=50,interval=0.2 \
        <"$work/sent" >"$work/back"
    cmp "$work/sent" "$work/back"
}

# A relay carries what a firewall keeps from going directly, until it is taken away.
block() {
    ip netns exec m nft -f - <<'END'
table bridge wall {
    chain forward {
        type filter hook forward priority 0
        policy accept
        ip saddr 52.0.0.1 ip daddr 52.0.0.2 drop
        ip saddr 52.0.0.2 ip daddr 52.0.0.1 drop
    }
}
END
}

pinged() { # HOST ADDRESS: through the tunnel
    for _ in $(seq 60); do
        ip netns exec "$1" ping -n -c 1 -W 1 "$2" >"$work/icmp" 2>&1 && return
    done
    cat "$work/icmp"
    return 1
}

# Two ends of a tunnel, which each takes the other for a local port.
tunnel_through_a_relay() {
    block && wireguard_keys a b && mist b b.wgserve serve --name wg-b --to 127.0.0.1:51820 &&
        mist a a.wgproxy proxy wg-b --listen 127.0.0.1:51821 &&
        wireguard b 10.8.0.2/24 a '' 51820 && wireguard a 10.8.0.1/24 b 127.0.0.1:51821 51820 &&
        pinged a 10.8.0.2 && pinged b 10.8.0.1 || return
    await "$work/a.wgproxy" '"connected".*"path":"relay"' &&
        ! grep -q '"path":"\(punched\|reversed\)"' "$work/a.wgproxy"
}

tunnel_becomes_direct() {
    ip netns exec m nft delete table bridge wall &&
        await "$work/a.wgproxy" '"path":"\(punched\|reversed\)"' && pinged a 10.8.0.2 &&
        pinged b 10.8.0.1
}

# Both boxes forget: the outside port of each is another one, or closed, from now on.
tunnel_survives_new_mappings() {
    echo flush >"$work/a.commands" && echo flush >"$work/b.commands"
    pinged a 10.8.0.2 && pinged b 10.8.0.1
}

# A remote shell over the proxies.
shell() {
    export LANG=C.UTF-8 TERM=xterm
    ip netns exec b mosh-server new -i 127.0.0.1 -p 60001 -- \
        sh -c "echo hello from \$((6 * 7)); sleep 30" >"$work/mosh" 2>&1 </dev/null
    key=$(sed -n 's/^MOSH CONNECT 60001 //p' "$work/mosh")
    [ -n "$key" ] || { cat "$work/mosh" && return 1; }
    mist b b.moshserve serve --name shell-b --to 127.0.0.1:60001 &&
        mist a a.moshproxy proxy shell-b --listen 127.0.0.1:60002 || return
    MOSH_KEY=$key ip netns exec a timeout 20 script -qec \
        "stty rows 24 cols 80; mosh-client 127.0.0.1 60002" "$work/screen" \
        >/dev/null 2>&1 </dev/null &
    await "$work/screen" 'hello from 42'
}

lay || exit 1
claim dig_reaches_dnsmasq_by_name_in_both_directions dns
claim the_paths_become_direct is_direct
claim dig_goes_on_after_a_box_forgot_its_mappings forgets
claim dig_goes_on_after_a_box_lost_power moves
claim openvpn_carries_tcp_over_the_proxies vpn
claim wireguard_goes_through_a_relay_both_ways_behind_a_wall tunnel_through_a_relay
claim it_goes_directly_once_the_wall_is_gone tunnel_becomes_direct
claim it_survives_that_both_boxes_forget tunnel_survives_new_mappings
claim mosh_shows_the_other_side shell
conclude
