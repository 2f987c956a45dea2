#!/bin/sh
# test_linux.sh: the model's Linux routers beside the kernel's own: the same
# probe through `mistsim nat probe` and, by netprobe, through nftables in network
# namespaces; every verdict must be equal.
#
# usage: MIST_BUILD=build nat-models/test/test_linux.sh       from the top of the project
#
# Where coturn is installed, its turnutils_natdiscovery is a third judge of
# mapping and filtering.  For each case, all at the same time:
#
#   a 192.168.1.2 ---.
#                     r 198.18.0.1 --- s 198.18.0.2, 198.18.0.3
#   b 192.168.2.2 ---'
#
# The script runs in namespaces of its own (mounts, processes, networks), so that
# nothing of it is seen outside and the kernel clears all away when it ends,
# however it ends.  Exit 77 where that is not allowed or a program is missing.
# shellcheck disable=SC2317 # the functions are called by `start`
set -u
# shellcheck source=.ci/lab
. .ci/lab
enter ip nft

# ---- the kernel's side ---------------------------------------------------

# join CASE HOST ADDRESS ROUTER-ADDRESS: a host behind the router.
join() {
    ip link add "lan-$2" netns "$1-r" type veth peer name eth0 netns "$1-$2" &&
        ip -n "$1-r" address add "$4/24" dev "lan-$2" && ip -n "$1-r" link set "lan-$2" up &&
        ip -n "$1-$2" address add "$3/24" dev eth0 && ip -n "$1-$2" link set eth0 up &&
        ip -n "$1-$2" route add default via "$4"
}

# are_up CASE: links carry packets only some time after they were told to.
are_up() {
    for name in a b r s; do
        ip -n "$1-$name" link show up | grep -v 'LOOPBACK' | grep -q 'state \(DOWN\|LOWER\|UNK\)' &&
            return 1
    done
    return 0
}

# lay CASE UNREPLIED_S ESTABLISHED_S: the picture above.
lay() {
    for name in a b r s; do
        ip netns add "$1-$name" && ip -n "$1-$name" link set lo up || return
    done
    join "$1" a 192.168.1.2 192.168.1.1 && join "$1" b 192.168.2.2 192.168.2.1 &&
        ip link add wan netns "$1-r" type veth peer name eth0 netns "$1-s" &&
        ip -n "$1-r" address add 198.18.0.1/24 dev wan && ip -n "$1-r" link set wan up &&
        ip -n "$1-s" address add 198.18.0.2/24 dev eth0 &&
        ip -n "$1-s" address add 198.18.0.3/24 dev eth0 && ip -n "$1-s" link set eth0 up &&
        ip netns exec "$1-r" sh -c "echo 1 >/proc/sys/net/ipv4/ip_forward &&
            cd /proc/sys/net/netfilter && echo $2 >nf_conntrack_udp_timeout &&
            echo $3 >nf_conntrack_udp_timeout_stream" &&
        for _ in $(seq 100); do
            are_up "$1" && return
            sleep 0.1
        done
}

# rule CASE TRANSLATION INPUT: nft 1.0.6 wants a new line before each brace.
rule() {
    ip netns exec "$1-r" nft -f - <<END
table ip nat {
    chain postrouting {
        type nat hook postrouting priority 100
        policy accept
        oifname "wan" meta l4proto udp $2
    }
    chain input {
        type filter hook input priority 0
        policy accept
        iifname "wan" meta l4proto udp $3
    }
}
END
}

# ---- comparison ----------------------------------------------------------

# value KEY FILE: of the JSON object in it
value() {
    sed -n "s/.*\"$1\": \"\{0,1\}\([^\",}]*\).*/\1/p" "$2"
}

untimed='mapping filtering ports hairpin pooling after_early_inbound shared_port on_clash
    after_clash flows_limited_by'
verdicts="$untimed udp_unreplied_s udp_established_s"

# differences CASE KEY...: a line for each verdict that the kernel and the model do not share.
differences() {
    in=$1
    shift
    for key in "$@"; do
        kernel=$(value "$key" "$work/$in.kernel")
        ours=$(value "$key" "$work/$in.model")
        [ -n "$kernel" ] && [ "$kernel" = "$ours" ] ||
            echo "  $key: the kernel says '$kernel', the model '$ours'"
    done
}

# What the probe saw counts unless a busy machine kept it from its work for longer:
# half a second tells one timer from the next, 300 ms are its patience for an answer.
late_most_ms=100

# ask_kernel CASE [NETPROBE-OPTION...]: until a run was not disturbed.
ask_kernel() {
    case=$1
    shift
    for _ in 1 2 3 4 5 6 7 8; do
        "$build/nat-models/test/netprobe" "$case-a=192.168.1.2" "$case-b=192.168.2.2" @ \
            "$case-s=198.18.0.2,198.18.0.3" "$@" >"$work/$case.kernel" || return
        late_ms=$(value late_ms "$work/$case.kernel")
        [ "$late_ms" -gt "$late_most_ms" ] || return 0
        echo "  once more: the machine kept the probe from its work for $late_ms ms"
    done
    return 1
}

# check CASE CLAIM TRANSLATION INPUT MODEL UNREPLIED ESTABLISHED KEYS [NETPROBE-OPTION...]
check() {
    case=$1 claim=$2 translation=$3 input=$4 model=$5 keys=$8
    echo "[ RUN      ] $claim"
    lay "$case" "$6" "$7" && rule "$case" "$translation" "$input" || return
    shift 8
    ask_kernel "$case" "$@" || return
    "$build/mistsim" nat probe "$model" --json >"$work/$case.model"
    # shellcheck disable=SC2086 # a list of words
    differences "$case" $keys | grep . || echo "[       OK ] $claim"
}

# What natdiscovery found, as the model calls it.
outside_verdict() {
    sed -n "s/^NAT with \(.*\) $1!.*/\1/p" "$2" | sed -e 's/ Independent/I/' \
        -e 's/Address and Port Dependent/APD/; s/Address Dependent/AD/; s/Endpoint/E/' \
        -e "s/\$/$(echo "$1" | cut -c 1)/" | tr '[:upper:]' '[:lower:]'
}

# judge CASE CLAIM TRANSLATION INPUT MODEL: coturn asks, coturn answers.
judge() {
    case=$1 claim=$2
    echo "[ RUN      ] $claim"
    lay "$case" 30 120 && rule "$case" "$3" "$4" || return
    ip netns exec "$case-s" turnserver -n -L 198.18.0.2 -L 198.18.0.3 -S --no-auth --no-tls \
        --no-dtls --no-tcp --no-cli --simple-log --log-file "$work/$case.log" \
        --pidfile "$work/$case.pid" --db "$work/$case.db" >/dev/null 2>&1 &
    server=$!
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        grep -q 'Total General servers' "$work/$case.log"* 2>/dev/null && break
        sleep 0.5
    done
    ip netns exec "$case-a" turnutils_natdiscovery -m -f -L 192.168.1.2 198.18.0.2 \
        >"$work/$case.found" 2>&1
    kill "$server"
    "$build/mistsim" nat probe "$5" --json >"$work/$case.model"
    for what in Mapping Filtering; do
        theirs=$(outside_verdict "$what" "$work/$case.found")
        ours=$(value "$(echo "$what" | tr '[:upper:]' '[:lower:]')" "$work/$case.model")
        [ -n "$theirs" ] && [ "$theirs" = "$ours" ] ||
            echo "  $what: natdiscovery says '$theirs', the model '$ours'"
    done | grep . || echo "[       OK ] $claim"
}

# Cases mostly wait.  start WHAT CASE CLAIM ...
start() {
    "$@" >"$work/$2.out" 2>&1 &
    cases="${cases-} $2"
}

timers='udp_unreplied: 3 s, udp_established: 4 s'
start check accept masquerade_with_input_accept_moves_the_port_after_a_stranger \
    masquerade accept "{like: linux_masquerade, $timers}" 3 4 "$verdicts"
start check drop masquerade_with_input_drop_keeps_the_port_after_a_stranger \
    masquerade 'ct state new drop' "{like: linux_drop, $timers}" 3 4 "$verdicts"
start check reject masquerade_with_input_reject_keeps_the_port_after_a_stranger \
    masquerade 'ct state new reject' "{like: linux_drop, unsolicited_reply: icmp_3_3, $timers}" \
    3 4 "$verdicts"
start check random masquerade_random_draws_a_port_for_each_remote \
    'masquerade random' accept "{like: linux_fully_random, $timers}" 3 4 "$verdicts"
start check fully masquerade_fully_random_draws_a_port_for_each_remote \
    'masquerade fully-random' accept "{like: linux_fully_random, $timers}" 3 4 "$verdicts"
start check snat snat_to_an_address_is_masquerade \
    'snat to 198.18.0.1' accept "{like: linux_masquerade, $timers}" 3 4 "$verdicts"

# A hundred ports, so that chance cannot look like a rule: ten are given out in sequence
# four times in a thousand, and three rounds see one port for two remotes seven times.
few='range: [20000, 20099], idle: 1 s' all='longest_s=0 pause_ms=1500 flows=128'
# shellcheck disable=SC2086 # options
start check full a_pool_of_a_hundred_ports_refuses_the_next_flow_to_a_destination \
    'snat to 198.18.0.1:20000-20099' accept "{like: linux_masquerade, $few}" 1 1 \
    "$untimed flows_granted" $all
# shellcheck disable=SC2086
start check full_random a_pool_of_a_hundred_random_ports_refuses_the_next_flow_too \
    'snat to 198.18.0.1:20000-20099 fully-random' accept "{like: linux_fully_random, $few}" 1 1 \
    "$untimed flows_granted" $all
if command -v turnserver turnutils_natdiscovery >/dev/null; then
    start judge j-accept coturn_finds_masquerade_as_the_model_is \
        masquerade accept linux_masquerade
    start judge j-drop coturn_finds_masquerade_behind_a_drop_rule_as_the_model_is \
        masquerade 'ct state new drop' linux_drop
    start judge j-fully coturn_finds_fully_random_as_the_model_is \
        'masquerade fully-random' accept linux_fully_random
else
    echo 'test_linux: without coturn there is no outside judge'
fi
wait

claim=a_model_that_takes_no_notice_of_strangers_is_found_out
"$build/mistsim" nat probe "{like: linux_drop, $timers}" --json >"$work/accept.model"
cases="$cases canary"
{
    echo "[ RUN      ] $claim"
    # shellcheck disable=SC2086
    [ "$(differences accept $verdicts)" = \
        "  after_early_inbound: the kernel says 'moved', the model 'kept'" ] &&
        echo "[       OK ] $claim"
} >"$work/canary.out"

code=0
for case in $cases; do
    cat "$work/$case.out"
    grep -q '^\[       OK \]' "$work/$case.out" || code=1
done
exit $code
