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

lack() {
    echo "programs: $1"
    exit 77
}

if [ "${MIST_INSIDE-}" != yes ]; then
    for program in ip unshare dig dnsmasq socat openvpn mosh-server mosh-client script; do
        command -v "$program" >/dev/null || lack "$program is not installed: make deps-linux"
    done
    [ "$(id -u)" = 0 ] || lack "openvpn needs root for its tunnel"
    why=$(unshare --mount --net --pid --fork --kill-child true 2>&1) ||
        lack "no namespaces of one's own here: $why"
    MIST_INSIDE=yes exec unshare --mount --net --pid --fork --kill-child "$0" "$@"
fi

build=${MIST_BUILD:-build}
work=/run/work
{ mount --make-rprivate / && mount -t tmpfs none /run && mount -t proc none /proc &&
    mkdir /run/netns "$work" && chmod 777 "$work"; } ||
    lack "cannot mount in a namespace of one's own"
[ -c /dev/net/tun ] || lack 'no /dev/net/tun'

passed=0 failed=0
claim() { # CLAIM COMMAND...: true is what it claims
    name=$1
    shift
    echo "[ RUN      ] $name"
    if "$@"; then
        passed=$((passed + 1))
        echo "[       OK ] $name"
    else
        failed=$((failed + 1))
    fi
}

# await FILE WORDS: until the words stand in the file, for a minute at most.
await() {
    for _ in $(seq 600); do
        grep -qs -e "$2" "$1" && return
        sleep 0.1
    done
    echo "  no '$2' in $1:" && tail -n 5 "$1"
    return 1
}

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
claim mosh_shows_the_other_side shell
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
