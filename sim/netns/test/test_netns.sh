#!/bin/sh
# test_netns.sh: a small world of real processes in network namespaces: it finds what the
# simulation finds, leaves nothing behind, and says what it cannot do.
#
# usage: MIST_BUILD=build sim/netns/test/test_netns.sh       from the top of the project
#
# Real time: half a minute.  Exit 77 where namespaces of one's own are not allowed.
set -u

mistsim=$MIST_BUILD/mistsim
work=$(mktemp -d /tmp/mist-netns-XXXXXX)
trap 'rm -rf "$work"' EXIT
mark=marked$$ # in the command line of the nodes of this test alone
failures=0

begin() {
    name=$1
    echo "[ RUN      ] $name"
    good=1
}

end() {
    if [ $good = 1 ]; then
        echo "[       OK ] $name"
    else
        echo "[  FAILED  ] $name"
        failures=$((failures + 1))
    fi
}

wrong() {
    echo "  $1"
    good=0
}

# world NAME HOMES: two servers, a firewall, two under one carrier, and homes.
world() {
    cat >"$work/$1.yaml" <<END
mist: 1
name: $1
duration: 20 s
join: 1 s
network: { latency: { constant: 40 ms }, jitter: 5% }
stack: { punch: { strategy: plain } }
population:
  - { name: server, count: 2, nat: none, roles: [bootstrap, relay] }
  - name: $2
    count: 1
    nat: port_restricted
    access: { up: 20 Mbit/s, down: 50 Mbit/s, delay: 5 ms }
  - { name: hard, count: 1, nat: symmetric_random }
  - name: carried
    count: 2
    nat: [full_cone, cgn_eim]
    subscribers_per_nat: 2
    access: { delay: 5 ms }
  - { name: walled, count: 1, nat: firewall }
workload:
  - { dial: all_pairs, from: 8 s, window: 6 s }
END
}

# processes: of this test's nodes, those of ended parents included
processes() {
    count=0
    for file in /proc/[0-9]*/cmdline; do
        { tr '\0' ' ' <"$file"; } 2>/dev/null | grep -q "mist up .*--name $mark" &&
            count=$((count + 1))
    done
    echo "$count"
}

# until COMMAND...: within ten seconds
until_true() {
    for _ in $(seq 100); do
        "$@" && return
        sleep 0.1
    done
    return 1
}

some_run() { [ "$(processes)" -gt 0 ]; }
none_run() { [ "$(processes)" = 0 ]; }

value() { # DATABASE SQL
    sqlite3 "$1" "$2"
}

cat >"$work/struck.yaml" <<END
mist: 1
name: struck
duration: 20 s
join: 1 s
network: { latency: { constant: 40 ms } }
population:
  - { name: server, count: 2, nat: none, roles: [bootstrap, relay] }
  - { name: home, count: 3, nat: port_restricted }
faults:
  - { at: 5 s, nat_flush: home }
  - { at: 6 s, nat_set: home, knobs: { udp_established: 40 s } }
  - { at: 7 s, readdress: home }
  - { at: 8 s, nat_reboot: home }
  - { at: 9 s, restart: home }
  - { at: 11 s, crash: home, for: 3 s }
  - { at: 16 s, leave: home, for: 2 s }
END

world both home
world killed "$mark"
"$mistsim" run "$work/struck.yaml" --engine netns --out "$work/struck.db" --quiet \
    >"$work/struck.out" 2>&1 &
struck=$!
"$mistsim" run "$work/both.yaml" --engine netns --out "$work/netns.db" --quiet \
    >"$work/netns.out" 2>&1 &
both=$!
lack() {
    sed -n 's/^mistsim run: engine netns: //p' "$work/netns.out"
}

begin nothing_is_left_when_the_simulator_is_killed
"$mistsim" run "$work/killed.yaml" --engine netns --out "$work/killed.db" --quiet \
    >"$work/killed.out" 2>&1 &
killed=$!
if until_true some_run; then
    kill -KILL "$killed"
    until_true none_run || wrong "$(processes) nodes outlive it"
elif grep -q 'engine netns: no ' "$work/killed.out"; then
    wait "$both"
    echo "test_netns: $(lack)"
    exit 77
else
    wrong "no node began: $(cat "$work/killed.out")"
fi
wait "$killed" 2>/dev/null
end

# refused CODE WORDS OPTION...
refused() {
    code=$1 words=$2
    shift 2
    "$mistsim" run "$work/both.yaml" --engine netns --out "$work/refused.db" --quiet "$@" \
        >"$work/refused.out" 2>&1
    got=$?
    [ $got = "$code" ] || wrong "exit $got, not $code: $*"
    grep -q "$words" "$work/refused.out" || wrong "$* says: $(cat "$work/refused.out")"
}

begin what_a_kernel_cannot_do_is_refused_with_a_remedy
refused 2 'engine netns: .*processes.*--set population.NAME.count' \
    --set population.home.count=300
refused 2 'engine netns: its core breaks no paths: .*--engine native' --set network.broken.pairs=1%
refused 2 'engine netns: its nodes are the program mist, which is honest' \
    --set population.walled.behaviour=liar
refused 2 'engine netns: its nodes and boxes do not tell facts' --trace events
refused 2 'netns are the program mist' --stack "$MIST_BUILD/libmist.so"
end

begin without_namespaces_it_exits_77_and_says_what_helps
cat >"$work/lacking" <<'END'
echo 0 >/proc/sys/user/max_net_namespaces
exec "$@"
END
if unshare --user --map-root-user true 2>/dev/null; then
    unshare --user --map-root-user sh "$work/lacking" "$mistsim" run "$work/both.yaml" \
        --engine netns --out "$work/lacking.db" >"$work/lacking.out" 2>&1
    got=$?
    [ $got = 77 ] || wrong "exit $got"
    grep -q 'engine netns: no network namespaces.*run as root' "$work/lacking.out" ||
        wrong "it says: $(cat "$work/lacking.out")"
    [ ! -e "$work/lacking.db" ] || wrong "it began a results file"
fi
end

wait "$both" || cat "$work/netns.out"
"$mistsim" run "$work/both.yaml" --out "$work/native.db" --quiet >"$work/native.out" 2>&1

begin real_processes_connect_as_simulated_nodes_do
"$mistsim" compare --facts --across-engines "$work/native.db" "$work/netns.db" >"$work/facts" ||
    wrong "$(cat "$work/facts")"
[ "$(value "$work/netns.db" 'SELECT count(*) FROM dial')" = 20 ] || wrong "not 20 dials"
end

begin a_real_run_is_recorded_as_one
[ "$(value "$work/netns.db" "SELECT engine || status || coalesce(trace_hash, ' none')
    || (stack_version LIKE '%real crypto') FROM run")" = 'netnscomplete none1' ] ||
    wrong "$(value "$work/netns.db" 'SELECT * FROM run')"
for what in 'count(*)=7 FROM node' 'sum(packets_out)>100 FROM traffic' \
    'min(mappings_made)>0 FROM nat_box' 'min(probes)>0 FROM dial WHERE outcome="relayed"'; do
    [ "$(value "$work/netns.db" "SELECT $what")" = 1 ] || wrong "not $what"
done
end

begin no_round_trip_is_shorter_than_the_plan_has_it
[ "$(value "$work/netns.db" "SELECT count(*)>0 AND min(rtt_final_ns - rtt_ideal_ns) >= 0 FROM dial
    WHERE outcome='direct' AND rtt_final_ns>0")" = 1 ] ||
    wrong "$(value "$work/netns.db" 'SELECT src, dst, rtt_final_ns, rtt_ideal_ns FROM dial')"
end

begin nodes_and_boxes_are_struck_by_faults_as_simulated_ones_are
wait "$struck" || wrong "$(cat "$work/struck.out")"
"$mistsim" run "$work/struck.yaml" --out "$work/struck-native.db" --quiet >"$work/native.out" 2>&1
for db in struck struck-native; do
    value "$work/$db.db" 'SELECT node, session, ended FROM session ORDER BY node, session' \
        >"$work/$db.sessions"
    [ "$(value "$work/$db.db" 'SELECT count(*) FROM fault')" = 7 ] ||
        wrong "not seven faults in $db"
done
cmp "$work/struck-native.sessions" "$work/struck.sessions" || wrong "$(cat "$work/struck.sessions")"
end

[ $failures = 0 ]
