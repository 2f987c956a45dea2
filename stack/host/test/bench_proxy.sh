#!/bin/sh
# bench_proxy.sh: what the local UDP proxy costs, beside what else carries UDP: socat, which
# relays only, and wireguard-go, which encrypts, too.
#
# usage: MIST_BUILD=build stack/host/test/bench_proxy.sh       (also BENCH_SECONDS, BENCH_ROUNDS)
#
#   a 10.77.0.1 --- veth --- b 10.77.0.2     one sender at a, one receiver at b
#
# direct: nothing in between.  socat: at a.  wireguard-go, mist: a process at each end.  The
# paths take turns, so that a busy machine is busy for all.  Ratios tell more than the
# figures, which are this machine's.
set -u
# shellcheck source=.ci/lab
. .ci/lab
enter ip socat
seconds=${BENCH_SECONDS:-2} rounds=${BENCH_ROUNDS:-3}

at() { # HOST PROGRAM...: in the background, heard in $work/HOST.PROGRAM
    host=$1
    shift
    ip netns exec "$host" "$@" >"$work/$host.$(basename "$1")" 2>&1 &
}

start_socat() {
    at a socat UDP4-LISTEN:7001,bind=127.0.0.1,reuseaddr,fork UDP4:10.77.0.2:7000
}

start_mist() {
    ip netns exec b "$build/mist" up --public --listen 10.77.0.2:4000 >"$work/meeting" 2>&1 &
    await "$work/meeting" listening || return
    ip netns exec b "$build/mist" serve --name load --to 127.0.0.1:7000 --bind 10.77.0.2:4001 \
        --bootstrap 10.77.0.2:4000 >"$work/serve" 2>&1 &
    await "$work/serve" joined || return
    ip netns exec a "$build/mist" proxy load --listen 127.0.0.1:7002 --bind 10.77.0.1:4002 \
        --bootstrap 10.77.0.2:4000 >"$work/proxy" 2>&1 &
    await "$work/proxy" joined
}

start_wireguard() {
    wireguard_keys a b && wireguard a 10.78.0.1/24 b 10.77.0.2:51820 51820 &&
        wireguard b 10.78.0.2/24 a 10.77.0.1:51820 51820
}

load() { # COMMAND PATH NUMBER
    case $2 in
    direct) to='10.77.0.2 7000' ;;
    socat) to='127.0.0.1 7001' ;;
    mist) to='127.0.0.1 7002' ;;
    wireguard-go) to='10.78.0.2 7000' ;;
    esac
    # shellcheck disable=SC2086 # two words
    ip netns exec a "$build/stack/host/test/udpload" "$1" $to "$3"
}

wire a b 10.77.0 || exit 1
at b "$build/stack/host/test/udpload" echo 7000
paths=direct
start_socat && paths="$paths socat"
start_mist && paths="$paths mist" || exit 1
if command -v wireguard-go wg >/dev/null && [ -c /dev/net/tun ]; then
    start_wireguard && paths="$paths wireguard-go"
else
    echo 'bench_proxy: without wireguard-go (make deps-linux)'
fi

for _ in $(seq "$rounds"); do
    for path in $paths; do
        echo "$path $(load latency "$path" 3000) $(load throughput "$path" "$seconds")"
    done
done >"$work/figures"
grep -q '"path":"lan"' "$work/proxy" || { echo 'bench_proxy: mist found no path of its own' &&
    cat "$work/proxy"; }

# The median of the rounds.
awk '
    function median(path, column,    n, i, j, v, t) {
        n = count[path]
        for (i = 1; i <= n; i++) v[i] = value[path, column, i]
        for (i = 1; i <= n; i++)
            for (j = i + 1; j <= n; j++)
                if (v[j] < v[i]) { t = v[i]; v[i] = v[j]; v[j] = t }
        return v[int((n + 1) / 2)]
    }
    NF == 5 {
        if (!count[$1]++) order[++paths] = $1
        for (c = 2; c <= 5; c++) value[$1, c, count[$1]] = $c
    }
    END {
        printf "%-13s %10s %8s %8s %10s %10s %10s\n", "1100 bytes", "Mbit/s", "of mist",
            "lost", "rtt p50", "rtt p99", "added p50"
        for (i = 1; i <= paths; i++) {
            p = order[i]
            printf "%-13s %10.0f %8.2f %7.2f%% %7.1f us %7.1f us %7.1f us\n", p, median(p, 4),
                median(p, 4) / median("mist", 4), 100 * median(p, 5), median(p, 2) / 1e3,
                median(p, 3) / 1e3, (median(p, 2) - median("direct", 2)) / 1e3
        }
    }' "$work/figures"
echo "medians of $rounds rounds of $seconds s; $(nproc) processors, shared with sender and receiver"
