#!/bin/sh
# matrix.sh: the matrices of NATs, simulated and alive: every dial has the same facts, behind
# natboxes (classic, nine) and behind the kernel's own NAT (kernel, early-probe).
#
# usage: MIST_BUILD=build sim/netns/test/matrix.sh       from the top of the project
#
# All at the same time, in real time: three minutes, a hundred and fifty processes.  Exit 77
# where namespaces of one's own are not allowed.
set -u

mistsim=$MIST_BUILD/mistsim
work=$(mktemp -d /tmp/mist-matrix-XXXXXX)
trap 'rm -rf "$work"' EXIT

# both NAME [OPTION...]: the scenario on both engines
both() {
    name=$1
    shift
    "$mistsim" run "scenarios/matrix/$name.yaml" --engine netns --out "$work/$name.real.db" \
        --quiet "$@" >"$work/$name.log" 2>&1
    echo $? >"$work/$name.code"
    "$mistsim" run "scenarios/matrix/$name.yaml" --out "$work/$name.db" --quiet "$@" \
        >>"$work/$name.log" 2>&1
}

both classic &
both nine --set 'duration=3 min' &
both kernel &
both early-probe &
wait

if [ "$(sort -u "$work"/*.code)" = 77 ]; then
    cat "$work/classic.log"
    exit 77
fi
code=0
for name in classic nine kernel early-probe; do
    echo "[ RUN      ] every_dial_of_${name}_is_the_same_on_native_and_netns"
    if "$mistsim" compare --facts --across-engines "$work/$name.db" "$work/$name.real.db" \
        >"$work/facts" 2>&1; then
        tail -n 1 "$work/facts"
        echo "[       OK ] every_dial_of_${name}_is_the_same_on_native_and_netns"
    else
        cat "$work/$name.log" "$work/facts"
        code=1
    fi
done

# A comparison that cannot fail says nothing: real homes that are others are found out.
echo "[ RUN      ] other_facts_are_found_out"
sqlite3 "$work/classic.real.db" "UPDATE dial SET outcome='relayed', path='relay'
    WHERE dial=(SELECT min(dial) FROM dial WHERE outcome='direct')"
if "$mistsim" compare --facts --across-engines "$work/classic.db" "$work/classic.real.db" |
    grep -q '^DIFFER: 1 of 420'; then
    echo "[       OK ] other_facts_are_found_out"
else
    code=1
fi
exit $code
