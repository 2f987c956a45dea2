#!/bin/sh
# Nodes know their NATs: what they learn from peers, a tenth of whom lies, beside the
# labels of the boxes.
set -u

mistsim=${MIST_BUILD:-build}/mistsim
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

"$mistsim" run scenarios/study/nat-verdicts.yaml --out "$work/v.db" --trace events --quiet \
    >"$work/out" 2>&1 || { cat "$work/out"; exit 1; }

# share KNOB FIELD WORDS: of the first verdicts, in percent, those that the label has too.
# The label is mapping/filtering/ports; words in the order of the verdicts from 1 on.
share() {
    sqlite3 "$work/v.db" "SELECT nat, a % 10 FROM fact JOIN node USING (run, node)
        WHERE fact = 'NATURE' AND nat <> 'none' AND a / 10 = $1
        GROUP BY node HAVING at_ns = min(at_ns)" |
        awk -F'[|/]' -v field="$2" -v words="$3" '
            BEGIN { split(words, word, " ") }
            { all++; right += word[$4] == $field }
            END { print (all >= 150 ? int(100 * right / all) : 0) }'
}

# claim NAME KNOB FIELD WORDS
claim() {
    echo "[ RUN      ] $1"
    percent=$(share "$2" "$3" "$4")
    if [ "$percent" -ge 97 ]; then
        echo "[       OK ] $1"
    else
        echo "$percent % right"
        echo "[  FAILED  ] $1"
        failures=$((failures + 1))
    fi
}

claim the_mapping_is_known_although_a_tenth_lies 1 1 'eim adm apdm'
claim the_filter_is_known_although_a_tenth_lies 2 2 'eif adf apdf'
claim the_port_rule_is_known_although_a_tenth_lies 3 3 'preserve sequential block random'

exit $((failures > 0))
