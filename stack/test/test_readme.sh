#!/bin/sh
# What README.md and mist.h promise to those who use the core: a short program that runs,
# and few functions.
set -u

failures=0

# claim NAME EXPECTED GOT
claim() {
    echo "[ RUN      ] $1"
    if [ "$2" = "$3" ]; then
        echo "[       OK ] $1"
    else
        printf 'expected:\n%s\ngot:\n%s\n' "$2" "$3"
        echo "[  FAILED  ] $1"
        failures=$((failures + 1))
    fi
}

example=${MIST_BUILD:-build}/stack/test/example
claim the_example_opens_a_channel_and_says_hello 'bob: /chat/v1
alice: /chat/v1
bob: hello' "$(timeout 60 "$example")"
lines=$(wc -l <"$example.c")
[ "$lines" -gt 9 ] && [ "$lines" -le 60 ] && few=yes
claim the_example_has_sixty_lines_at_most yes "${few-no: $lines}"

# The verbs of the table, and the functions beside it.
functions=$(grep -v '^ \*' stack/mist.h | grep -c -e '(\*[a-z_]*)(' -e '^[a-z_].* \**mist_[a-z]*(')
claim the_interface_has_twenty_five_functions_at_most 25 "$functions"
[ "$failures" = 0 ]
