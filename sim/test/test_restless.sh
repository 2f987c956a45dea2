#!/bin/sh
# test_restless.sh: churn and faults through the program: what two versions of the protocol
# meet alike, what is recorded, and the run's key.
#
# usage: MIST_BUILD=build sim/test/test_restless.sh       from the top of the project
set -u

mistsim=$MIST_BUILD/mistsim
work=$(mktemp -d /tmp/mist-restless-XXXXXX)
trap 'rm -rf "$work"' EXIT
failures=0

cat >"$work/town.yaml" <<'END'
mist: 1
name: town
duration: 4 min
join: 5 s
crypto: modelled
network: { latency: { uniform: 10 ms..100 ms } }
population:
  - { name: server, count: 3, nat: none, roles: [bootstrap, relay] }
  - { name: home, count: 24, nat: { population: roverso } }
workload:
  - { dial: uniform, rate: 2/min, from: 20 s, window: 90 s, talk: 1 s }
churn: { session: { trace: hours.txt }, downtime: { exponential: { mean: 30 s } } }
faults:
  - { at: 1 min, nat_flush: home, share: 50% }
  - { at: 2 min, crash: home, share: 30%, for: 20 s }
END
printf '2 min\n3 min\n10 min # one stays\n' >"$work/hours.txt"

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

same() { # WHAT GOT EXPECTED
    [ "$2" = "$3" ] || { echo "$1: got '$2', expected '$3'" && good=0; }
}

differ() { # WHAT ONE OTHER
    [ "$2" != "$3" ] || { echo "$1: '$2' twice" && good=0; }
}

run() { # DB [OPTION]...
    db=$1
    shift
    "$mistsim" run "$work/town.yaml" --out "$work/$db" "$@" >"$work/out" 2>&1 </dev/null
    same "exit code of the run into $db" $? 0
}

ask() { # DB SQL
    sqlite3 "$work/$1" "$2"
}

sessions='select node, session, from_ns, until_ns, ended from session order by 1, 2'
dials='select dial, at_ns, src, dst from dial order by 1'

begin two_versions_of_the_protocol_meet_the_same_churn_faults_and_dials
run six.db --set stack.punch.rounds=6
run one.db --set stack.punch.rounds=1
trace='select trace_hash from run'
differ trace "$(ask six.db "$trace")" "$(ask one.db "$trace")"
same sessions "$(ask six.db "$sessions")" "$(ask one.db "$sessions")"
same faults "$(ask six.db 'select * from fault')" "$(ask one.db 'select * from fault')"
same dials "$(ask six.db "$dials")" "$(ask one.db "$dials")"
end

begin another_seed_is_another_churn
run other.db --seed 2
differ sessions "$(ask six.db "$sessions")" "$(ask other.db "$sessions")"
end

begin a_crashed_node_is_away_for_as_long_as_the_fault_says
gaps=$(ask six.db "select count(*) from session as a join session as b on b.node = a.node and
    b.session = a.session + 1 where a.ended = 'crash' and b.from_ns < a.until_ns + 20000000000")
same 'returns before their time' "$gaps" 0
differ 'crashes' "$(ask six.db "select count(*) from session where ended = 'crash'")" 0
same 'crashes at another time' "$(ask six.db "select count(*) from session
    where ended = 'crash' and until_ns <> 120000000000")" 0
end

begin a_node_has_one_session_at_a_time
same overlaps "$(ask six.db 'select count(*) from session as a join session as b on a.node = b.node
    and a.session < b.session and a.until_ns > b.from_ns')" 0
same 'servers that stayed' "$(ask six.db "select count(*) from session join node using(node)
    where population = 'server' and from_ns = 0 and ended = 'end'")" 3
end

begin a_dial_fails_for_its_peer_only_if_the_peer_was_off
wrong=$(ask six.db "select count(*) from dial as d where reason = 'peer_offline' and exists
    (select 1 from session as s where s.node = d.dst and s.from_ns <= d.at_ns and
    s.until_ns >= d.at_ns + d.window_ns)")
same 'peers that were there' "$wrong" 0
made=$(ask six.db "select count(*) from dial as d where not exists (select 1 from session as s
    where s.node = d.src and s.from_ns <= d.at_ns and s.until_ns >= d.at_ns)")
same 'dials of hosts that were off' "$made" 0
end

begin another_trace_is_another_run
run six.db --set stack.punch.rounds=6
same 'runs kept' "$(ask six.db 'select count(*) from run')" 1
echo '1 min' >>"$work/hours.txt"
run six.db --set stack.punch.rounds=6
same 'runs kept' "$(ask six.db 'select count(*) from run')" 2
end

# Boxes that keep ports: a path works again as soon as both ends have sent through it, and
# each does at least with its heartbeats, 13 s and a tenth apart (MUX_HEARTBEAT).
begin a_path_through_flushed_boxes_heals_with_the_next_heartbeats
sed -i '/^churn/d; /crash/d; s/{ population: roverso }/home_apdf/; s/90 s/2 min/' "$work/town.yaml"
run flushed.db
struck=$(ask flushed.db 'select count(*) > 10 from recovery')
same 'enough dials were struck' "$struck" 1
same 'dials that never recovered' \
    "$(ask flushed.db 'select count(*) from recovery where latency_ns is null')" 0
same 'dials that took longer than a heartbeat and a second' \
    "$(ask flushed.db 'select count(*) from recovery where latency_ns > 15300000000')" 0
end

[ $failures = 0 ]
