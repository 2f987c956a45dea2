#!/bin/sh
# test_tap.sh: a real daemon, in a network namespace, lives among simulated nodes:
# it dials one and is dialled, through the modelled box that it stands behind.
#
# usage: MIST_BUILD=build sim/ns3/test/test_tap.sh       from the top of the project
set -u

[ -e "$MIST_BUILD/engine-ns3.so" ] || { echo "built without ns-3" && exit 77; }
if [ "${1:-}" != inside ]; then
    unshare -n true 2>/dev/null || { echo "network namespaces are not allowed here" && exit 77; }
    [ -w /dev/net/tun ] || { echo "no /dev/net/tun here" && exit 77; }
    exec unshare -n "$0" inside
fi

mistsim=$MIST_BUILD/mistsim mist=$MIST_BUILD/mist
work=$(mktemp -d /tmp/mist-tap-XXXXXX)
simulation='' guest='' daemon=''
trap 'kill $daemon $guest $simulation 2>/dev/null; wait; rm -rf "$work"' EXIT
failures=0

claim() { # TEXT COMMAND...
    what=$1
    shift
    if "$@" >"$work/result" 2>&1; then
        echo "ok      $what"
    else
        echo "FAILED  $what"
        cat "$work/result"
        failures=$((failures + 1))
    fi
}

until_true() { # SECONDS COMMAND...: polls
    tries=$(($1 * 10))
    shift
    until "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || return 1
        sleep 0.1
    done
}

inside() {
    nsenter -t "$guest" -n "$@"
}

said() { # of what the simulator told: the address after WORDS
    sed -n "s/.*$1 \([0-9.]*[:0-9]*\).*/\1/p" "$work/simulation"
}

refused() { # STATUS TEXT COMMAND...
    expected=$1 text=$2
    shift 2
    "$@" >"$work/refusal" 2>&1
    status=$?
    cat "$work/refusal"
    [ $status = "$expected" ] && grep -q "$text" "$work/refusal"
}

run_with() { # ENGINE
    "$mistsim" run scenarios/live/guest.yaml --engine "$1" --out "$work/none.db" --quiet
}

# Who may not make devices.
lacking() {
    setpriv --bounding-set=-net_admin --inh-caps=-net_admin "$mistsim" run \
        scenarios/live/guest.yaml --engine ns3 --out "$work/none.db" --quiet
}

claim "the native engine has no taps, and says which has" refused 2 "engine ns3" run_with native
claim "who may not make a device is told what it needs" refused 77 CAP_NET_ADMIN lacking
claim "a tap demands real cryptography" refused 2 "crypto: real" \
    "$mistsim" check --set crypto=modelled scenarios/live/guest.yaml

"$mistsim" run scenarios/live/guest.yaml --engine ns3 --out "$work/run.db" --quiet \
    --set 'duration=10 min' --set population.home.count=30 --set 'workload.0.from=10 s' \
    --set 'workload.0.window=5 s' --set 'workload.0.rate=10/min' >"$work/simulation" 2>&1 &
simulation=$!
unshare -n sleep 600 &
guest=$!
claim "the run tells how to join it" until_true 10 grep -q bootstrap "$work/simulation"
claim "its device is there" until_true 10 ip link show guest0
address=$(said 'ip addr add') bootstrap=$(said '--bootstrap')
claim "the device moves to the real machine" ip link set guest0 netns "$guest"
inside sh -e -c "ip link set lo up; ip addr add $address/32 dev guest0; ip link set guest0 up
    ip route add 169.254.0.1 dev guest0; ip route add default via 169.254.0.1"
nsenter -t "$guest" -n "$mist" up --name guest.0 --echo --listen "$address:0" \
    --bootstrap "$bootstrap" >"$work/daemon" 2>&1 &
daemon=$!
claim "a real daemon joins through simulated servers" \
    until_true 60 grep -q '"joined"' "$work/daemon"
dial() {
    inside timeout 90 "$mist" dial home.3 --listen "$address:0" --bootstrap "$bootstrap" \
        --send hello --count 5 --timeout 60 | tee "$work/dialled"
    grep -q '"sent":5,"received":5' "$work/dialled"
}
claim "it dials a simulated node, and five datagrams come back" dial
claim "simulated nodes dial it" until_true 60 grep -q '"accepted"' "$work/daemon"
claim "and talk to it" until_true 60 grep -q '"datagram"' "$work/daemon"
claim "and hang up" until_true 60 grep -q '"closed"' "$work/daemon"
kill -INT $simulation
wait $simulation
claim "the interrupted run is kept" test $? = 130
claim "its results tell of dials to the guest" sh -c "[ \$(sqlite3 '$work/run.db' \"
    SELECT count(*) FROM dial WHERE outcome != 'failed' AND dst =
    (SELECT node FROM node WHERE population = 'guest')\") -gt 0 ]"
claim "the device went with the run" sh -c "! nsenter -t $guest -n ip link show guest0"

[ $failures = 0 ]
