#!/bin/sh
# Nodes know their NATs: what they learn from peers, a tenth and a fifth of whom lie, beside
# what an ideal observer could see; `show verdicts` tells it.
# shellcheck disable=SC2317 # the functions are called by `claim`
set -u

mistsim=${MIST_BUILD:-build}/mistsim
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# study LIARS: runs it; the exit code says whether 97 % are right.
study() {
    "$mistsim" run scenarios/study/nat-verdicts.yaml --out "$work/$1.db" --quiet \
        --set population.liar.count="$1" >"$work/out" 2>&1
}

# claim NAME COMMAND...
claim() {
    name=$1
    shift
    echo "[ RUN      ] $name"
    if "$@"; then
        echo "[       OK ] $name"
    else
        cat "$work/out"
        echo "[  FAILED  ] $name"
        failures=$((failures + 1))
    fi
}

fails_by_expectation() {
    study "$1"
    [ $? -eq 1 ]
}

# The nodes behind boxes with one mapping for all, as rows of the matrix and as the table has them.
shows_them_all() {
    right='"knob": *"mapping", *"truth": *"eim", *"found": *"eim"'
    shown=$("$mistsim" show "$work/10.db" verdicts --json |
        sed -n "s/.*$right, *\"nodes\": *\([0-9]*\).*/\1/p")
    counted=$(sqlite3 "$work/10.db" "SELECT count(DISTINCT node) FROM verdict
        WHERE knob = 'mapping' AND truth = 'eim'")
    echo "$shown of $counted" >"$work/out"
    [ "${shown:-0}" -ge $((counted * 97 / 100)) ] && [ "$counted" -gt 100 ]
}

claim nats_are_known_although_a_tenth_lies study 10
claim nats_are_known_although_a_fifth_lies study 17
claim nats_are_not_known_where_most_lie fails_by_expectation 90
claim show_verdicts_is_the_confusion_matrix shows_them_all

exit $((failures > 0))
