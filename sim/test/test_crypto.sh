#!/bin/sh
# test_crypto.sh: modelled cryptography changes nothing but the bytes: the same facts at
# the same nanoseconds, datagrams of the same sizes, the same dials.
#
# usage: MIST_BUILD=build sim/test/test_crypto.sh    from the top of the project
set -u

mistsim=$MIST_BUILD/mistsim
work=$(mktemp -d /tmp/mist-crypto-XXXXXX)
trap 'rm -rf "$work"' EXIT
failures=0

cat >"$work/town.yaml" <<'END'
mist: 1
name: town
duration: 32 s
join: 12 s
network: { latency: { uniform: 20 ms..200 ms }, loss: 1%, jitter: 5% }
population:
  - { name: server, count: 20, nat: none, roles: [bootstrap, relay] }
  - { name: home, count: 480, nat: { population: roverso } }
workload:
  - { dial: uniform, rate: 4/min, from: 16 s, window: 8 s }
  - { publish: uniform, rate: 1/min, from: 16 s, window: 8 s }
END

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
    echo "$1"
    good=0
}

# run CRYPTO -- into $work/CRYPTO.db
run() {
    "$mistsim" run "$work/town.yaml" --set "crypto=$1" --trace events --out "$work/$1.db" \
        >"$work/$1.out" 2>&1 || wrong "$1: $(cat "$work/$1.out")"
}

# rows DATABASE TABLE
rows() {
    sqlite3 "$1" "SELECT * FROM $2" | sort
}

begin real_and_modelled_cryptography_have_the_same_facts_in_500_nodes
run real
run modelled
for table in dial lookup message traffic nat_box series fact; do
    rows "$work/real.db" $table >"$work/real.txt"
    rows "$work/modelled.db" $table >"$work/modelled.txt"
    cmp "$work/real.txt" "$work/modelled.txt" >"$work/why" || wrong "$table: $(cat "$work/why")"
    case $table in
    dial | fact | traffic) [ "$(wc -l <"$work/real.txt")" -gt 200 ] || wrong "$table: too few" ;;
    esac
done
end

begin results_say_which_cryptography_it_was
for crypto in real modelled; do
    got=$(sqlite3 "$work/$crypto.db" "SELECT stack_version FROM run")
    case $got in
    *", $crypto crypto") ;;
    *) wrong "stack_version: $got" ;;
    esac
done
[ "$(sqlite3 "$work/real.db" 'SELECT trace_hash FROM run')" != \
    "$(sqlite3 "$work/modelled.db" 'SELECT trace_hash FROM run')" ] ||
    wrong "the bytes are the same: one of the two was not what it says"
end

begin hosts_cannot_have_different_cryptography
sed 's/^workload:/stack: { crypto: real }\nworkload:/' "$work/town.yaml" >"$work/mixed.yaml"
"$mistsim" check "$work/mixed.yaml" >"$work/out" 2>&1
[ $? = 2 ] || wrong "exit code"
grep -q 'crypto. beside .stack' "$work/out" || wrong "$(cat "$work/out")"
end

[ $failures = 0 ]
