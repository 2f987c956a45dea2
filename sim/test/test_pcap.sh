#!/bin/sh
# test_pcap.sh: --pcap writes what tshark reads, on every engine; --trace packets a row for
# every datagram.
#
# usage: MIST_BUILD=build sim/test/test_pcap.sh       from the top of the project
set -u

command -v tshark >/dev/null || { echo "no tshark here (.ci/deps linux)" && exit 77; }
mistsim=$MIST_BUILD/mistsim
work=$(mktemp -d /tmp/mist-pcap-XXXXXX)
trap 'rm -rf "$work"' EXIT
failures=0
engines=native
[ -e "$MIST_BUILD/engine-ns3.so" ] && engines='native ns3'

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

run() { # ENGINE SCENARIO ARGUMENTS...
    run_engine=$1
    run_scenario=$2
    shift 2
    "$mistsim" run "scenarios/$run_scenario.yaml" --engine "$run_engine" --quiet \
        --out "$work/$run_engine.db" "$@"
}

sql() { # FILE QUERY
    sqlite3 "$work/$1.db" "$2"
}

count() { # FILE FILTER
    tshark -r "$work/$1.pcapng" -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE \
        -Y "$2" 2>/dev/null | wc -l
}

same() { # TEXT A B
    [ "$2" = "$3" ] || { echo "$1: $2 and $3" && false; }
}

# 5 nodes: what they sent and got, each with the right checksums, and each box's verdicts.
the_capture_holds_all() { # ENGINE
    run "$1" smoke/two-peers --pcap "$work/$1.pcapng" --trace packets || return 1
    all=$(count "$1" frame)
    here='(frame.interface_name contains "server" or frame.interface_name contains "home")'
    same 'sent' "$(count "$1" "$here and frame.comment")" "$(sql "$1" 'SELECT packets FROM run')" &&
        same 'arrived' "$(count "$1" "$here and not frame.comment")" \
            "$(sql "$1" "SELECT count(*) FROM packet WHERE fate = 'arrived'")" &&
        same 'good checksums' "$all" "$(count "$1" 'ip.checksum.status == 1 and
            udp.checksum.status == 1')" &&
        same 'malformed' 0 "$(count "$1" _ws.malformed)" &&
        same 'filtered' "$(count "$1" 'frame.comment == "filter"')" \
            "$(sql "$1" "SELECT count(*) FROM packet WHERE fate LIKE 'box %: filter'")"
}

every_datagram_has_a_row() { # ENGINE
    same 'rows' "$(sql "$1" 'SELECT count(*) FROM packet')" "$(sql "$1" 'SELECT packets FROM run')"
}

# 900 bytes for lines of 576: tshark puts the pieces together that came to a box.
pieces_are_seen() { # ENGINE
    run "$1" study/fragments --pcap "$work/pieces.pcapng" --set sweep={} &&
        [ "$(count pieces 'ip.flags.mf == 1 and frame.interface_name contains "outside"')" -gt 0 ]
}

looking_on_changes_nothing() {
    "$mistsim" run scenarios/smoke/two-peers.yaml --quiet --out "$work/plain.db" &&
        same 'traces' "$(sql plain 'SELECT trace_hash FROM run')" \
            "$(sql native 'SELECT trace_hash FROM run LIMIT 1')"
}

several_runs_have_a_file_each() {
    run native smoke/two-peers --seeds 5..6 --pcap "$work/each.pcapng" &&
        [ "$(find "$work" -name 'each-[0-9]*.pcapng' | wc -l)" = 2 ] && [ ! -e "$work/each.pcapng" ]
}

a_file_that_cannot_be_is_told() {
    run native smoke/two-peers --pcap "$work/no/such.pcapng"
    [ $? = 5 ]
}

for engine in $engines; do
    claim "the capture of $engine holds all" the_capture_holds_all "$engine"
    claim "every datagram of $engine has a row" every_datagram_has_a_row "$engine"
    claim "pieces of $engine are seen" pieces_are_seen "$engine"
done
claim 'looking on changes nothing' looking_on_changes_nothing
claim 'several runs have a file each' several_runs_have_a_file_each
claim 'a file that cannot be is told' a_file_that_cannot_be_is_told

echo "test_pcap: $failures failed"
[ "$failures" = 0 ]
