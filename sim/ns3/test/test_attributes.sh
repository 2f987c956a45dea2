#!/bin/sh
# test_attributes.sh: attributes of ns-3 by name: they act there, nowhere else, and a wrong
# one is told with its place.
#
# usage: MIST_BUILD=build sim/ns3/test/test_attributes.sh       from the top of the project
set -u

[ -e "$MIST_BUILD/engine-ns3.so" ] || { echo "built without ns-3" && exit 77; }
mistsim=$MIST_BUILD/mistsim
work=$(mktemp -d /tmp/mist-attributes-XXXXXX)
trap 'rm -rf "$work"' EXIT
failures=0

claim() { # TEXT COMMAND...
    what=$1
    shift
    if "$@" >"$work/said" 2>&1; then
        echo "ok      $what"
    else
        echo "FAILED  $what"
        cat "$work/said"
        failures=$((failures + 1))
    fi
}

cat >"$work/wrong.yaml" <<'EOF'
mist: 1
name: wrong
duration: 1 min
population: [{ name: server, count: 2, nat: none, roles: [bootstrap] }]
engine:
  ns3:
    "ns3::CoDelQueueDisc::Targt": 5ms
    "ns3::FqCoDelQueueDisc::Flows": 16
    "ns3::CoDelQueueDisc::Interval": fish
EOF

# Both at once, each by its line, and not the one that is right.
wrong_ones_are_told() { # COMMAND...
    "$mistsim" "$@" "$work/wrong.yaml" >"$work/out" 2>"$work/errors"
    [ $? = 2 ] && grep -q 'yaml:7:5: engine.ns3.ns3::CoDelQueueDisc::Targt: ' "$work/errors" &&
        grep -q 'yaml:9:5: engine.ns3.ns3::CoDelQueueDisc::Interval: ' "$work/errors" &&
        ! grep -q Flows "$work/errors"
}

# The mean round trip of those whose uplink is full, with that target of CoDel.
round_trip() { # TARGET
    rm -f "$work/run.db"
    "$mistsim" run scenarios/study/bufferbloat.yaml --engine ns3 --quiet --out "$work/run.db" \
        --set population.loud.access.queue=codel \
        --set "engine.ns3.ns3::CoDelQueueDisc::Target=$1" >/dev/null &&
        sqlite3 "$work/run.db" "SELECT CAST(avg(rtt_final_ns) AS INTEGER) FROM dial d
            JOIN node n ON n.run = d.run AND n.node = d.src WHERE population = 'loud'"
}

# RFC 8289: CoDel drops once packets have waited longer than the target; a target that the
# queue of 250 ms cannot reach leaves a drop-tail queue.
a_target_acts() {
    usual=$(round_trip 5ms) && never=$(round_trip 1s) && [ "$usual" -lt "$never" ]
}

others_do_not_look() {
    for set in engine.x-none=1 'engine.ns3.ns3::CoDelQueueDisc::Target=1s'; do
        "$mistsim" run scenarios/smoke/two-peers.yaml --quiet --out "$work/native.db" \
            --set "$set" || return 1
    done
    [ "$(sqlite3 "$work/native.db" 'SELECT count(DISTINCT trace_hash) FROM run')" = 1 ]
}

claim 'check tells wrong ones by their lines' wrong_ones_are_told check
claim 'run tells wrong ones by their lines' wrong_ones_are_told run --engine ns3 \
    --out "$work/wrong.db"
claim 'a target of CoDel acts' a_target_acts
claim 'other engines do not look' others_do_not_look

echo "test_attributes: $failures failed"
[ "$failures" = 0 ]
