#!/bin/sh
# Cores that play false (sim/hostile/): what impostors and floods do, and what would be if
# the honest core did without a pin, or kept state for strangers.
set -u

build=$(realpath "${MIST_BUILD:-build}")
mistsim=$build/mistsim
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

cat >"$work/impostors.yaml" <<END
mist: 1
name: impostors
duration: 3 min
join: 20 s
crypto: modelled
network: { latency: { uniform: 20 ms..200 ms }, loss: 0.5% }
population:
  - { name: server, count: 16, nat: none, roles: [bootstrap, relay] }
  - { name: impostor, count: 4, nat: none, stack: { library: $build/libmist-impostor.so } }
  - { name: user, count: 60, nat: { population: roverso } }
workload:
  - { dial: uniform, rate: 2/min, from: 1 min, window: 30 s, src: user, dst: user, persons: pinned }
expect: { dial.connected_rate: ">= 95%", wrong_keys: "== 0", impostors: ">= 1" }
END
cat >"$work/flood.yaml" <<END
mist: 1
name: flood
duration: 80 s
join: 20 s
crypto: modelled
network: { latency: { uniform: 20 ms..200 ms } }
population:
  - { name: server, count: 20, nat: none, roles: [bootstrap, relay] }
  - { name: target, count: 1, nat: none, stack: { library: $build/libmist.so } }
  - { name: home, count: 100, nat: { population: roverso } }
  - { name: bad, count: 1, nat: none, behaviour: flooder, attack: { rate: 10000/s, at: target,
      sources: any, forge: [init, open, replay], from: 60 s } }
workload:
  - { dial: uniform, rate: 4/min, from: 62 s, window: 3 s, src: home, dst: target }
expect: { dial.connected_rate: ">= 99%" }
END

# claim NAME EXIT SCENARIO [OPTION]...
claim() {
    echo "[ RUN      ] $1"
    name=$1 want=$2 scenario=$3
    shift 3
    "$mistsim" run "$work/$scenario.yaml" --fresh --quiet --out "$work/$scenario.db" "$@" \
        >"$work/out" 2>&1
    got=$?
    if [ "$got" = "$want" ]; then
        echo "[       OK ] $name"
    else
        cat "$work/out"
        echo "exit $got, expected $want"
        echo "[  FAILED  ] $name"
        failures=$((failures + 1))
    fi
}

claim who_is_pinned_is_reached_although_a_fifth_impersonates_them 0 impostors
claim the_same_holds_with_real_keys 0 impostors --set crypto=real
claim without_a_pin_impostors_are_taken_for_whom_was_called 1 impostors \
    --set workload.0.persons=known
claim a_flood_of_forged_handshakes_keeps_nobody_out 0 flood
claim it_does_where_strangers_are_given_state 1 flood \
    --set "population.target.stack.library=$build/libmist-naive.so"
[ "$failures" = 0 ]
