#!/bin/sh
# test_run.sh: the run command from outside: what is kept, what is repeated, what a
# signal, a kill, a full disk and a bad line leave behind, and with which exit code.
#
# usage: MIST_BUILD=build sim/test/test_run.sh       from the top of the project
# shellcheck disable=SC2016 # messages quote words in backticks
set -u

mistsim=$MIST_BUILD/mistsim
work=$(mktemp -d /tmp/mist-run-XXXXXX)
trap 'rm -rf "$work"' EXIT
failures=0

cat >"$work/town.yaml" <<'END'
mist: 1
name: town
question: Who reaches whom?
duration: 60 s
join: 5 s
network: { latency: { constant: 40 ms } }
population:
  - { name: server, count: 3, nat: none, roles: [bootstrap, relay] }
  - { name: home, count: 6, nat: { mapping: eim, filtering: apdf } }
workload:
  - { dial: uniform, rate: 4/min, from: 15 s, window: 10 s }
END
# variant NAME DURATION: the same town under another name and for another time
variant() {
    sed "s/name: town/name: $1/; s/duration: 60 s/duration: $2/" "$work/town.yaml" >"$work/$1.yaml"
}
variant long '30 d' # long enough to be caught in the middle on any machine
variant hours '2 h'
variant swept '60 s'
echo 'sweep: { "network.loss": [0%, 1%] }' >>"$work/swept.yaml"

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

# same WHAT GOT EXPECTED
same() {
    [ "$2" = "$3" ] && return
    echo "$1: expected '$3', got '$2'"
    good=0
}

# code EXPECTED WORDS... -- the exit code of the words as a command; output in $work/out, err
code() {
    expected=$1
    shift
    "$@" >"$work/out" 2>"$work/err" </dev/null
    same "exit code of '$*'" $? "$expected"
}

# says FILE TEXT: the file holds the text
says() {
    grep -qF -- "$2" "$1" && return
    echo "$1 does not say '$2':"
    cat "$1"
    good=0
}

# none PATTERN...: no file of these names (the shell has left the patterns as they are)
none() {
    for pattern; do
        [ ! -e "$pattern" ] && continue
        echo "$pattern was left behind"
        good=0
    done
}

sql() {
    sqlite3 "$1" "$2"
}

# Everything that a run of equal inputs must leave equally, by natural key.
dump() {
    for table in node dial lookup message traffic nat_box series expectation; do
        sql "$1" "SELECT '$table', cell, seed, trace_hash, t.* FROM $table AS t JOIN run USING(run)
            WHERE status='complete'" | cut -d '|' -f 1-4,6- | sort
    done
    sql "$1" "SELECT cell, seed, engine, stack, stack_version, commit_id, status, sim_s, events,
        packets, trace_hash FROM run ORDER BY cell, seed"
}

# Waits for the condition, given as words of a command, for at most 20 s.
await() {
    for _ in $(seq 200); do
        "$@" >/dev/null 2>&1 && return
        sleep 0.1
    done
    echo "waited in vain for '$*'"
    good=0
}

# The first worker of a campaign process.
worker_of() {
    cut -d ' ' -f 1 "/proc/$1/task/$1/children" 2>/dev/null
}
has_worker() {
    [ -n "$(worker_of "$1")" ]
}

# Leaves one space between the words of the output.
squeeze() {
    tr -s ' ' <"$work/out" >"$work/squeezed" && mv "$work/squeezed" "$work/out"
}

begin a_run_ends_in_a_complete_database
db=$work/town.db
code 0 "$mistsim" run "$work/town.yaml" --out "$db"
says "$work/out" "town: Who reaches whom?"
same status "$(sql "$db" 'SELECT status, seed, cell FROM run')" "complete|1|{}"
same nodes "$(sql "$db" 'SELECT count(*) FROM node')" 9
none "$db"-* "$db".part*
end

begin the_manifest_tells_what_a_campaign_was
manifest=$work/town.manifest.jsonl
# of LINE KEY: the value in that line of the manifest
of() {
    sql :memory: "SELECT json_extract('$(sed -n "$1p" "$manifest" | sed "s/'/''/g")', '\$.$2')"
}
same lines "$(of 1 event) $(of 2 event)" 'begin end'
same commit "$(of 1 commit)" "$(sql "$db" 'SELECT commit_id FROM run')"
same kernel "$(of 1 kernel)" "$(uname -r)"
same scenario "$(of 1 scenario_hash)" "$(b2sum -l 256 "$work/town.yaml" | cut -d ' ' -f 1)"
same path "$(of 1 scenario_path)" "$work/town.yaml"
same command "$(of 1 command)" "[\"run\",\"$work/town.yaml\",\"--out\",\"$db\"]"
same compiler "$(of 1 compiler | grep -c -i -e gcc -e clang)" 1
same counts "$(of 2 "done") $(of 2 kept) $(of 2 failed) $(of 2 exit_code)" '1 0 0 0'
same dump "$(of 2 dump_hash)" "$("$mistsim" dump "$db" --hash)"
printf '{"cut sho' >>"$manifest" # as a full disk leaves it
code 0 "$mistsim" run "$work/town.yaml" --out "$db" --quiet
same next "$(of 4 event) $(of 5 kept)" 'begin 1'
end

begin a_complete_run_is_kept_and_not_repeated
before=$(sql "$db" 'SELECT started_utc, wall_s FROM run')
code 0 "$mistsim" run "$work/town.yaml" --out "$db"
same run "$(sql "$db" 'SELECT started_utc, wall_s FROM run')" "$before"
says "$work/out" "run 1, seed 1: complete"
end

begin fresh_repeats_and_finds_the_same_trace
hash=$(sql "$db" 'SELECT trace_hash FROM run')
code 0 "$mistsim" run "$work/town.yaml" --out "$db" --fresh --quiet
same output "$(cat "$work/out" "$work/err")" ""
same runs "$(sql "$db" 'SELECT count(*), min(trace_hash) FROM run')" "1|$hash"
end

begin facts_tell_each_datagram_that_a_box_dropped_and_why
code 0 "$mistsim" run "$work/town.yaml" --out "$work/facts.db" --trace events
counted=$(sql "$work/facts.db" "SELECT count(*) FROM fact WHERE fact IN
    ('BOX_DROPPED filter', 'BOX_DROPPED no_mapping')")
same counters "$counted" "$(sql "$work/facts.db" 'SELECT sum(dropped_filter) FROM nat_box')"
[ "$counted" -gt 0 ] || good=0
end

begin another_trace_of_the_same_run_is_a_broken_promise
cp "$db" "$work/other.db"
sql "$work/other.db" "UPDATE run SET trace_hash='0123456789abcdef'"
code 3 "$mistsim" run "$work/town.yaml" --out "$work/other.db" --fresh
says "$work/err" "not deterministic"
same kept "$(sql "$work/other.db" "SELECT trace_hash FROM run WHERE status='complete'")" \
    0123456789abcdef
end

begin an_override_is_another_run
code 0 "$mistsim" run "$work/town.yaml" --out "$db" --set network.loss=1%
same runs "$(sql "$db" 'SELECT count(*) FROM run')" 2
end

begin more_seeds_add_only_what_is_missing
before=$(sql "$db" 'SELECT started_utc, wall_s FROM run ORDER BY run LIMIT 1')
code 0 "$mistsim" run "$work/town.yaml" --out "$db" --seeds 1..3
same seeds "$(sql "$db" "SELECT group_concat(seed) FROM (SELECT seed FROM run ORDER BY run)")" \
    "1,1,2,3"
same first "$(sql "$db" 'SELECT started_utc, wall_s FROM run ORDER BY run LIMIT 1')" "$before"
says "$work/out" "intervals over 3 seeds"
end

begin a_sweep_runs_seed_by_seed
code 0 "$mistsim" run "$work/swept.yaml" --out "$work/swept.db" --seeds 5..6 --jobs 2
same order "$(sql "$work/swept.db" 'SELECT seed FROM run ORDER BY run' | tr '\n' ' ')" "5 5 6 6 "
same cells "$(sql "$work/swept.db" 'SELECT count(DISTINCT cell) FROM run')" 2
end

begin a_dry_run_writes_nothing_and_says_why
code 0 "$mistsim" run "$work/swept.yaml" --out "$work/none.db" --seeds 5..6 --dry-run
says "$work/out" "4 runs, 4 to do"
squeeze
says "$work/out" "network.loss 0% # $work/swept.yaml:12"
says "$work/out" "seed 1 # default"
says "$work/out" "estimate, from a trial: the whole first run in"
says "$work/out" " memory "
same warnings "$(cat "$work/err")" ""
none "$work"/none.db*
code 0 "$mistsim" run "$work/swept.yaml" --out "$work/swept.db" --seeds 5..7 --dry-run
says "$work/out" "6 runs, 2 to do"
says "$work/out" "kept (complete as run 1)"
code 0 "$mistsim" run "$work/town.yaml" --out "$work/none.db" --dry-run --set network.loss=1% \
    --set population.home.count=30000
squeeze
says "$work/out" "network.loss 1% # --set network.loss=1%"
says "$work/out" "estimate, from measurements at 1,000 nodes"
none "$work"/none.db*
end

begin a_dry_run_tells_failed_from_interrupted_from_made_by_another_build
cp "$work/swept.db" "$work/why.db"
sql "$work/why.db" "UPDATE run SET status='failed' WHERE run=1;
    UPDATE run SET status='interrupted' WHERE run=2;
    UPDATE run_key SET key='another program''s' WHERE run=3"
code 0 "$mistsim" run "$work/swept.yaml" --out "$work/why.db" --seeds 5..7 --dry-run
says "$work/out" "6 runs, 5 to do"
says "$work/out" "again (run 1 failed)"
says "$work/out" "again (run 2 was interrupted)"
says "$work/out" "build changed (complete as run 3 by another)"
says "$work/out" "kept (complete as run 4)"
same new "$(grep -c ' new$' "$work/out")" 2
end

begin a_run_that_takes_too_long_has_failed_and_the_others_go_on
sed 's/loss": .*/loss": [0%, 1%], "duration": [60 s, 30 d] }/' "$work/swept.yaml" >"$work/late.yaml"
code 1 "$mistsim" run "$work/late.yaml" --out "$work/late.db" --timeout '2 s'
same status "$(sql "$work/late.db" 'SELECT status, count(*) FROM run GROUP BY 1')" "complete|2
failed|2"
says "$work/err" "not over after --timeout of 2 s, stopped"
end

begin fail_fast_starts_nothing_after_a_failure
code 1 "$mistsim" run "$work/town.yaml" --out "$work/fast.db" --seeds 1..9 --jobs 2 --fail-fast \
    --set 'expect={dial.count: ">= 1000000"}'
same runs "$(sql "$work/fast.db" 'SELECT count(*) <= 3 FROM run')" 1
code 1 "$mistsim" run "$work/town.yaml" --out "$work/fast.db" --seeds 1..9 --keep-going \
    --set 'expect={dial.count: ">= 1000000"}'
same runs "$(sql "$work/fast.db" 'SELECT count(*) FROM run')" 9
end

begin an_attempt_to_repeat_that_was_killed_leaves_no_trace
cp "$db" "$work/again.db"
before=$("$mistsim" dump "$db" --hash)
sql "$work/again.db" "INSERT INTO run(run,scenario,scenario_text,cell,seed,engine,stack,
    stack_version,commit_id,started_utc,status)
    SELECT 99,scenario,scenario_text,cell,seed,engine,stack,stack_version,commit_id,started_utc,
    'running' FROM run WHERE run=1;
    INSERT INTO run_key SELECT 99, key FROM run_key WHERE run=1"
code 0 "$mistsim" run "$work/town.yaml" --out "$work/again.db" --quiet
same dump "$("$mistsim" dump "$work/again.db" --hash)" "$before"
end

begin an_expectation_that_fails_is_exit_1_now_and_when_kept
for _ in 1 2; do
    code 1 "$mistsim" run "$work/town.yaml" --out "$work/expect.db" \
        --set 'expect={dial.count: ">= 1000000"}'
    says "$work/out" "FAILED"
done
same row "$(sql "$work/expect.db" 'SELECT metric, bound, ok FROM expectation')" \
    "dial.count|>= 1000000|0"
end

begin json_is_json
code 0 "$mistsim" run "$work/town.yaml" --out "$db" --json
same version "$(sql :memory: "SELECT json_extract(readfile('$work/out'), '$.version')")" 1
same hash "$(sql :memory: "SELECT json_extract(readfile('$work/out'), '$.runs[0].trace_hash')")" \
    "$hash"
end

begin another_build_of_the_core_runs_the_same_world
code 0 "$mistsim" run "$work/town.yaml" --out "$db" --stack "$MIST_BUILD/libmist.so"
same hash "$(sql "$db" "SELECT trace_hash FROM run WHERE stack LIKE '%libmist.so'")" "$hash"
end

begin verify_repeats_runs_and_finds_what_they_were
code 0 "$mistsim" verify "$db" --sample 0
all=$(sql "$db" "SELECT count(*) FROM run WHERE status='complete'")
says "$work/out" "$all of $all runs are what comes of them again"
says "$work/out" 'run 2, seed 1, cell {}: same' # network.loss=1%
code 0 "$mistsim" verify "$work/swept.db" --sample 3
says "$work/out" '3 of 3 runs'
# A file without a newline at its end, more than one override.
printf %s "$(cat "$work/town.yaml")" >"$work/bare.yaml"
code 0 "$mistsim" run "$work/bare.yaml" --out "$work/bare.db" --set network.loss=1% \
    --set 'network.latency={constant: 80 ms}' --quiet
code 0 "$mistsim" verify "$work/bare.db" --json
same json "$(sql :memory: "SELECT json_extract(readfile('$work/out'), '$.runs[0].same')")" 1
end

begin verify_tells_a_broken_promise_from_another_build
cp "$work/bare.db" "$work/lie.db"
cp "$work/bare.manifest.jsonl" "$work/lie.manifest.jsonl"
sql "$work/lie.db" "UPDATE run SET trace_hash='0123456789abcdef'"
code 3 "$mistsim" verify "$work/lie.db"
says "$work/out" 'by the same build: the simulation is not deterministic'
sql "$work/lie.db" "UPDATE run_key SET key='another program''s'"
code 1 "$mistsim" verify "$work/lie.db"
says "$work/out" 'it was made by another build, commit '
says "$work/out" '0 of 1 runs'
sql "$work/lie.db" "UPDATE run SET stack='$work/no.so'"
code 1 "$mistsim" verify "$work/lie.db"
says "$work/out" 'cannot be repeated: '
sql "$work/lie.db" "UPDATE run SET status='failed'"
code 2 "$mistsim" verify "$work/lie.db"
says "$work/err" 'holds no complete run'
end

begin populations_may_run_different_builds_of_the_core
# An ELF file may be followed by anything: the same code, other bytes.
cp "$MIST_BUILD/libmist.so" "$work/twin.so"
echo >>"$work/twin.so"
sed 's/count: 6,/& stack: { library: twin.so },/; s/name: town/name: mixed/' "$work/town.yaml" \
    >"$work/mixed.yaml"
code 0 "$mistsim" check "$work/mixed.yaml"
code 0 "$mistsim" run "$work/mixed.yaml" --out "$work/mixed.db"
same stacks "$(sql "$work/mixed.db" 'SELECT population, stack, count(*) FROM node GROUP BY 1')" \
    "home|$work/twin.so|6
server|embedded|3"
same hash "$(sql "$work/mixed.db" 'SELECT trace_hash FROM run')" "$hash"
code 0 "$mistsim" run "$work/mixed.yaml" --out "$work/mixed.db"
same kept "$(sql "$work/mixed.db" 'SELECT count(*) FROM run')" 1
echo >>"$work/twin.so"
code 0 "$mistsim" run "$work/mixed.yaml" --out "$work/mixed.db"
same 'other bytes' "$(sql "$work/mixed.db" 'SELECT count(*) FROM run')" 2
end

begin a_build_that_is_none_is_refused_where_it_is_named
: >"$work/empty.so"
code 2 "$mistsim" run "$work/mixed.yaml" --set population.home.stack.library=empty.so
says "$work/err" "--set:1:31: stack.library: $work/empty.so: file too short"
code 2 "$mistsim" check "$work/mixed.yaml" --set population.home.stack.library=none.so
says "$work/err" "expected a build of the core (libmist.so), got $work/none.so: No such file"
code 0 "$mistsim" check "$work/mixed.yaml" --set population.home.stack.library=empty.so
code 2 "$mistsim" run "$work/mixed.yaml" --set population.home.stack.punch.strategie=mist
says "$work/err" "(did you mean \`punch.strategy\`?)"
end

begin facts_are_recorded_when_asked_for
same none "$(sql "$db" 'SELECT count(*) FROM fact')" 0
code 0 "$mistsim" run "$work/town.yaml" --out "$db" --trace events
same some "$(sql "$db" 'SELECT count(*) > 0 FROM fact')" 1
end

begin an_interrupted_run_keeps_what_it_has
"$mistsim" run "$work/long.yaml" --out "$work/int.db" >"$work/out" 2>"$work/err" &
campaign=$!
await has_worker $campaign
same status "$(sql "$work/int.db" 'SELECT status FROM run')" running
kill -TERM $campaign
wait $campaign
same code $? 130
same status "$(sql "$work/int.db" "SELECT status, sim_s < 2592000 FROM run")" "interrupted|1"
end

begin a_second_signal_stops_at_once
"$mistsim" run "$work/long.yaml" --out "$work/int2.db" >"$work/out" 2>"$work/err" &
campaign=$!
await has_worker $campaign
worker=$(worker_of $campaign)
kill -STOP "$worker" # so that it cannot finish by itself
kill -TERM $campaign
await grep -q stopping "$work/err"
kill -TERM $campaign
wait $campaign
same code $? 130
same status "$(sql "$work/int2.db" 'SELECT status FROM run')" interrupted
end

begin a_killed_worker_is_told_and_marked_failed
"$mistsim" run "$work/long.yaml" --out "$work/crash.db" >"$work/out" 2>"$work/err" &
campaign=$!
await has_worker $campaign
kill -ABRT "$(worker_of $campaign)" # not -SEGV, which a sanitizer would catch
wait $campaign
same code $? 3
says "$work/err" "killed by signal 6"
same status "$(sql "$work/crash.db" 'SELECT status FROM run')" failed
end

begin a_killed_campaign_takes_its_workers_along_and_goes_on_where_it_was
"$mistsim" run "$work/hours.yaml" --seeds 1..4 --out "$work/whole.db" --quiet
for delay in 0.05 0.15 0.25 0.35 0.45; do
    "$mistsim" run "$work/hours.yaml" --seeds 1..4 --jobs 2 --out "$work/killed.db" \
        >"$work/out" 2>"$work/err" &
    campaign=$!
    sleep $delay # the moment of the kill
    workers=$(cat "/proc/$campaign/task/$campaign/children" 2>/dev/null)
    kill -KILL $campaign 2>/dev/null
    wait $campaign 2>/dev/null
    for worker in $workers; do
        await sh -c "! kill -0 $worker"
    done
done
"$mistsim" show "$work/killed.db" >"$work/out"
same running "$(grep -c running "$work/out")" 0
code 0 "$mistsim" run "$work/hours.yaml" --seeds 1..4 --out "$work/killed.db"
dump "$work/whole.db" >"$work/whole.txt"
dump "$work/killed.db" >"$work/killed.txt"
same dump "$(cmp "$work/whole.txt" "$work/killed.txt" 2>&1)" ""
same rows "$(grep -c '^dial' "$work/whole.txt" | sed 's/^[1-9].*/some/')" some
none "$work"/*.part*
end

begin a_file_of_another_kind_or_version_is_refused_untouched
echo "this is not a database, and long enough to be read as one" >"$work/text.db"
code 2 "$mistsim" run "$work/town.yaml" --out "$work/text.db"
says "$work/err" "not a database"
cp "$db" "$work/version.db"
sql "$work/version.db" 'PRAGMA user_version=9'
code 2 "$mistsim" run "$work/town.yaml" --out "$work/version.db"
says "$work/err" "version 9; this program knows version"
code 2 "$mistsim" show "$work/version.db"
end

begin storage_that_fails_is_exit_5_and_tells_what_is_safe
code 5 "$mistsim" run "$work/town.yaml" --out /nonexistent/town.db
says "$work/err" "/nonexistent/town.db"
cp "$db" "$work/full.db"
safe=$(sql "$work/full.db" "SELECT count(*) FROM run WHERE status='complete'")
# 100 kB: the row of the run goes in, its part file does not.
(
    ulimit -f 200
    exec "$mistsim" run "$work/hours.yaml" --out "$work/full.db" --seed 77
) >"$work/out" 2>"$work/err"
same code $? 5
says "$work/err" "the $safe complete runs in the file are safe"
same complete "$(sql "$work/full.db" "SELECT count(*) FROM run WHERE status='complete'")" "$safe"
same failed "$(sql "$work/full.db" "SELECT status FROM run WHERE seed=77")" failed
code 0 "$mistsim" run "$work/hours.yaml" --out "$work/full.db" --seed 77
end

begin damage_is_exit_5
cp "$db" "$work/damaged.db"
pages=$(($(stat -c %s "$work/damaged.db") / 4096))
dd if=/dev/urandom of="$work/damaged.db" bs=4096 seek=$((pages / 2)) count=$((pages / 2)) \
    conv=notrunc 2>/dev/null
code 5 "$mistsim" run "$work/town.yaml" --out "$work/damaged.db"
says "$work/err" "damaged"
code 5 "$mistsim" show "$work/damaged.db"
end

# refused CODE TEXT WORDS...: the command line's mistake, in so many words
refused() {
    expected=$1 text=$2
    shift 2
    code "$expected" "$mistsim" "$@"
    says "$work/err" "$text"
}

begin a_missing_or_broken_plug_in_is_exit_77_with_the_remedy
mkdir "$work/alone"
cp "$mistsim" "$work/alone"
code 77 "$work/alone/mistsim" run "$work/town.yaml" --engine ns3
says "$work/err" 'engine ns3: this program was built without it: apt-get install libns3-dev'
echo garbage >"$work/alone/engine-ns3.so"
code 77 "$work/alone/mistsim" run "$work/town.yaml" --engine ns3
says "$work/err" 'use --engine native'
end

begin what_the_native_engine_has_not_it_refuses
code 2 "$mistsim" run "$work/town.yaml" --set population.0.access.queue=codel --out "$work/q.db"
says "$work/err" 'have a drop_tail queue and lose nothing else; use --engine ns3'
code 2 "$mistsim" run "$work/town.yaml" --set population.0.access.loss=1% --out "$work/q.db"
says "$work/err" '.access.loss: '
end

begin mistakes_on_the_line_are_named
t=$work/town.yaml
refused 2 'usage: mistsim COMMAND'
refused 2 'unknown command `doctr` (did you mean `doctor`?)' doctr
refused 2 'mistsim run: expected SCENARIO' run
refused 2 'mistsim run: unexpected argument `b`' run "$t" b
refused 2 'unknown option `--sed` (did you mean `--seed`?)' run "$t" --sed 1
refused 2 'unknown option `-x`' run "$t" -x
refused 2 '`--seed` needs a value: N' run "$t" --seed
refused 2 '`--fresh` takes no value' run "$t" --fresh=1
refused 2 '--seed: expected a whole number from 0 to 9223372036854775807, got `-1`' \
    run "$t" --seed -1
refused 2 '--seeds: expected A..B with A <= B, got `5..1`' run "$t" --seeds 5..1
refused 2 '--seeds: expected A..B with A <= B, got `7`' run "$t" --seeds 7
refused 2 '--seeds: more than 10000000 runs' run "$t" --seeds 1..99999999
refused 2 '--seed and --seeds exclude each other' run "$t" --seed 1 --seeds 1..2
refused 2 '--jobs: expected a whole number from 1 to 256, got `0`' run "$t" --jobs 0
refused 2 '--timeout: expected a time such as `90 s`, got `90`' run "$t" --timeout 90
refused 2 '--timeout: expected a time such as `90 s`, got `0 s`' run "$t" --timeout '0 s'
refused 2 '--fail-fast and --keep-going exclude each other' run "$t" --fail-fast --keep-going
refused 2 'mistsim dump: ' dump "$work/no.db"
refused 2 '--engine: expected native, ns3 or netns, got `fast`' run "$t" --engine fast
refused 2 '--pcap: expected a file name' run "$t" --pcap ''
refused 2 '--trace: expected events or packets, got `all`' run "$t" --trace all
refused 2 '--resume and --fresh exclude each other' run "$t" --resume --fresh
refused 2 '--out: expected a file name' run "$t" --out ''
refused 2 'no.so' run "$t" --stack "$work/no.so"
refused 2 'no.yaml' run "$work/no.yaml"
refused 2 'network.los' run "$t" --set network.los=1%
refused 2 'No such file' show "$work/no.db"
refused 2 'expected one of runs, nodes, dials' show "$db" dialz
refused 2 '--limit: expected a whole number' show "$db" --limit many
refused 2 'mistsim doctor: unexpected argument `x`' doctor x
none "$work"/no.*
end

begin help_and_version_are_no_mistakes
code 0 "$mistsim" --help
says "$work/out" "commands:"
code 0 "$mistsim" run --help
says "$work/out" "--seeds A..B"
code 0 "$mistsim" --version
says "$work/out" "commit"
end

begin output_that_cannot_be_written_is_a_failure
if [ -w /dev/full ]; then
    "$mistsim" show "$db" >/dev/full 2>"$work/err"
    same code $? 5
fi
end

[ $failures = 0 ]
