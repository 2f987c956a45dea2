#!/bin/sh
# test_mixed.sh: a network of two builds of the real core that speak the same wire format
# and behave differently: they connect across.
#
# usage: MIST_BUILD=build sim/test/test_mixed.sh       from the top of the project
set -u

mistsim=$MIST_BUILD/mistsim
work=$(mktemp -d /tmp/mist-mixed-XXXXXX)
trap 'rm -rf "$work"' EXIT
good=1

begin() {
    name=$1
    echo "[ RUN      ] $name"
}

# same WHAT GOT EXPECTED
same() {
    [ "$2" = "$3" ] && return
    echo "$1: expected '$3', got '$2'"
    good=0
}

begin two_builds_of_one_wire_format_connect_across
mkdir "$work/other"
cp -r Makefile stack .ci "$work/other"
# Heartbeats come at another pace: other datagrams, of the same format.
sed -i 's/^#define MUX_HEARTBEAT SEC([0-9]*)/#define MUX_HEARTBEAT SEC(7)/' \
    "$work/other/stack/mux.h"
cmp -s stack/mux.h "$work/other/stack/mux.h" && same heartbeat unchanged changed
(unset MAKEFLAGS MFLAGS MAKELEVEL && make -C "$work/other" B=build OPT=-O0 build/libmist.so) \
    >"$work/log" 2>&1 || { cat "$work/log" && exit 1; }

cat >"$work/mixed.yaml" <<'END'
mist: 1
name: mixed
duration: 90 s
join: 5 s
network: { latency: { constant: 40 ms } }
population:
  - { name: server, count: 3, nat: none, roles: [bootstrap, relay] }
  - { name: here, count: 6, nat: { mapping: eim, filtering: apdf } }
  - { name: there, count: 6, nat: { mapping: eim, filtering: apdf } }
workload:
  - { dial: uniform, rate: 4/min, from: 15 s, window: 10 s }
END
"$mistsim" bisect "$MIST_BUILD/libmist.so" "$work/other/build/libmist.so" "$work/mixed.yaml" \
    >"$work/out" 2>&1
same 'that they differ' $? 1
"$mistsim" run "$work/mixed.yaml" --set population.there.stack.library=other/build/libmist.so \
    --out "$work/mixed.db" --quiet
same 'exit code' $? 0
# Plain punching brings any two boxes together that map independently of the endpoint
# (RFC 4787, 4.1): so each direction, across the builds too, is all direct.
same 'pairs, all direct' "$(sqlite3 "$work/mixed.db" "SELECT s.population, d.population,
    count(*) > 5, min(outcome) || '-' || max(outcome) FROM dial JOIN node AS s ON s.node=src
    JOIN node AS d ON d.node=dst GROUP BY 1, 2")" "here|here|1|direct-direct
here|there|1|direct-direct
there|here|1|direct-direct
there|there|1|direct-direct"
same stacks "$(sqlite3 "$work/mixed.db" "SELECT count(DISTINCT stack) FROM node")" 2
if [ $good = 1 ]; then
    echo "[       OK ] $name"
else
    cat "$work/out"
    echo "[  FAILED  ] $name"
fi
[ $good = 1 ]
