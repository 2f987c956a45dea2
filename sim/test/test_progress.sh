#!/bin/sh
# test_progress.sh: what a run says while it runs: one line that renews itself on a
# terminal, plain lines elsewhere, nothing when quiet; colours where they may be;
# Ctrl-C from a keyboard.
#
# usage: MIST_BUILD=build sim/test/test_progress.sh       from the top of the project
#
# Terminals are made by script(1).
set -u

case $MIST_BUILD in
/*) mistsim=$MIST_BUILD/mistsim ;;
*) mistsim=$PWD/$MIST_BUILD/mistsim ;;
esac
work=$(mktemp -d /tmp/mist-progress-XXXXXX)
trap 'rm -rf "$work"' EXIT
failures=0
escape=$(printf '\033')
return=$(printf '\r')

# long: a year, to be looked at in the middle; short: a second of wall time at most
for case in 'long:365 d' 'short:60 s'; do
    cat >"$work/${case%%:*}.yaml" <<END
mist: 1
name: ${case%%:*}
duration: ${case#*:}
join: 5 s
network: { latency: { constant: 40 ms } }
population:
  - { name: server, count: 3, nat: none, roles: [bootstrap, relay] }
  - { name: home, count: 6, nat: { mapping: eim, filtering: apdf } }
workload:
  - { dial: uniform, rate: 4/min, from: 15 s, window: 10 s }
expect: { dial.count: "<= 1" }
END
done

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

bad() {
    echo "$*"
    good=0
}

# says FILE PATTERN: a line matches (of a terminal's file: between two renewals)
says() {
    tr '\r' '\n' <"$1" | grep -q -E -e "$2" || bad "$1 does not match '$2': $(head -c 2000 "$1")"
}

# lacks FILE TEXT
lacks() {
    ! grep -q -F -e "$2" "$1" || bad "$1 holds '$2'"
}

# on_terminal FILE COMMAND: its exit code; what the terminal saw goes to the file
on_terminal() {
    script -q -e -c "stty cols 70; $2" /dev/null >"$1"
}

# What each of the lines is made of; the durations are the scenario's.
line='^[0-9:]+ of 8760:00:00  [0-9.]+( [kMG])? events/s  [0-9.]+( [kMG])?x real time  ETA [0-9:]+'
line="$line  joined [0-9]/9"

# Three runs at once: they wait for the same ten seconds.
for kind in plain quiet json; do
    [ $kind = plain ] && option='' || option=--$kind
    # shellcheck disable=SC2086 # an option or none
    timeout -s TERM 12 "$mistsim" run "$work/long.yaml" --out "$work/$kind.db" $option \
        >"$work/$kind.out" 2>"$work/$kind.err" </dev/null &
done
wait

begin without_a_terminal_the_progress_comes_in_plain_lines
says "$work/plain.err" "$line  connected [0-9.]+ %  direct [0-9.]+ %\$"
lacks "$work/plain.err" "$escape"
lacks "$work/plain.err" "$return"
[ "$(grep -c ' of ' "$work/plain.err")" -le 2 ] || bad "more than one line in ten seconds"
lacks "$work/plain.out" 'events/s  '
end

begin quiet_is_quiet_until_something_must_be_said
[ "$(cat "$work/quiet.err")" = \
    'mistsim run: stopping; what is finished is kept (Ctrl-C again to stop at once)' ] ||
    bad "$(cat "$work/quiet.err")"
[ ! -s "$work/quiet.out" ] || bad "$(cat "$work/quiet.out")"
end

begin json_stands_alone_on_stdout_and_the_progress_on_stderr
says "$work/json.err" "$line"
status="SELECT json_extract(readfile('$work/json.out'), '\$.runs[0].status')"
[ "$(sqlite3 :memory: "$status")" = interrupted ] || bad "$(cat "$work/json.out")"
end

if command -v script >/dev/null; then
    begin on_a_terminal_one_line_renews_itself_within_its_width
    on_terminal "$work/tty" "timeout --foreground -s TERM 2 \"$mistsim\" run $work/long.yaml \
        --out $work/tty.db >$work/tty.out"
    says "$work/tty" "^$escape\[K[0-9:]+ of 8760:00:00  .* events/s"
    [ "$(tr '\r' '\n' <"$work/tty" | grep -c 'events/s')" -ge 3 ] || bad 'it did not renew itself'
    tr '\r' '\n' <"$work/tty" | sed "s/^$escape\[K//" | grep ' of ' | awk 'length > 69' |
        grep -q . && bad 'a line is wider than the terminal'
    end

    begin a_dumb_terminal_gets_plain_lines
    on_terminal "$work/dumb" "TERM=dumb timeout --foreground -s TERM 1 \"$mistsim\" run \
        $work/long.yaml --out $work/dumb.db"
    lacks "$work/dumb" "$escape"
    end

    begin a_failed_expectation_is_red_where_colours_may_be
    run="\"$mistsim\" run $work/short.yaml --out $work/short.db"
    on_terminal "$work/colours" "TERM=xterm $run"
    [ $? = 1 ] || bad 'exit code'
    says "$work/colours" "$escape\[31mFAILED$escape\[0m"
    for setting in NO_COLOR=1 TERM=dumb; do
        on_terminal "$work/plain" "TERM=xterm env $setting $run"
        says "$work/plain" '^  FAILED'
        lacks "$work/plain" "${escape}[31m"
    done
    sh -c "TERM=xterm $run" >"$work/plain"
    lacks "$work/plain" "${escape}[31m"
    end

    begin a_key_press_of_ctrl_c_stops_and_keeps_what_there_is
    (sleep 2 && printf '\003' && sleep 5) | on_terminal "$work/key" \
        "\"$mistsim\" run $work/long.yaml --out $work/key.db"
    [ $? = 130 ] || bad 'exit code'
    says "$work/key" 'stopping; what is finished is kept'
    [ "$(sqlite3 "$work/key.db" 'SELECT status FROM run')" = interrupted ] || bad 'status'
    end
fi

[ $failures = 0 ]
