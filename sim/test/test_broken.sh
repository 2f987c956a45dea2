#!/bin/sh
# test_broken.sh: broken scenarios and command lines, each with the exact text that
# tells it, its exit code, and nothing written: the table is broken.txt.
#
# usage: MIST_BUILD=build sim/test/test_broken.sh       from the top of the project
#
# Each case has a folder of its own, in which the program runs:
#   == CLAIM    begins a case
#   | LINE      of x.yaml; a case without any has the good one of `base` below
#   + LINE      added to the good one, whose last line is its sixth
#   ! COMMAND   for the shell, before
#   $ WORDS     the command line, for the shell; without program name
#   > CODE      exit code; all lines after it are what stderr must hold
# A command after ! that ends with 77 skips the case.
set -u

table=sim/test/broken.txt
case $MIST_BUILD in
/*) mistsim=$MIST_BUILD/mistsim ;;
*) mistsim=$PWD/$MIST_BUILD/mistsim ;;
esac
export mistsim
top=$PWD
work=$(mktemp -d /tmp/mist-broken-XXXXXX)
trap 'umount "$work"/*/full 2>/dev/null; rm -rf "$work"' EXIT
failures=0

base='mist: 1
name: x
duration: 10 min
population:
- {name: server, count: 1, roles: bootstrap}
- {name: home, count: 2}'

# FOLDER/{claim,x.yaml,before,words,code,err}
split() {
    awk -v work="$work" -v base="$base" '
        function to(name) { return folder "/" name }
        /^#/ && !folder { next }
        /^== / {
            folder = sprintf("%s/%03d", work, ++count)
            system("mkdir " folder)
            print substr($0, 4) >to("claim")
            scenario = told = ""
            next
        }
        told { print >to("err"); next }
        /^\| / { print substr($0, 3) >to("x.yaml"); scenario = 1 }
        /^\+ / { if (!scenario) print base >to("x.yaml"); print substr($0, 3) >to("x.yaml")
                 scenario = 1 }
        /^! / { print substr($0, 3) >to("before") }
        /^\$/ { if (!scenario) print base >to("x.yaml"); print substr($0, 3) >to("words") }
        /^> / { print substr($0, 3) >to("code"); told = 1 }
    ' "$table"
}

# What is in the folder, with sizes and sums, but the full disk, whose size is the point.
listing() {
    find . -path ./full -prune -o -type f ! -path './.got/*' -exec cksum {} + | sort
}

run_case() {
    cd "$1" || exit 1
    ln -s "$top/nat-models" nat-models
    mkdir .got
    touch err
    echo "[ RUN      ] $(tr -c 'A-Za-z0-9\n' _ <claim)"
    [ ! -f before ] || sh before >.got/before 2>&1
    if [ $? = 77 ]; then
        echo "[  SKIPPED ] $(tr -c 'A-Za-z0-9\n' _ <claim)"
        return
    fi
    listing >.got/then
    timeout 60 sh -c "\"\$mistsim\" $(cat words)" >.got/out 2>.got/err </dev/null
    echo $? >.got/code
    listing >.got/now
    good=1
    for pair in 'code code' 'err err' '.got/then .got/now'; do
        left=${pair% *} right=${pair#* }
        [ "$left" = "$right" ] && right=.got/$right
        diff -u "$left" "$right" || good=0
    done
    if [ -s .got/out ]; then
        echo "stdout holds:"
        cat .got/out
        good=0
    fi
    if [ $good = 1 ]; then
        echo "[       OK ] $(tr -c 'A-Za-z0-9\n' _ <claim)"
    else
        echo "[  FAILED  ] $(tr -c 'A-Za-z0-9\n' _ <claim): $(cat words)"
        failures=$((failures + 1))
    fi
}

# Blank lines between the cases are not the program's.
split
for folder in "$work"/[0-9]*; do
    if [ -f "$folder/err" ]; then
        sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' "$folder/err" >"$folder/trimmed"
        mv "$folder/trimmed" "$folder/err"
    fi
    run_case "$folder"
done
[ $failures = 0 ]
