#!/bin/sh
# test_probe_command.sh: `mistsim nat probe` from outside: the whole catalogue, a
# profile that lies about its looks, and bad lines.
#
# usage: MIST_BUILD=build sim/test/test_probe_command.sh       from the top of the project
# shellcheck disable=SC2016 # messages quote words in backticks
set -u

mistsim=$MIST_BUILD/mistsim
top=$PWD
work=$(mktemp -d /tmp/mist-probe-XXXXXX)
trap 'rm -rf "$work"' EXIT
failures=0

# claim NAME COMMAND...: the command's words hold
claim() {
    name=$1
    shift
    echo "[ RUN      ] $name"
    if "$@"; then
        echo "[       OK ] $name"
    else
        echo "[  FAILED  ] $name"
        failures=$((failures + 1))
    fi
}

# code EXPECTED WORDS...: the exit code of nat probe; output in $work/out, err
code() {
    expected=$1
    shift
    "$mistsim" nat probe "$@" >"$work/out" 2>"$work/err" </dev/null
    got=$?
    [ "$got" = "$expected" ] || echo "'$*': expected $expected, got $got: $(cat "$work/err")"
    [ "$got" = "$expected" ]
}

json() {
    sqlite3 :memory: "SELECT $1 FROM json_each(CAST(readfile('$work/out') AS TEXT)) AS box ${2-}"
}

# The nine boxes and each profile once, each as expected, each with all keys.
catalogue() {
    profiles=$(find nat-models/profiles -name '*.yaml' | wc -l)
    code 0 --all --json && [ "$(json 'count(*)')" = $((9 + profiles)) ] &&
        [ "$(json 'min(value ->> "$.as_expected")')" = 1 ] &&
        [ "$(json 'count(DISTINCT value ->> "$.name")')" = $((9 + profiles)) ] &&
        [ "$(json 'count(*)' "JOIN json_each(box.value) AS key WHERE key.key IN ('mapping',
            'filtering', 'ports', 'hairpin', 'udp_unreplied_s', 'udp_established_s', 'pooling')")" \
            = $((7 * (9 + profiles))) ]
}

# Knobs and looks that are not of one box.
liar() {
    mkdir -p "$work/nat-models/profiles" &&
        cat >"$work/nat-models/profiles/liar.yaml" <<'END' &&
profile: liar
doc: It says that it is open, and is not.
source: This test.
looks: eim/eif/preserve
knobs: { mapping: apdm, filtering: apdf, ports: random }
END
        cd "$work" && code 1 liar && cd "$top" || return
    grep -q 'mapping: expected eim, found apdm; filtering: expected eif, found apdf; ports: ' \
        "$work/out"
}

repeats() {
    code 0 --all --json --seed 7 && mv "$work/out" "$work/first" &&
        code 0 --all --json --seed 7 && cmp "$work/first" "$work/out" &&
        code 0 --all --json --seed 8 && ! cmp -s "$work/first" "$work/out"
}

names() {
    code 0 'home_apdf>cgn_eim' adm/adf/random firewall/adf one_to_one none \
        '{like: home_adf, idle: 33 s}' --json &&
        [ "$(json "group_concat(value ->> '$.mapping' || '/' || (value ->> '$.filtering'), ' ')")" \
            = 'eim/apdf adm/adf none/adf eim/eif none/eif eim/adf' ]
}

bad_lines() {
    code 2 && code 2 home_apd && grep -q 'did you mean `home_apdf`' "$work/err" &&
        code 2 '{maping: eim}' && grep -q 'did you mean `mapping`' "$work/err" &&
        code 2 'a>' && code 2 '>' && code 2 '/' && code 2 '{' && code 2 '' && code 2 --seed x none
}

claim the_catalogue_is_classified_as_it_is_configured_or_looks catalogue
claim a_profile_that_lies_about_its_looks_is_found_out liar
claim a_seed_repeats_every_byte repeats
claim a_name_may_be_a_chain_a_label_or_knobs names
claim bad_lines_are_refused_with_a_hint bad_lines
[ "$failures" = 0 ]
