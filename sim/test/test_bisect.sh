#!/bin/sh
# test_bisect.sh: which builds of the core are loaded, which are refused, and what is told
# to be the first datagram in which two of them differ.  The builds are fakes of which it
# is known what they send (fake_core.c); the revisions, of a repository made here.
#
# usage: MIST_BUILD=build sim/test/test_bisect.sh       from the top of the project
# shellcheck disable=SC2016 # messages quote words in backticks
set -u

home=$PWD
case $MIST_BUILD in
/*) mistsim=$MIST_BUILD/mistsim ;;
*) mistsim=$home/$MIST_BUILD/mistsim ;;
esac
work=$(mktemp -d /tmp/mist-bisect-XXXXXX)
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

# code EXPECTED WORDS...: the exit code of mistsim with the words; output in out, err
code() {
    expected=$1
    shift
    "$mistsim" "$@" >"$work/out" 2>"$work/err" </dev/null
    same "exit code of '$*'" $? "$expected"
}

# says FILE TEXT: the file holds the text
says() {
    grep -qF -- "$2" "$1" && return
    echo "$1 does not say '$2':"
    cat "$1"
    good=0
}

# fake NAME OPTIONS...: builds a fake core as $work/NAME.so
fake() {
    library=$work/$1.so
    shift
    "${CC:-cc}" -std=c11 -shared -fPIC -fvisibility=hidden -I"$home" "$@" -o "$library" \
        "$home/sim/test/fake_core.c" || exit 1
}

cat >"$work/two.yaml" <<'END'
mist: 1
name: two
duration: 20 s
join: 1 s
network: { latency: { constant: 40 ms } }
population:
  - { name: server, count: 1, nat: none, roles: [bootstrap, relay] }
  - { name: home, count: 2, nat: { mapping: eim, filtering: apdf } }
END
fake plain
fake other -DOTHER_AT=7
fake silent -DSILENT_AT=12

begin the_first_datagram_that_differs_is_named_with_all_that_happened_to_it
code 1 bisect "$work/plain.so" "$work/other.so" "$work/two.yaml"
# Two homes send at each whole second; home.0 stands before home.1; 40 ms are 20 ms one way.
says "$work/out" "both send the same 12 datagrams, then"
who="at 7.000000000 s home.0 (node 1, eim/apdf/preserve)"
says "$work/out" "base       $who sends 6 B of kad to "
says "$work/out" "candidate  $who sends 5 B of kad to "
same fates "$(grep -c '(server.0); arrives at server.0, none, at 7.020000000 s$' "$work/out")" 2
says "$work/out" "their bytes differ from byte 0 on"
says "$work/out" "base       74 69 63 6b 20 37" # "tick 7"
says "$work/out" "candidate  6f 74 68 65 72"    # "other"
end

begin a_build_that_falls_silent_is_told_by_what_the_other_sends
code 1 bisect "$work/plain.so" "$work/silent.so" "$work/two.yaml"
says "$work/out" "both send the same 22 datagrams, then"
says "$work/out" "base       at 12.000000000 s home.0 (node 1, "
says "$work/out" "candidate  sends nothing more"
end

begin what_the_network_does_to_the_datagram_is_told
code 1 bisect "$work/plain.so" "$work/other.so" "$work/two.yaml" --set network.loss=100%
same lost "$(grep -c '; lost: the network.s loss$' "$work/out")" 2
end

begin equal_builds_do_not_differ
code 0 bisect "$work/plain.so" "$work/plain.so" "$work/two.yaml"
says "$work/out" "no difference: both send the same 38 datagrams, trace "
"$mistsim" run "$work/two.yaml" --stack "$work/plain.so" --out "$work/two.db" --quiet
says "$work/out" "trace $(sqlite3 "$work/two.db" 'SELECT trace_hash FROM run')"
end

begin json_tells_the_same
code 1 bisect "$work/plain.so" "$work/other.so" "$work/two.yaml" --json
of() {
    sqlite3 :memory: "SELECT json_extract(readfile('$work/out'), '\$.$1')"
}
same json "$(of version) $(of same) $(of datagrams_before) $(of base.at_ns) $(of base.name)" \
    "1 0 12 7000000000 home.0"
same json "$(of candidate.bytes) $(of candidate.kind) $(of candidate.receiver)" "5 kad server.0"
code 1 bisect "$work/plain.so" "$work/silent.so" "$work/two.yaml" --json
same json "$(of candidate)" ''
end

begin a_cell_and_a_seed_may_be_chosen
sed 's/^duration.*/duration: 20 s\nsweep: { "network.loss": [0%, 1%, 100%] }/' "$work/two.yaml" \
    >"$work/swept.yaml"
code 1 bisect "$work/plain.so" "$work/other.so" "$work/swept.yaml" --cell 2 --seed 5
same lost "$(grep -c '; lost: the network.s loss$' "$work/out")" 2
code 2 bisect "$work/plain.so" "$work/other.so" "$work/swept.yaml" --cell 3
says "$work/err" "--cell: expected a whole number from 0 to 2, got \`3\`"
end

begin settings_that_one_of_the_builds_refuses_are_told
code 2 bisect "$work/plain.so" "$work/other.so" "$work/two.yaml" --set 'stack={punch: {pace: 3}}'
says "$work/err" "stack: expected a key of the core, got \`punch.pace\`"
end

# refused TEXT OPTIONS...: a build made with the options is refused with the text
refused() {
    text=$1
    shift
    fake bad "$@"
    code 2 run "$work/two.yaml" --stack "$work/bad.so" --out "$work/bad.db"
    says "$work/err" "$text"
}

begin builds_that_do_not_speak_as_we_do_are_refused
refused "has version 77 of the interface; this program drives version" -DVERSION=77
refused "has events of another size" -DEVENT=8
refused "refuses our wishes" -DDEAF
refused "does not knock where it was told to" -DASTRAY
[ ! -e "$work/bad.db" ] || same 'results of refused builds' some none
end

# A repository with a history: fine, broken, with another interface, fine again.
git_() {
    git -C "$work/repo" -c user.name=test -c user.email=test@localhost "$@" >/dev/null \
        2>"$work/err" || { cat "$work/err" && exit 1; }
}
commit() { # NAME OPTIONS...
    tag=$1
    shift
    cat >"$work/repo/Makefile" <<END
build/libmist.so:
	mkdir -p build
	${CC:-cc} -std=c11 -shared -fPIC -I$home $* -o \$@ $home/sim/test/fake_core.c
END
    git_ add Makefile
    git_ commit -q -m "$tag"
    git_ tag "$tag"
}
mkdir "$work/repo"
git_ init -q
commit fine
commit broken -DOTHER_AT=
commit strange -DVERSION=77
commit last -DOTHER_AT=7
echo build/ >"$work/repo/.git/info/exclude"

begin revisions_are_built_once_apart_from_the_tree
cd "$work/repo" || exit 1
echo 'edited' >>Makefile
before=$(git status --porcelain && git rev-parse HEAD)
code 1 bisect fine last "$work/two.yaml"
says "$work/out" "both send the same 12 datagrams, then"
says "$work/err" "building the core of fine ("
same tree "$(git status --porcelain && git rev-parse HEAD)" "$before"
code 1 bisect HEAD~3 HEAD "$work/two.yaml"
same 'what is built again' "$(cat "$work/err")" ''
same left "$(find build/regress -name 'work-*')" ''
same libraries "$(find build/regress -name libmist.so | wc -l)" 2
end

begin revisions_that_are_none_or_do_not_build_are_told_with_the_way_out
code 2 bisect none last "$work/two.yaml"
says "$work/err" "none: no such file, and no such revision in $work/repo"
code 2 bisect --cell 0 -- --output=x last "$work/two.yaml"
code 2 bisect broken last "$work/two.yaml"
says "$work/err" "its core does not build as build/libmist.so: see "
says "$work/err" "error: "
code 2 bisect strange last "$work/two.yaml"
says "$work/err" "has version 77 of the interface"
cd "$work" || exit 1
code 77 bisect fine last "$work/two.yaml"
says "$work/err" "fine: neither a file nor, without git's history, a revision"
cd "$home" || exit 1
end

[ $failures = 0 ]
