#!/bin/sh
# test_facts.sh: who reaches whom, and how, is the same on ns-3 as on the native
# engine; the same seed has the same trace; captures can be read.
#
# usage: MIST_BUILD=build sim/ns3/test/test_facts.sh       from the top of the project
set -u

[ -e "$MIST_BUILD/engine-ns3.so" ] || { echo "built without ns-3" && exit 77; }
mistsim=$MIST_BUILD/mistsim
work=$(mktemp -d /tmp/mist-ns3-XXXXXX)
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

run() { # ENGINE FILE SCENARIO
    "$mistsim" run "scenarios/$3.yaml" --engine "$1" --out "$work/$2.db" --quiet
}

# (src_nat, dst_nat, outcome, path class) of every dial.
same_facts() { # SCENARIO
    rm -f "$work"/native.db "$work"/ns3.db
    run native native "$1" && run ns3 ns3 "$1" &&
        "$mistsim" compare "$work/native.db" "$work/ns3.db" --facts --across-engines &&
        [ "$(sqlite3 "$work/ns3.db" 'SELECT count(*) FROM dial')" -gt 0 ]
}

# What stands in the files of the scenario before: one dial of ns-3's had another end.
a_planted_difference_is_found() {
    sqlite3 "$work/ns3.db" "UPDATE dial SET
        outcome = CASE outcome WHEN 'direct' THEN 'relayed' ELSE 'direct' END,
        path = CASE outcome WHEN 'direct' THEN 'relay' ELSE 'punched' END WHERE dial = 7" &&
        "$mistsim" compare "$work/native.db" "$work/ns3.db" --facts --across-engines
    [ $? = 1 ]
}

same_trace() {
    run ns3 first smoke/two-peers && run ns3 second smoke/two-peers &&
        [ "$(sqlite3 "$work/first.db" 'SELECT trace_hash FROM run')" = \
            "$(sqlite3 "$work/second.db" 'SELECT trace_hash FROM run')" ]
}

# Both packets, with the checksums that belong to the rewritten addresses.
capture_is_read() {
    "$MIST_BUILD/ns3c-example" "$work/x.pcap" &&
        [ "$(tshark -r "$work/x.pcap" -o udp.check_checksum:TRUE -Y udp.checksum.status==1 \
            -T fields -e ip.src -e udp.dstport 2>/dev/null)" = \
            "$(printf '192.0.2.1\t7000\n198.51.100.7\t6000')" ]
}

for scenario in smoke/firewall6 smoke/relay-only study/same-carrier matrix/nine matrix/classic; do
    claim "$scenario has the same facts on both engines" same_facts "$scenario"
done
claim 'a planted difference is found' a_planted_difference_is_found
claim 'the same seed has the same trace' same_trace
if command -v tshark >/dev/null; then
    claim 'tshark reads a capture of ns-3' capture_is_read
fi

echo "test_facts: $failures failed"
[ "$failures" = 0 ]
