#!/bin/sh
# test_publications.sh: to whom a publication is due, and what of it is recorded.
#
# usage: MIST_BUILD=build sim/test/test_publications.sh       from the top of the project
set -u

mistsim=$MIST_BUILD/mistsim
work=$(mktemp -d /tmp/mist-publications-XXXXXX)
trap 'rm -rf "$work"' EXIT
failures=0
homes=12

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

same() { # WHAT GOT EXPECTED
    [ "$2" = "$3" ] || { echo "$1: got '$2', expected '$3'" && good=0; }
}

town() { # NAME, then workload and churn on stdin
    {
        printf 'mist: 1\nname: %s\nduration: 5 min\njoin: 5 s\ncrypto: modelled\n' "$1"
        printf 'network: { latency: { uniform: 10 ms..100 ms } }\npopulation:\n'
        printf '  - { name: server, count: 3, nat: none, roles: [bootstrap, relay] }\n'
        printf '  - { name: home, count: %s, nat: { population: roverso } }\n' "$homes"
        cat
    } >"$work/$1.yaml"
    "$mistsim" run "$work/$1.yaml" --out "$work/$1.db" >"$work/out" 2>&1 </dev/null
    same "exit code of $1" $? 0
}

ask() { # NAME SQL
    sqlite3 "$work/$1.db" "$2"
}

begin what_is_published_on_a_shared_topic_is_due_to_all_others
town shared <<'END_OF_TOWN'
workload:
  - { publish: shared, rate: 1/min, src: server, dst: home, from: 60 s, window: 9 s, settled: 5 s }
END_OF_TOWN
same "subscribers of each message" "$(ask shared 'SELECT DISTINCT subscribers FROM message')" 12
same "messages that reached not all" \
    "$(ask shared 'SELECT count(*) FROM message WHERE delivered <> 12')" 0
same "there are messages" "$(ask shared 'SELECT count(*) > 5 FROM message')" 1
end

begin who_leaves_within_the_window_is_owed_nothing
printf '20 s\n40 s\n' >"$work/short.txt"
churn='churn: { session: { trace: short.txt } }'
for settled in '0 s' '8 s'; do
    cell=owed_$(echo "$settled" | tr -d ' ')
    town "$cell" <<END_OF_TOWN
workload:
  - { publish: uniform, rate: 6/min, from: 30 s, window: 10 s, settled: $settled }
$churn
END_OF_TOWN
done
# The same draws: whoever is live also ran when it was published.
same "live ones among those that ran" "$(ask owed_8s 'SELECT sum(subscribers) > 20 FROM message')" 1
ask owed_8s "ATTACH '$work/owed_0s.db' AS o; SELECT count(*) FROM message m JOIN o.message n
    USING(message) WHERE m.subscribers > n.subscribers OR m.delivered > m.subscribers" >"$work/more"
same "messages owed to more" "$(cat "$work/more")" 0
same "fewer than ran" "$(ask owed_8s "ATTACH '$work/owed_0s.db' AS o;
    SELECT (SELECT sum(subscribers) FROM message) < (SELECT sum(subscribers) FROM o.message)")" 1
end

# Three servers, of whom each takes 64 of a key.
begin a_key_with_more_subscribers_than_its_holders_take_reaches_all
homes=250
town crowd <<'END_OF_TOWN'
workload:
  - { publish: shared, rate: 1/min, src: server, dst: home, from: 3 min, window: 9 s, settled: 5 s }
END_OF_TOWN
same "live subscribers" "$(ask crowd 'SELECT DISTINCT subscribers FROM message')" 250
same "99.5 % are reached" \
    "$(ask crowd 'SELECT sum(delivered) * 1000 >= sum(subscribers) * 995 FROM message')" 1
end

echo "$((3 - failures)) of 3 tests passed"
[ $failures = 0 ]
