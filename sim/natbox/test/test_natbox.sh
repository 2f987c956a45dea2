#!/bin/sh
# test_natbox.sh: natbox between real interfaces is the box that the simulator has: the
# same probe, on real sockets through natbox and inside the simulation, finds the same.
#
# usage: MIST_BUILD=build sim/natbox/test/test_natbox.sh       from the top of the project
#
# For each case, all at the same time:
#
#   a 192.168.1.2 ---.
#                     natbox 198.18.0.1 --- s 198.18.0.2, 198.18.0.3
#   b 192.168.2.2 ---'
#
# The script runs in namespaces of its own, so that nothing of it is seen outside and the
# kernel clears all away when it ends, however it ends.  Exit 77 where that is not allowed.
# shellcheck disable=SC2317 # the functions are called by `start`
set -u
# shellcheck source=.ci/lab
. .ci/lab
enter ip

# join CASE HOST ADDRESS ROUTER-ADDRESS: a host behind the box.
join() {
    ip link add "lan-$2" netns "$1-r" type veth peer name eth0 netns "$1-$2" &&
        ip -n "$1-r" link set "lan-$2" up && ip -n "$1-$2" address add "$3/24" dev eth0 &&
        ip -n "$1-$2" link set eth0 up && ip -n "$1-$2" route add default via "$4"
}

# lay CASE: the picture above; the router's namespace has no address at all.
lay() {
    for name in a b r s; do
        ip netns add "$1-$name" && ip -n "$1-$name" link set lo up || return
    done
    join "$1" a 192.168.1.2 192.168.1.1 && join "$1" b 192.168.2.2 192.168.2.1 &&
        ip link add wan netns "$1-r" type veth peer name eth0 netns "$1-s" &&
        ip -n "$1-r" link set wan up && ip -n "$1-s" address add 198.18.0.2/24 dev eth0 &&
        ip -n "$1-s" address add 198.18.0.3/24 dev eth0 && ip -n "$1-s" link set eth0 up
}

# box CASE NAT [OPTION...]: natbox in the router's place; its pid in $box.
box() {
    at=$1 nat=$2
    shift 2
    ip netns exec "$at-r" "$build/natbox" "$nat" --inside lan-a=192.168.1.1/24 \
        --inside lan-b=192.168.2.1/24 --outside wan=198.18.0.1/24 "$@" \
        >"$work/$at.log" 2>"$work/$at.err" <"${commands:-/dev/null}" &
    box=$!
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        grep -qs ready "$work/$at.err" && return
        sleep 0.1
    done
    cat "$work/$at.err"
    return 1
}

# value KEY FILE: of the JSON object in it
value() {
    sed -n "s/.*\"$1\": \"\{0,1\}\([^\",}]*\).*/\1/p" "$2"
}

# differences CASE KEY...: a line for each verdict that box and model do not share.
differences() {
    in=$1
    shift
    for key in "$@"; do
        real=$(value "$key" "$work/$in.real")
        ours=$(value "$key" "$work/$in.model")
        [ -n "$real" ] && [ "$real" = "$ours" ] ||
            echo "  $key: the box is found '$real', the model '$ours'"
    done
}

untimed='mapping filtering ports hairpin pooling after_early_inbound shared_port on_clash
    after_clash'

# check CASE NAT KEYS [NETPROBE-OPTION...]
check() {
    case=$1 nat=$2 keys=$3
    echo "[ RUN      ] $case"
    lay "$case" && box "$case" "$nat" || return
    shift 3
    "$build/nat-models/test/netprobe" "$case-a=192.168.1.2" "$case-b=192.168.2.2" @ \
        "$case-s=198.18.0.2,198.18.0.3" "$@" >"$work/$case.real" || return
    "$build/mistsim" nat probe "$nat" --json >"$work/$case.model"
    # shellcheck disable=SC2086 # a list of words
    differences "$case" $keys | grep . || echo "[       OK ] $case"
}

# judge CASE NAT MAPPING FILTERING: coturn asks, coturn answers; what it is to find is given.
judge() {
    case=$1
    echo "[ RUN      ] $case"
    lay "$case" && box "$case" "$2" || return
    ip netns exec "$case-s" turnserver -n -L 198.18.0.2 -L 198.18.0.3 -S --no-auth --no-tls \
        --no-dtls --no-tcp --no-cli --simple-log --log-file "$work/$case.turn" \
        --pidfile "$work/$case.pid" --db "$work/$case.db" >/dev/null 2>&1 &
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        grep -q 'Total General servers' "$work/$case.turn"* 2>/dev/null && break
        sleep 0.5
    done
    ip netns exec "$case-a" turnutils_natdiscovery -m -f -L 192.168.1.2 198.18.0.2 \
        >"$work/$case.found" 2>&1
    if grep -q "NAT with $3 Mapping!" "$work/$case.found" &&
        grep -q "NAT with $4 Filtering!" "$work/$case.found"; then
        echo "[       OK ] $case"
    else
        grep 'NAT with' "$work/$case.found"
    fi
}

# A megabyte over TCP, both ways, in whatever pieces the kernel hands over.
tcp() {
    case=tcp_passes_whole_both_ways
    echo "[ RUN      ] $case"
    lay tcp && box tcp "home_apdf" --delay '2 ms' || return
    head -c 1000000 /dev/urandom >"$work/sent"
    ip netns exec tcp-s socat TCP-LISTEN:7000,fork EXEC:cat &
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        ip netns exec tcp-a socat -u /dev/null TCP:198.18.0.2:7000 2>/dev/null && break
        sleep 0.2
    done
    ip netns exec tcp-a timeout 60 socat -t 10 - TCP:198.18.0.2:7000 <"$work/sent" >"$work/back"
    cmp "$work/sent" "$work/back" && echo "[       OK ] $case"
}

# ask CASE PORT: one datagram there and, if the box lets it in, back.
ask() {
    printf hello | ip netns exec "$1-a" socat -T 1 -t 1 - "UDP:198.18.0.2:$2,sourceport=5000"
}

# Turns knobs and reboots while datagrams come and go.  Says what went wrong.
turn_knobs() {
    [ "$(ask events 7000)" = hello ] || echo "  nothing comes back"
    printf '%s\n' counters 'set egress_block udp' >&3
    sleep 0.3
    [ -z "$(ask events 7000)" ] || echo "  the knob was not turned"
    printf '%s\n' 'set egress_block none' reboot counters explode >&3
    sleep 0.3
    [ "$(ask events 7000)" = hello ] || echo "  it did not come back"
    kill -TERM "$box" && wait "$box" || echo "  it did not end well"
    [ "$(grep -o '"mappings": [0-9]*' "$work/events.log" | tr '\n' ' ')" = \
        '"mappings": 1 "mappings": 0 ' ] || cat "$work/events.log"
    grep -q '^expected flush, reboot' "$work/events.log" || cat "$work/events.log"
}

# What tshark reads in the capture of that.
read_capture() {
    command -v tshark >/dev/null || return
    tshark -r "$work/seen.pcapng" -T fields -e udp.dstport -e frame.comment >"$work/seen" 2>&1
    grep -q '^7000.*box 0: pass: 198.18.0.1:' "$work/seen" || cat "$work/seen"
    grep -q '^7000.*box 0: egress' "$work/seen" || cat "$work/seen"
}

events() {
    echo "[ RUN      ] commands_act_and_the_capture_is_read"
    mkfifo "$work/commands"
    exec 3<>"$work/commands"
    commands=$work/commands
    lay events && box events "home_apdf" --commands --pcap "$work/seen.pcapng" || return
    ip netns exec events-s socat -T 5 UDP-LISTEN:7000,fork EXEC:cat &
    sleep 0.5
    turn_knobs >"$work/events.wrong"
    read_capture >>"$work/events.wrong"
    grep . "$work/events.wrong" || echo "[       OK ] commands_act_and_the_capture_is_read"
}

# Cases mostly wait.
start() {
    name=$1
    shift
    "$@" >"$work/$name.out" 2>&1 &
    cases="${cases-} $name"
}

for mapping in eim adm apdm; do
    for filtering in eif adf apdf; do
        nat=$mapping/$filtering/random
        start "$mapping-$filtering" check "$mapping-$filtering" "$nat" "$untimed" longest_s=0
    done
done
timers='udp_unreplied: 3 s, udp_established: 4 s'
timed="$untimed udp_unreplied_s udp_established_s"
for profile in home_apdf linux_masquerade linux_fully_random full_cone; do
    start "$profile" check "$profile" "{like: $profile, $timers}" "$timed"
done
# A block of ports is known for one when it is full.
start cgn_fixed check cgn_fixed "{like: cgn_fixed, pool: 1, $timers}" "$timed" flows=1200
start chain check chain "[home_apdf, {like: cgn_fixed, pool: 1}]" "$untimed" longest_s=0
if command -v turnserver >/dev/null && command -v turnutils_natdiscovery >/dev/null; then
    end='Endpoint Independent' address='Address Dependent' port='Address and Port Dependent'
    start j1 judge coturn_finds_full_cone eim/eif/random "$end" "$end"
    start j2 judge coturn_finds_restricted eim/adf/random "$end" "$address"
    start j3 judge coturn_finds_port_restricted eim/apdf/random "$end" "$port"
    start j4 judge coturn_finds_symmetric apdm/apdf/random "$port" "$port"
else
    echo 'test_natbox: without coturn there is no outside judge'
fi
if command -v socat >/dev/null; then
    start tcp tcp
    start events events
else
    echo 'test_natbox: without socat neither TCP nor events are looked at'
fi
wait

cases="$cases canary"
{
    echo "[ RUN      ] a_box_that_is_another_is_found_out"
    cp "$work/eim-adf.model" "$work/eim-eif.model"
    # shellcheck disable=SC2086
    [ "$(differences eim-eif $untimed)" = \
        "  filtering: the box is found 'eif', the model 'adf'" ] &&
        echo "[       OK ] a_box_that_is_another_is_found_out"
} >"$work/canary.out"

code=0
for case in $cases; do
    cat "$work/$case.out"
    grep -q '^\[       OK \]' "$work/$case.out" || code=1
done
exit $code
