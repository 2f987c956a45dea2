#!/bin/sh
# test_compare: the command `mistsim compare` as a user meets it, over real runs: planted
# changes are found, harmless ones are not, and what cannot be compared is refused.
#
# usage: MIST_BUILD=build analysis/test/test_compare.sh [deep]    from the top of the project
#
# deep: also what takes minutes: a change of half a point, undecided until the number of seeds
# that `compare` asks for, and the seeds that pairing saves.
set -u
build=${MIST_BUILD:-build}
mode=${1:-short}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0
scenario=analysis/test/lossy.yaml

claim() { # CLAIM GOT EXPECTED
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "test_compare: FAIL $1: got '$2', expected '$3'"
    fi
}

# Runs the scenario into FILE with further words.
run() { # FILE WORDS...
    file=$scratch/$1.db
    shift
    "$build/mistsim" run "$scenario" --quiet --out "$file" "$@" >/dev/null || exit 1
}

# Runs the comparison; leaves its exit code in $code, what it said in $scratch/said.
compare() {
    code=0
    (cd "$scratch" && exec "$mistsim" compare "$@") >"$scratch/said" 2>&1 || code=$?
}
said() { grep -c -- "$1" "$scratch/said"; }
# A field of the metric in the last --json: json METRIC .difference.value
json() {
    sqlite3 :memory: "SELECT value ->> '\$$2' FROM json_each(readfile('$scratch/said'),
        '\$.metrics') WHERE value ->> '\$.metric' = '$1'"
}
mistsim=$(realpath "$build/mistsim")

# ---- a planted regression, and a change of nothing but bytes -----------------------

run base --seeds 1..8
run worse --seeds 1..8 --set stack.punch.rounds=1
compare base.db worse.db
claim 'a core that gives up after one round is worse' "$code" 1
claim 'and it is the direct dials that are' "$(said '^dials direct .* WORSE ')" 1
claim 'connected ones are not' "$(said '^dials connected .* WORSE ')" 0
compare worse.db base.db
claim 'the other way round it is better' "$(said '^dials direct .* BETTER ')" 1

mkdir "$scratch/stack"
cp stack/*.[ch] stack/*.def "$scratch/stack"
sed -i 's/\(#define PAD_BYTES *\)19$/\124/' "$scratch/stack/wire.c"
cmp -s stack/wire.c "$scratch/stack/wire.c"
claim 'the padding of heartbeats can be changed' "$?" 1
"${CC:-gcc}" -std=c11 -ffp-contract=off -O1 -I "$scratch" -fPIC -fvisibility=hidden -shared \
    -o "$scratch/padded.so" "$scratch"/stack/*.c -lsodium || exit 1
run padded --seeds 1..8 --stack "$scratch/padded.so"
compare base.db padded.db
claim 'other padding is the same' \
    "$code $(said '^0 undecided, 0 worse of 4') $(said '^dials .* same  *(1 pt)')" '0 1 3'
claim 'though it sends more bytes' "$(said '^sent per node, bytes .* [+]')" 1
claim 'although every trace is another' "$(said 'identical')" 0
claim 'and no dial ended otherwise' "$(said 'discordant 0 %')" 1
compare base.db padded.db --facts
claim 'and the facts are equal' "$code $(said '^equal: 0 of')" '0 1'

# ---- one setting of a sweep against its others, by pairs of populations ----------------

field() { sqlite3 :memory: "SELECT readfile('$scratch/said') ->> '\$.comparisons[0].$1'"; }
scenario=analysis/test/cells.yaml
run cells
scenario=analysis/test/lossy.yaml
compare cells.db --cells stack.punch.strategy=plain
claim 'who punches is better between homes' \
    "$code $(said 'plain is better in 1, worse in 0$')" '0 1'
compare cells.db --cells stack.punch.strategy=none
claim 'and who does not is worse there' \
    "$code $(said 'none is better in 0, worse in 1$') $(said '  WORSE$')" '1 1 1'
compare cells.db --cells stack.punch.strategy=none --json
claim 'all thirty dials changed' "$(field alone) $(field candidate_alone) $(field dials)" \
    '30 0 30'
claim 'which by chance happens once in 2^29' "$(field p_adjusted)" 1.86265e-09
compare cells.db --cells stack.punch.strategy=tox
claim 'a setting that no run has is refused' "$code" 2
compare cells.db --cells seed
claim 'and so is what is no setting' "$code" 2
compare cells.db base.db --cells stack.punch.strategy=plain
claim 'and a second file' "$code" 2

# ---- one file with several versions ------------------------------------------------

compare base.db base.db
claim 'a run is the same as itself' "$code $(said '^same: all 8 pairs')" '0 1'
run both --seeds 1..8 --set 'sweep={stack.punch.rounds: [6, 1]}'
compare both.db --base stack.punch.rounds=6 --candidate stack.punch.rounds=1
claim 'two cells of a sweep are compared' "$code $(said '8 paired seeds')" '1 1'
compare both.db --base stack.punch.rounds=6 --candidate stack.punch.rounds=6
claim 'a cell is the same as itself' "$code" 0
run both --seeds 1..8
compare both.db base.db
claim 'a file with other runs too asks which' "$code $(said 'choose with --base')" '2 1'
compare both.db --base stack.punch.rounds= --candidate stack.punch.rounds=1
claim 'runs of other texts are other worlds only where the world is' "$code" 1
compare both.db
claim 'one file alone is misuse' "$code $(said 'of one file say which')" '2 1'

# ---- forms ----------------------------------------------------------------------------

compare base.db worse.db --json
claim 'JSON has the verdict' "$code $(json dial.direct_rate .verdict)" '1 WORSE'
claim 'and is of a version' "$(sqlite3 :memory: \
    "SELECT readfile('$scratch/said') ->> '\$.version'")" 1
direct="(SELECT 1.0*sum(outcome='direct')/count(*) FROM dial)"
expected=$(sqlite3 "$scratch/base.db" "ATTACH '$scratch/worse.db' AS worse;
    SELECT printf('%.6f', (SELECT 1.0*sum(outcome='direct')/count(*) FROM worse.dial) - $direct)")
claim 'its difference is that of all dials' \
    "$(printf '%.6f' "$(json dial.direct_rate .difference.value)")" "$expected"
compare base.db worse.db --markdown
claim 'Markdown has a table' "$code $(said '^| dials direct .*\*\*WORSE\*\*')" '1 1'
compare base.db worse.db --junit
claim 'JUnit has a failure per worse metric' "$code $(said '<failure type="WORSE"')" \
    "1 $(grep -o 'failures="[0-9]*"' "$scratch/said" | tr -dc 0-9)"
compare base.db worse.db --why dial.direct_rate
claim 'why tells the seeds' "$(said '^  seed [1-8]  *base ')" 8
claim 'and the NATs of the dials that changed' \
    "$(said ' in base alone, .* port_restricted -> port_restricted')" 1
compare base.db worse.db --facts
claim 'facts that differ are told' "$code $(said '^DIFFER: ')" '1 1'
compare base.db worse.db --facts --json
claim 'for programs too' \
    "$(sqlite3 :memory: "SELECT readfile('$scratch/said') ->> '\$.equal'")" 0

escape=$(printf '\033')
compare base.db worse.db
claim 'what is not a terminal gets no colours' "$(said "$escape")" 0
if command -v script >/dev/null; then
    words="$mistsim compare $scratch/base.db $scratch/worse.db"
    TERM=xterm script -q -c "$words" /dev/null >"$scratch/said"
    claim 'a terminal does' "$(said "$escape\\[31mWORSE")" "$(said 'WORSE')"
    TERM=xterm NO_COLOR=1 script -q -c "$words" /dev/null >"$scratch/said"
    claim 'unless NO_COLOR is set' "$(said "$escape")" 0
    TERM=dumb script -q -c "$words" /dev/null >"$scratch/said"
    claim 'or the terminal is dumb' "$(said "$escape")" 0
fi

# ---- margins -----------------------------------------------------------------------

compare base.db worse.db
claim 'margins come from the scenario' "$(said '^margins   as the scenario declares')" 1
compare base.db worse.db --max-loss 60pt --margin dial.first_byte.p50=90%
claim 'a loss that may be so large is none' "$code" 0
claim 'and that the line says so is told' "$(said '^margins   set on the command line')" 1
compare base.db worse.db --margin dial.direct_rat=1%
claim 'a misspelt metric is recognised' "$code $(said 'did you mean .dial.direct_rate.?')" '2 1'
compare base.db worse.db --margin dial.direct_rate=1ms
claim 'a margin in the wrong unit is refused' "$code $(said 'a margin in points')" '2 1'
compare base.db worse.db --margin dial.count=1
claim 'a metric without a better cannot be judged by' "$code" 2
compare base.db worse.db --margin message.delivery_rate=1%
claim 'nor one that nobody measured' "$code $(said 'no seed measured it')" '2 1'
run bare --seeds 1..2 --set compare={}
compare bare.db bare.db --why dial.count
claim 'a metric that is not compared has no why' "$code" 2
compare bare.db worse.db
claim 'without declared margins the defaults are told' "$(said '^margins   the defaults')" 1
claim 'and that the other side declares some' "$(said 'declares others')" 1
claim 'runs without partner are told' "$(said 'new: 8 complete.* 6 without partner')" 1

# ---- what cannot be compared ---------------------------------------------------------

run loss --seeds 1..2 --set network.loss=5%
compare base.db loss.db
claim 'other loss is another world' "$code $(said 'other worlds: .*network.loss')" '2 1'
run longer --seeds 1..2 --set duration='3 min'
compare base.db longer.db
claim 'another duration is another world' "$code $(said 'other worlds: .*duration')" '2 1'
run late --seeds 101..102
compare base.db late.db
claim 'no common seed is told' "$code $(said 'no cell and seed')" '2 1'
sqlite3 "$scratch/bare.db" "UPDATE run SET engine='ns3'"
compare bare.db worse.db
claim 'another engine is refused' "$code $(said 'other engines: ns3 and native')" '2 1'
compare bare.db worse.db --across-engines
claim 'unless it is asked for (two seeds decide nothing)' \
    "$code $(said 'engines ns3 and native')" '4 1'
cp "$scratch/worse.db" "$scratch/failed.db"
sqlite3 "$scratch/failed.db" "UPDATE run SET status='failed' WHERE seed=3"
compare base.db failed.db
claim 'a failed run is refused' "$code $(said '1 of the candidate.s 8 runs did not complete')" '2 1'
compare base.db failed.db --incomplete
claim 'or left out and told' "$code $(said 'new: 7 complete, 1 failed')" '1 1'
cp "$scratch/worse.db" "$scratch/nodes.db"
sqlite3 "$scratch/nodes.db" "UPDATE node SET nat='home_apdf' WHERE run=2 AND node=7"
compare base.db nodes.db
claim 'another NAT behind a node is another world' "$code $(said 'behind home_apdf')" '2 1'
cp "$scratch/worse.db" "$scratch/rtt.db"
sqlite3 "$scratch/rtt.db" "UPDATE dial SET rtt_ideal_ns=rtt_ideal_ns+1000000 WHERE dial=1"
compare base.db rtt.db
claim 'other latencies are another world' "$code $(said 'round trip of the empty network')" '2 3'
compare both.db --base network.loss=0% --candidate network.loss=5%
claim 'only settings of the core are compared' "$code $(said 'not a setting of the core')" '2 2'
compare base.db absent.db
claim 'an absent file is told' "$code $(said 'No such file')" '2 1'
compare base.db worse.db base.db
claim 'three files are misuse' "$code" 2
for words in 'compare' 'compare a b c' 'compare a --base=x' 'compare a b --nonsense' \
    'compare a b --margin=dial.direct_rate' 'compare a b --margin=dial.direct_rate=-1' \
    'compare a b --max-loss=2' 'compare a b --why=happiness' 'compare a b --facts --junit'; do
    # shellcheck disable=SC2086 # a list of words
    "$build/mistsim-analysis" $words >/dev/null 2>&1
    claim "mistsim-analysis $words is misuse" "$?" 2
done
compare base.db worse.db >/dev/null
"$build/mistsim" compare "$scratch/base.db" "$scratch/worse.db" >/dev/full 2>&1
claim 'a full disk is storage' "$?" 5

# ---- few seeds, and the number that decides ---------------------------------------------

if [ "$mode" = deep ]; then
    run half --seeds 1..12 --set network.loss=8%
    run halved --seeds 1..12 --set network.loss=8% --set stack.punch.rounds=4
    judge='--margin dial.direct_rate=0.25%'
    # shellcheck disable=SC2086 # a list of words
    compare half.db halved.db $judge --json
    need=$(json dial.direct_rate .seeds_needed)
    echo "half a point, 12 seeds: $(json dial.direct_rate .difference.value) in" \
        "[$(json dial.direct_rate .difference.lo), $(json dial.direct_rate .difference.hi)]," \
        "$(json dial.direct_rate .verdict), needs $need"
    claim 'a change of half a point is undecided by 12 seeds' \
        "$code $(json dial.direct_rate .verdict)" '4 UNDECIDED'
    run half --seeds 1.."$need" --set network.loss=8%
    run halved --seeds 1.."$need" --set network.loss=8% --set stack.punch.rounds=4
    # shellcheck disable=SC2086 # a list of words
    compare half.db halved.db $judge --json
    echo "with $need seeds: $(json dial.direct_rate .difference.value) in" \
        "[$(json dial.direct_rate .difference.lo), $(json dial.direct_rate .difference.hi)]," \
        "$(json dial.direct_rate .verdict)"
    claim 'and the number that it needs decides it' "$(json dial.direct_rate .verdict)" WORSE
    for metric in dial.direct_rate dial.punch_rate traffic.bytes_per_node_s; do
        paired=$(json $metric .variance_paired) unpaired=$(json $metric .variance_unpaired)
        echo "$metric: correlation $(json $metric .correlation), variance of a seed's difference" \
            "$paired paired, $unpaired unpaired: pairing saves a factor of" \
            "$(awk "BEGIN { printf \"%.1f\", $unpaired / $paired }") in seeds"
        claim "pairing saves seeds for $metric" \
            "$(awk "BEGIN { print ($unpaired > 2 * $paired) }")" 1
    done
fi

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
