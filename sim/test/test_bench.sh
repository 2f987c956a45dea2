#!/bin/sh
# test_bench.sh: the bench command from outside: its parts, its JSON, its exit codes.
#
# usage: MIST_BUILD=build sim/test/test_bench.sh       from the top of the project
set -u

mistsim=$MIST_BUILD/mistsim
failures=0

# claim TEXT COMMAND...: the command must succeed
claim() {
    what=$1
    shift
    if "$@" >/dev/null 2>&1; then
        echo "ok      $what"
    else
        echo "FAILED  $what"
        failures=$((failures + 1))
    fi
}

exits() { # CODE COMMAND...
    code=$1
    shift
    "$@"
    [ $? -eq "$code" ]
}

json=$("$mistsim" bench primitives --json)
table=$("$mistsim" bench primitives)
has() { echo "$json" | grep -qF "$1"; }

# X25519 on any machine of today: more than 5 us, less than 5 ms.
x25519_is_in_range() {
    echo "$json" | awk -F '"value": ' '/X25519, shared secret/ {
        split($2, value, ","); found = value[1] > 5e3 && value[1] < 5e6 } END { exit !found }'
}

claim 'the JSON tells its version' has '{"version": 1, "figures": ['
claim 'a figure names part, row, column, value and unit' \
    has '{"part": "primitives", "name": "keyed draw", "at": 0, "value": '
claim 'the shared secret takes what it can take' x25519_is_in_range
claim 'only the part asked for is measured' exits 1 has '"queue"'
claim 'the table names the same rows' sh -c "echo '$table' | grep -q 'keyed draw .* ns'"
claim 'an unknown part is bad usage' exits 2 "$mistsim" bench quue
claim 'an unknown option is bad usage' exits 2 "$mistsim" bench --jason

[ "$failures" -eq 0 ]
