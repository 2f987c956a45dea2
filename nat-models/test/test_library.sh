#!/bin/sh
# test_library.sh: a program of nat-models alone: example/punch.c builds with the library and
# nothing else, without a warning, and tells what nat-behaviour.md's chain of rules does.
#
# usage: MIST_BUILD=build nat-models/test/test_library.sh       from the top of the project
set -u

work=$(mktemp -d /tmp/mist-library-XXXXXX)
trap 'rm -rf "$work"' EXIT
failures=0
# The compiler and the sanitizers of the build; libraries are what is looked at.
compiler=$(sed 's/ .*//;q' "$MIST_BUILD/stamp/flags")
export ASAN_OPTIONS=detect_leaks=0 # the example leaves its memory to the system
sanitizers=$(tr ' ' '\n' <"$MIST_BUILD/stamp/flags" | grep '^-f.*sanitize' | grep -v fuzzer)

# claim NAME EXPECTED COMMAND...
claim() {
    echo "[ RUN      ] $1"
    expected=$2 name=$1
    shift 2
    got=$("$@" 2>&1)
    if [ "$got" = "$expected" ]; then
        echo "[       OK ] $name"
    else
        echo "expected '$expected', got '$got'"
        failures=$((failures + 1))
    fi
}

# shellcheck disable=SC2086 # a list
claim an_example_builds_with_the_library_alone '' "$compiler" -std=c11 -Wall -Wextra -Wpedantic \
    -Wconversion -Wshadow -Werror $sanitizers -I . -o "$work/punch" nat-models/example/punch.c \
    "$MIST_BUILD/libmist-nat.a"
claim two_cones_reach_one_another direct "$work/punch" eim apdf eim apdf
claim a_symmetric_nat_reaches_a_restricted_cone direct "$work/punch" eim adf apdm apdf
claim a_symmetric_nat_does_not_reach_a_port_restricted_cone 'no way' \
    "$work/punch" eim apdf apdm apdf
claim two_symmetric_nats_do_not_reach_one_another 'no way' "$work/punch" apdm apdf apdm apdf
claim a_wrong_word_is_told 'punch: filtering: expected eif|adf|apdf, got open' \
    "$work/punch" eim open eim eif

[ $failures = 0 ]
