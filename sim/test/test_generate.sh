#!/bin/sh
# test_generate.sh: every command and option has its place in the man pages and in
# what the shells complete; mandoc and the shells take what was made.
#
# usage: MIST_BUILD=build sim/test/test_generate.sh       from the top of the project
set -u

mistsim=$MIST_BUILD/mistsim
work=$(mktemp -d /tmp/mist-generate-XXXXXX)
trap 'rm -rf "$work"' EXIT
failures=0

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

# skip PROGRAM: is it missing?
skip() {
    command -v "$1" >/dev/null && return 1
    echo "[  SKIPPED ] $name"
}

bad() {
    echo "$*"
    good=0
}

# The words of the lists that --help prints under a heading.
listed() {
    awk -v heading="$1:" '$0 == heading { on = 1; next } /^$/ { on = 0 } on { print $1 }' "$2"
}

# Each command as it is called: "run", "nat play".
commands() {
    "$mistsim" --help >"$work/help"
    for command in $(listed commands "$work/help"); do
        echo "$command"
        # shellcheck disable=SC2086 # words
        "$mistsim" $command --help >"$work/help.one"
        for word in $(listed commands "$work/help.one"); do
            echo "$command $word"
        done
    done
}

options() {
    # shellcheck disable=SC2086 # words
    "$mistsim" $1 --help | grep -o '^  .*' | grep -o -e '--[a-z-]*' | sort -u | head -n 40
}

mkdir "$work/man"
"$mistsim" generate man "$work/man" 2026-11-20 || failures=1
"$MIST_BUILD/mist" --help | "$mistsim" generate page mist 'the core as a real node' 2026-11-20 \
    >"$work/man/mist.1"
for shell in bash zsh fish; do
    "$mistsim" generate completion $shell >"$work/$shell" || failures=1
done
commands >"$work/commands"

begin every_command_and_option_has_its_man_page
[ "$(wc -l <"$work/commands")" -ge 8 ] || bad "only $(wc -l <"$work/commands") commands"
while read -r command; do
    page=$work/man/mistsim-$(echo "$command" | tr ' ' -).1
    [ -f "$page" ] || bad "$command has no page"
    case $command in nat) continue ;; esac
    for option in $(listed options "$work/help") $(options "$command"); do
        sed 's,[\\],,g' <"$page" | grep -q -e "$option" || bad "$page does not tell $option"
    done
done <"$work/commands"
end

begin every_key_of_scenarios_has_its_place_in_the_man_page
for key in network.loss 'population\.\*\.nat' workload.*.window dial.punch_rate; do
    sed 's,[\\],,g' <"$work/man/mistsim-scenario.5" | grep -q "$key" || bad "no $key"
done
end

begin mandoc_takes_every_page_without_a_word
if ! skip mandoc; then
    mandoc -Tlint "$work"/man/* >"$work/lint" || bad "$(cat "$work/lint")"
    [ ! -s "$work/lint" ] || bad "$(cat "$work/lint")"
    end
fi

# completed WORDS...: what bash offers for the last of them
completed() {
    bash -c '
        compopt() { :; }
        . "$0"
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _mistsim
        printf "%s\n" "${COMPREPLY[@]}"' "$work/bash" "$@" | tr '\n' ' '
}

# offers EXPECTED WORDS...
offers() {
    expected=$1
    shift
    got=$(completed "$@")
    [ "$got" = "$expected " ] || bad "$*: expected '$expected', got '$got'"
}

begin bash_completes_commands_options_values_keys_and_files
if ! skip bash; then
    offers run mistsim ru
    offers --seeds mistsim run --seeds
    offers '--seed --seeds --set' mistsim run --se
    offers 'native ns3 netns' mistsim run --engine ''
    offers native mistsim run --engine = na
    offers network.loss= mistsim run --set network.lo
    offers network.loss mistsim explain-key network.lo
    offers play mistsim nat pl
    offers --json mistsim nat play --js
    mkdir "$work/folder"
    touch "$work/folder/a.yaml" "$work/folder/a.db"
    offers "$work/folder/a.yaml" mistsim run "$work/folder/a"
    offers "$work/folder/a.db" mistsim show "$work/folder/a"
    offers '' mistsim doctor x
    end
fi

begin fish_completes_commands_options_and_values
if ! skip fish; then
    for case in 'run:mistsim ru' 'play:mistsim nat pl' 'netns:mistsim run --engine netn' \
        'network.loss=:mistsim check --set network.lo'; do
        HOME=$work fish -c "source $work/fish; complete -C '${case#*:}'" 2>&1 |
            grep -q "^${case%%:*}" || bad "${case#*:} is not completed to ${case%%:*}"
    done
    end
fi

begin zsh_takes_its_completion_and_finds_every_option_in_it
if ! skip zsh; then
    zsh -n "$work/zsh" || bad 'zsh refuses it'
    while read -r command; do
        case $command in nat) continue ;; esac
        for option in $(options "$command"); do
            grep -q -e "$option\[" "$work/zsh" || bad "$command $option is missing"
        done
    done <"$work/commands"
    end
fi

begin generate_says_what_it_takes
"$mistsim" generate rubbish 2>"$work/err"
[ $? = 2 ] || bad 'exit code'
grep -q '^usage: mistsim generate man FOLDER DATE' "$work/err" || bad "$(cat "$work/err")"
"$mistsim" generate man "$work/none" 2026-11-20 2>"$work/err"
[ $? = 5 ] || bad 'exit code of a folder that is not there'
end

[ $failures = 0 ]
