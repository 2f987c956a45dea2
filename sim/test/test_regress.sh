#!/bin/sh
# test_regress.sh: a core against an earlier revision of it: which verdict comes of which
# difference, with which exit code.  The cores are fakes that connect a share of the dials
# which is known (fake_core.c), in a repository made here.
#
# usage: MIST_BUILD=build sim/test/test_regress.sh       from the top of the project
set -u

home=$PWD
case $MIST_BUILD in
/*) mistsim=$MIST_BUILD/mistsim ;;
*) mistsim=$home/$MIST_BUILD/mistsim ;;
esac
work=$(mktemp -d /tmp/mist-regress-XXXXXX)
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

# same WHAT GOT EXPECTED
same() {
    [ "$2" = "$3" ] && return
    echo "$1: expected '$3', got '$2'"
    good=0
}

# code EXPECTED WORDS...: the exit code of mistsim regress with the words
code() {
    expected=$1
    shift
    "$mistsim" regress "$@" >"$work/out" 2>"$work/err" </dev/null
    got=$?
    same "exit code of '$*'" $got "$expected"
    [ $got = "$expected" ] || cat "$work/out" "$work/err"
}

# says FILE TEXT: the file holds the text
says() {
    grep -qF -- "$2" "$1" && return
    echo "$1 does not say '$2':"
    cat "$1"
    good=0
}

git_() {
    git -c user.name=test -c user.email=test@localhost "$@" >/dev/null 2>"$work/err" ||
        { cat "$work/err" && exit 1; }
}

# commit NAME OPTIONS...: a revision whose core is the fake built with the options
commit() {
    tag=$1
    shift
    cat >Makefile <<END
build/libmist.so:
	mkdir -p build
	${CC:-cc} -std=c11 -shared -fPIC -I$home $* -o \$@ $home/sim/test/fake_core.c
END
    git_ add Makefile
    git_ commit -q -m "$tag"
    git_ tag "$tag"
}

mkdir "$work/repo"
cd "$work/repo" || exit 1
git_ init -q
commit good -DREACHES=900
commit padded -DREACHES=900 -DOTHER_AT=7
commit worse -DREACHES=600
commit little -DREACHES=880
commit foreign -DREACHES=900 -DEVENT=8
cat >town.yaml <<'END'
mist: 1
name: town
duration: 60 s
join: 5 s
population:
  - { name: server, count: 1, nat: none, roles: [bootstrap, relay] }
  - { name: home, count: 20, nat: { mapping: eim, filtering: apdf } }
workload:
  - { dial: uniform, rate: 4/min, from: 10 s, window: 10 s }
compare: { dial.direct_rate: 1% }
END

begin a_core_that_connects_fewer_is_worse
code 1 --base good --candidate worse --seeds 1..10 town.yaml
says "$work/out" "WORSE"
says "$work/out" "10 paired seeds"
says "$work/out" "0 undecided, 1 worse of 1 gating metrics"
end

begin one_that_sends_otherwise_but_connects_the_same_is_not
code 0 --base good --candidate padded --seeds 1..10 town.yaml
says "$work/out" "0 undecided, 0 worse"
end

begin the_same_core_is_identical
code 0 --base good --candidate good --seeds 1..3 town.yaml
says "$work/out" "identical"
end

begin a_small_loss_with_few_seeds_is_undecided_and_says_how_many_it_takes
code 4 --base good --candidate little --seeds 1..5 town.yaml
says "$work/out" "needs about"
end

begin more_seeds_run_only_themselves
runs() {
    sqlite3 "$(echo results/regress/town-*/base-*.db)" "$1"
}
before=$(runs "SELECT seed, started_utc, wall_s FROM run ORDER BY seed")
same seeds "$(runs 'SELECT count(*) FROM run')" 10
code 1 --base good --candidate worse --seeds 1..12 town.yaml
same seeds "$(runs 'SELECT count(*) FROM run')" 12
same 'earlier runs' "$(runs "SELECT seed, started_utc, wall_s FROM run WHERE seed <= 10
    ORDER BY seed")" "$before"
end

sed 's/name: town/name: looks/' town.yaml >looks.yaml
begin until_decided_stops_when_it_is
code 1 --base good --candidate worse --seeds 1..10 --until-decided --most 60 looks.yaml
says "$work/out" " paired seeds; intervals that hold at every look"
looked=$(grep -c 'undecided after' "$work/err")
same 'seeds that were run' "$(sqlite3 "$(echo results/regress/looks-*/base-*.db)" \
    'SELECT count(*) FROM run')" $((10 * (looked + 1)))
[ "$looked" -lt 5 ] || same 'looks at 30 points' "$looked" 'less than 5'
says "$work/out" "WORSE"
code 0 --base good --candidate padded --seeds 1..10 --until-decided --most 60 looks.yaml
says "$work/out" "dial.direct_rate          same"
same 'files of looks' "$(find results -name '*.look')" ''
end

begin until_decided_gives_up_at_most
code 4 --base good --candidate little --seeds 1..3 --until-decided --most 7 looks.yaml
says "$work/out" "after 7 paired seeds"
says "$work/err" "undecided after 3 seeds"
says "$work/err" "undecided after --most 7 seeds"
end

begin of_several_scenarios_the_gravest_counts_and_each_is_told
sed 's/name: town/name: other/; s/1%/20%/' town.yaml >other.yaml
code 4 --base good --candidate little --seeds 1..5 other.yaml town.yaml
code 4 --base good --candidate little --seeds 1..5 town.yaml other.yaml
same scenarios "$(grep -c '^scenario  ' "$work/out")" 2
end

begin json_is_handed_on
code 1 --base good --candidate worse --seeds 1..10 --json town.yaml
same version "$(sqlite3 :memory: "SELECT json_extract(readfile('$work/out'), '\$.version')")" 1
code 1 --base good --candidate worse --seeds 1..10 --until-decided --json looks.yaml
same json "$(sqlite3 :memory: "SELECT json_extract(j, '\$.sequential') || ' ' || json_extract(j,
    '\$.gating[0].verdict') || ' ' || json_extract(j, '\$.exit') FROM
    (SELECT readfile('$work/out') AS j)")" '1 WORSE 1'
end

begin the_margin_of_the_line_reaches_the_verdict
code 4 --base good --candidate little --seeds 1..5 town.yaml
code 0 --base good --candidate little --seeds 1..5 --max-loss 20pt town.yaml
says "$work/out" "(20 pt)"
end

# refused CODE TEXT WORDS...
refused() {
    expected=$1 text=$2
    shift 2
    code "$expected" "$@"
    says "$work/err" "$text"
}

begin mistakes_are_told_before_anything_runs
refused 2 'say with what to compare: --base REV' town.yaml
refused 2 'none: no such file, and no such revision' --base none town.yaml
refused 2 'has events of another size' --base good --candidate foreign town.yaml
refused 2 'expected a key of the core' --base good --candidate worse \
    --set 'stack={punch: {pace: 3}}' town.yaml
says "$work/err" '(as the core of good ('
refused 2 '--seeds: expected A..B' --base good --candidate worse --seeds 5 town.yaml
refused 2 '--most goes with --until-decided' --base good --most 30 town.yaml
refused 2 '--most: expected a whole number from 20' --base good --until-decided --most 3 town.yaml
refused 2 'missing.yaml' --base good --candidate worse missing.yaml
end

[ $failures = 0 ]
