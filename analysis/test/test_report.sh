#!/bin/sh
# test_report: the command `mistsim report` as a user meets it: what it writes and
# where, what it refuses, and that a failure leaves what was there.
set -u
build=${MIST_BUILD:-build}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0

claim() { # CLAIM GOT EXPECTED
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "test_report: FAIL $1: got '$2', expected '$3'"
    fi
}

# Runs the report; leaves its exit code in $code, what it said in $scratch/said.
report() {
    code=0
    "$build/mistsim" report "$@" >"$scratch/said" 2>&1 || code=$?
}
said() { grep -c -- "$1" "$scratch/said"; }
files() { find "$1" -type f | wc -l | tr -d ' '; }

db=$scratch/two.db
"$build/mistsim" run scenarios/smoke/two-peers.yaml --quiet --out "$db" >/dev/null || exit 1

report "$db"
claim 'a report is made' "$code" 0
claim 'it tells where' "$(cat "$scratch/said")" "$scratch/two-report/index.html"
claim 'it stands in the folder named after the file, alone' "$(files "$scratch/two-report")" 1
cp "$scratch/two-report/index.html" "$scratch/first"
report "$db"
cmp -s "$scratch/first" "$scratch/two-report/index.html"
claim 'the same file gives the same page, byte for byte' "$?" 0
report "$db" -o "$scratch/a/b/c"
claim 'folders are made' "$code $(files "$scratch/a/b/c")" '0 1'
report "$db" --out="$scratch/kept" --keep
test -s "$scratch/kept/figures/direct.gp"
claim 'scripts are kept when asked for' "$?" 0
(cd "$scratch/kept/figures" && gnuplot --default-settings direct.gp)
claim 'and draw again' "$?" 0

report
claim 'no file is misuse' "$code $(said 'expected FILE.db')" '2 1'
report "$db" "$db"
claim 'two files are misuse' "$code" 2
report "$db" --nonsense
claim 'an unknown option is misuse' "$code $(said 'unknown option')" '2 1'
report --help
claim 'help is given' "$code $(said 'usage: mistsim report')" '0 1'
for words in '' 'report' 'report a b' 'report -x' 'report a -o'; do
    # shellcheck disable=SC2086 # a list of words
    "$build/mistsim-analysis" $words >/dev/null 2>&1
    claim "mistsim-analysis $words is misuse" "$?" 2
done

report "$scratch/absent.db"
claim 'an absent file is told' "$code $(said 'No such file')" '2 1'
cp "$db" "$scratch/newer.db"
sqlite3 "$scratch/newer.db" 'PRAGMA user_version=9'
report "$scratch/newer.db"
claim 'another version is told' "$code $(said 'version 9; this program knows version')" '2 1'
claim 'and nothing is written' "$(ls -d "$scratch/newer-report" 2>/dev/null)" ''

# Under a file no folder can be made, not even by root.
report "$db" -o "$scratch/first/page"
claim 'a folder that cannot be made is storage' "$code $(said 'only read')" '5 1'

# As on a full disk: no file may grow beyond so many blocks.  First gnuplot's fail, then the page.
for blocks in 1 60; do
    code=0
    (ulimit -f "$blocks" && "$build/mistsim" report "$db") >"$scratch/said" 2>&1 || code=$?
    claim "a full disk is storage ($blocks blocks)" "$code $(said 'only read')" '5 1'
    claim "and leaves nothing unfinished ($blocks)" "$(files "$scratch/two-report")" 1
    cmp -s "$scratch/first" "$scratch/two-report/index.html"
    claim "and the older page whole ($blocks)" "$?" 0
done
TMPDIR=$scratch/nowhere "$build/mistsim" report "$db" >"$scratch/said" 2>&1
claim 'no temporary place is storage' "$?" 5

full=$(realpath "$build/mistsim")
PATH=$scratch "$full" report "$db" >"$scratch/said" 2>&1
claim 'without gnuplot it says how to get it' "$? $(said 'apt-get install gnuplot-nox')" '77 1'
mkdir "$scratch/bin"
cp "$build/mistsim" "$scratch/bin"
"$scratch/bin/mistsim" report "$db" >"$scratch/said" 2>&1
claim 'without its analysis program, too' "$? $(said 'libgsl-dev')" '77 1'

temporary=$scratch/tmp
mkdir "$temporary"
TMPDIR=$temporary "$build/mistsim" report "$db" >/dev/null 2>&1
claim 'nothing stays in the temporary place' "$(find "$temporary" -mindepth 1 | wc -l)" 0

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
