#!/bin/sh
# test_nat_pair.sh: `mistsim nat pair` from outside: verdicts, words and exit codes.
#
# usage: MIST_BUILD=build sim/test/test_nat_pair.sh       from the top of the project
set -u

mistsim=$MIST_BUILD/mistsim
work=$(mktemp -d /tmp/mist-pair-XXXXXX)
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

# pair CODE WORDS...: the command ends with that code; output in $work/out and $work/err
pair() {
    expected=$1
    shift
    "$mistsim" nat pair "$@" >"$work/out" 2>"$work/err" </dev/null
    code=$?
    [ $code = "$expected" ] && return
    echo "nat pair $*: expected exit code $expected, got $code"
    cat "$work/err"
    good=0
}

# says TEXT: the output or the errors hold it
says() {
    grep -qF -- "$1" "$work/out" "$work/err" && return
    echo "expected '$1' in:"
    cat "$work/out" "$work/err"
    good=0
}

begin a_pair_is_explained_with_cost_and_limit
pair 0 symmetric_random home_apdf
says 'plain punching   0 %'
says 'best             99.97 %  spray' # 1 - C(N-256,2048)/C(N,2048), N = 64,512
says 'A 256 mappings'
says "by the budget's probes"
end

begin a_budget_and_mapped_ports_are_taken_from_the_line
pair 0 symmetric_random home_apdf --budget mappings=84,probes=700,time=14s
says 'best             60.0 %  spray'
says '700 datagrams; 14 s'
pair 0 symmetric_random symmetric_random --mapped 50%,50%
says 'best             75.0 %  mapped'
end

begin chains_knobs_none_and_populations_are_understood
pair 0 '[home_apdf, cgn_apdm]' none
says 'best             100 %  plain'
pair 0 '{ mapping: apdm, ports: sequential }' home_apdf
says 'best             100 %  prediction'
pair 0 '{ population: roverso }' '{ population: roverso }'
says 'by technique'
end

begin where_udp_is_blocked_nothing_is_promised
pair 0 corporate_blocked full_cone --mapped 100%,100%
says 'best             0 %  none'
end

begin worlds_agree_with_the_formula
pair 0 symmetric_random home_apdf --budget mappings=256,probes=174,time=40s --worlds 400
far=$(sed -n 's/.*(\([0-9.]*\) standard errors apart)/\1/p' "$work/out")
awk -v far="$far" 'BEGIN { exit !(far != "" && far <= 4) }' || {
    echo "worlds lie '$far' standard errors from the formula"
    good=0
}
end

begin programs_get_json
pair 0 symmetric_random home_apdf --json --worlds 10
for key in '"plain": 0' '"best": 0.9997' '"technique": "spray"' '"limit": "probes"'; do
    says "$key"
done
says '"played": 10'
end

begin mistakes_are_told_with_their_place
pair 2 symetric_random '{ mapping: emi }'
says 'first argument:1:1'
says 'second argument:1:12'
says 'did you mean'
pair 2 home_apdf
pair 2 home_apdf home_apdf --budget probes=0
pair 2 home_apdf home_apdf --budget time=2d
pair 2 home_apdf home_apdf --budget luck=1
pair 2 home_apdf home_apdf --mapped 1.5
pair 2 home_apdf home_apdf --worlds 0
end

if [ $failures -gt 0 ]; then
    echo "$failures failed"
    exit 1
fi
