#!/bin/sh
# test_campaign.sh: a campaign that is killed again and again, or runs out of disk, ends
# in the very results of one that was not.
#
# usage: MIST_BUILD=build sim/test/test_campaign.sh         a small one, for make test
#        MIST_BUILD=build sim/test/test_campaign.sh full    4 cells, 50 seeds, 200 nodes, 20 kills
#
# MIST_SEED draws the moments of the kills.  They are moments of the wall clock, so
# no two tests kill at the same instruction: that is the point of them.
set -u

mistsim=$MIST_BUILD/mistsim
work=$(mktemp -d /tmp/mist-campaign-XXXXXX)
trap 'umount "$work/disk" 2>/dev/null; rm -rf "$work"' EXIT
failures=0
draw_seed=${MIST_SEED:-1}

if [ "${1-}" = full ]; then
    cells='0%, 1%, 2%, 5%' cell_count=4 seeds=50 homes=197 kills=20
    parts='50' first_four=1,1,1,1 duration='30 s'
else
    cells='0%, 2%' cell_count=2 seeds=4 homes=27 kills=5
    parts='70 150' first_four=1,1,2,2 duration='5 min'
fi
runs=$((cell_count * seeds))

cat >"$work/town.yaml" <<END
mist: 1
name: town
duration: $duration
join: 5 s
network: { latency: { uniform: 10 ms..200 ms } }
population:
  - { name: server, count: 3, nat: none, roles: [bootstrap, relay] }
  - { name: home, count: $homes, nat: { population: roverso } }
workload:
  - { dial: uniform, rate: 3/min, from: 10 s, window: 10 s }
sweep: { "network.loss": [$cells] }
END

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

skip() {
    echo "$1"
    echo "[  SKIPPED ] $name"
}

# same WHAT GOT EXPECTED
same() {
    [ "$2" = "$3" ] && return
    echo "$1: expected '$3', got '$2'"
    good=0
}

# campaign FILE: the same command each time
campaign() {
    "$mistsim" run "$work/town.yaml" --seeds "1..$seeds" --jobs 2 --out "$1"
}

sql() {
    sqlite3 "$1" "$2"
}

hash_of() {
    "$mistsim" dump "$1" --hash
}

# The complete runs, one per line.
complete_runs() {
    sql "$1" "SELECT cell, seed, trace_hash, wall_s FROM run WHERE status='complete'" | sort
}

# share N: the next draw of the moments, a number in [0, 1); a function of N alone.
share() {
    awk -v seed="$draw_seed" -v n="$1" 'BEGIN { srand(seed * 1000 + n); rand(); print rand() }'
}

seconds() {
    date +%s.%N
}

calculate() {
    awk "BEGIN { print $1 }"
}

begin an_uninterrupted_campaign_does_every_cell_of_every_seed
began=$(seconds)
campaign "$work/whole.db" >"$work/out" 2>"$work/err"
same code $? 0
wall=$(calculate "$(seconds) - $began")
same runs "$(sql "$work/whole.db" "SELECT count(*), count(DISTINCT cell || '/' || seed)
    FROM run WHERE status='complete'")" "$runs|$runs"
# Seed by seed, so that stopping early leaves a balanced design.
same order "$(sql "$work/whole.db" 'SELECT group_concat(seed) FROM
    (SELECT seed FROM run ORDER BY run LIMIT 4)')" "$first_four"
reference=$(hash_of "$work/whole.db")
end

begin the_hash_of_a_dump_is_that_of_its_text_and_sees_each_row
same b2sum "$("$mistsim" dump "$work/whole.db" | b2sum -l 256 | cut -d ' ' -f 1)" "$reference"
for damage in "DELETE FROM dial WHERE run=3 AND dial=2" \
    "UPDATE traffic SET bytes_in=bytes_in+1 WHERE run=1 AND node=4 AND kind='kad'" \
    "INSERT INTO lookup SELECT * FROM lookup WHERE run=2 LIMIT 1" \
    "DELETE FROM run WHERE run=4"; do
    cp "$work/whole.db" "$work/damaged.db"
    sql "$work/damaged.db" "PRAGMA foreign_keys=ON; $damage"
    [ "$(hash_of "$work/damaged.db")" != "$reference" ] || same "hash after '$damage'" same other
done
cp "$work/whole.db" "$work/renumbered.db"
sql "$work/renumbered.db" "UPDATE run SET started_utc='', wall_s=0, peak_rss_bytes=0"
same 'hash without what differs each time' "$(hash_of "$work/renumbered.db")" "$reference"
end

# Kills the campaign, and its workers with it, after the draw's share of the time that
# all of it takes, divided so that it does not end before the last kill.
kill_one() { # NUMBER
    pause=$(calculate "$(share "$1") * $wall / $kills")
    setsid "$mistsim" run "$work/town.yaml" --seeds "1..$seeds" --jobs 2 --out "$work/killed.db" \
        >"$work/out" 2>"$work/err" &
    group=$!
    sleep "$pause" # the moment of the kill
    ended=0
    kill -KILL -$group 2>/dev/null
    if wait $group 2>/dev/null; then
        ended=1
    else
        landed=$((landed + 1))
    fi
}

begin a_campaign_killed_again_and_again_loses_nothing_and_does_nothing_twice
landed=0 number=0
: >"$work/before"
while [ $landed -lt $kills ] && [ $number -lt $((kills * 4)) ]; do
    number=$((number + 1))
    kill_one $number
    if [ $ended = 1 ]; then # faster than the first time: another one is begun
        same 'dump of one that ended' "$(hash_of "$work/killed.db")" "$reference"
        rm -f "$work"/killed.*
        : >"$work/before"
        continue
    fi
    [ -s "$work/killed.db" ] || continue # before there was a file
    complete_runs "$work/killed.db" >"$work/after" 2>"$work/sql" ||
        same sqlite3 "$(cat "$work/sql")" ''
    same 'runs that were complete and are not' "$(comm -23 "$work/before" "$work/after")" ''
    same 'complete twice' "$(cut -d '|' -f 1,2 "$work/after" | uniq -d)" ''
    same 'said to be complete' "$(grep -o 'seed [0-9]*: complete' "$work/err" | sort | uniq -c |
        while read -r count _ seed _; do
            there=$(cut -d '|' -f 2 "$work/after" | grep -c -x "${seed%:}")
            [ "$there" -ge "$count" ] || echo "$seed $count, there are $there"
        done)" ''
    mv "$work/after" "$work/before"
done
same kills $landed $kills
echo "complete after $landed kills: $(wc -l <"$work/before") of $runs"
campaign "$work/killed.db" >"$work/out" 2>"$work/err"
same code $? 0
same dump "$(hash_of "$work/killed.db")" "$reference"
same 'dump in the manifest' "$(tail -n 1 "$work/killed.manifest.jsonl" |
    grep -o '"dump_hash":"[0-9a-f]*"')" "\"dump_hash\":\"$reference\""
same 'part files' "$(find "$work" -name '*.part*')" ''
same runs "$(sql "$work/killed.db" "SELECT count(*), count(DISTINCT cell || '/' || seed),
    min(status), max(status) FROM run")" "$runs|$runs|complete|complete"
end

begin more_seeds_run_only_themselves
cp "$work/killed.db" "$work/more.db"
sql "$work/more.db" 'SELECT seed, cell, started_utc, wall_s FROM run ORDER BY 1, 2' >"$work/before"
"$mistsim" run "$work/town.yaml" --seeds "1..$((seeds + 1))" --out "$work/more.db" --quiet
same code $? 0
sql "$work/more.db" "SELECT seed, cell, started_utc, wall_s FROM run WHERE seed <= $seeds
    ORDER BY 1, 2" | cmp -s - "$work/before" || same 'earlier runs' changed untouched
same runs "$(sql "$work/more.db" 'SELECT count(*) FROM run')" $((runs + cell_count))
end

# try_disk KIB: a campaign on a disk of that size, then with room.  Counts it as full in
# the middle when some runs were complete by then, and not all.
try_disk() {
    mount -t tmpfs -o "size=$1k" mist-test "$work/disk" || same mount no yes
    campaign "$work/disk/full.db" >"$work/out" 2>"$work/err"
    status=$?
    complete_runs "$work/disk/full.db" >"$work/before"
    safe=$(wc -l <"$work/before")
    if [ $status != 0 ]; then
        same code $status 5
        # As of when it was said: a run that had ended by then may still find room.
        said=$(sed -n 's/.*; the \([0-9]*\) complete runs in the file are safe, and.*/\1/p' \
            "$work/err" | tail -n 1)
        [ "${said:-none}" -le "$safe" ] || same 'runs said to be safe' "$(cat "$work/err")" "$safe"
        echo "complete on a disk of $1 KiB: $safe of $runs"
        [ "$safe" = 0 ] || middle=$((middle + 1))
    fi
    mount -o "remount,size=$((size * 4 + 8192))k" "$work/disk" # SQLite's log takes up to 4 MiB
    campaign "$work/disk/full.db" >"$work/out" 2>"$work/err"
    same 'code with room' $? 0
    complete_runs "$work/disk/full.db" >"$work/after"
    same 'runs that were complete and are not' "$(comm -23 "$work/before" "$work/after")" ''
    same dump "$(hash_of "$work/disk/full.db")" "$reference"
    umount "$work/disk"
}

begin a_campaign_on_a_full_disk_says_so_loses_nothing_and_goes_on
mkdir "$work/disk"
size=$(($(stat -c %s "$work/whole.db") / 1024))
if mount -t tmpfs -o size=100k mist-test "$work/disk" 2>"$work/err" && umount "$work/disk"; then
    middle=0
    for part in $parts; do
        try_disk $((size * part / 100))
    done
    [ $middle -gt 0 ] || same 'disks full in the middle' 0 'one or more'
    end
else
    skip "no tmpfs can be mounted here: $(cat "$work/err")"
fi

[ $failures = 0 ]
