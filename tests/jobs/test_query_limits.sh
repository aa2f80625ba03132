#!/usr/bin/env bash
# Usage: test_query_limits.sh BIN_DIR
# Queries at the edges: lists of very many values, deep expressions, more ranks than shards, tables without rows. Each
# gives what a query by a person would, or a sentence with the character. Uses $PARCOURS_RELEASE when set.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
folder=$(realpath "${PARCOURS_RELEASE:-$1/..}")
parcours=$folder/bin/parcours
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMPI_MCA_orte_tmpdir_base=$work # not shared with other jobs of this machine
cd "$work"

answer() { "$parcours" query store --file "$1" --unprotected --quiet --format csv "${@:2}"; }
# same NAME A B: two texts are equal
same() { [ "$2" = "$3" ] || fail "$1: '$2' is not '$3'"; }
# refused NAME STATUS SENTENCE: the query in the file NAME ends so
refused() {
    local status=0
    answer "$1" "${@:4}" >said 2>&1 || status=$?
    same "$1: exit code" "$status" "$2"
    grep -q "$3" said || fail "$1: $(tail -n 1 said)"
}

"$parcours" synth --patients 120 --years 2019:2019 --seed 2 --columns core --out delivery --quiet
"$parcours" ingest --model snds --in delivery --store store --shards 2 --quiet

# A million values, numbers or texts (a sixteenth of it with sanitizers): those that a condition names too.
step=6 memory=60M
[ -n "${PARCOURS_RELEASE:-}" ] || step=96 memory=8M
codes() { seq 3400930000000 "$step" 3400936000000 | sed "s/.*/$1&$1/" | paste -sd, -; }
count="SELECT count(*) AS n, count(DISTINCT patient) AS p FROM ER_PHA_F WHERE"
test_list() { # NAME QUOTE
    {
        echo "$count /* IN (1, 2 */ PHA_PRS_C13 IN -- IN (3
            ( $(codes "$2") ) AND PHA_ACT_QSN > 0"
    } >"$1"
    echo "$count (PHA_PRS_C13 - 3400930000000) % $step = 0 AND PHA_ACT_QSN > 0
        AND PHA_PRS_C13 BETWEEN 3400930000000 AND 3400936000000" >short
    same "$1" "$(answer "$1")" "$(answer short)"
    sed 's/C13 IN/C13 NOT IN/; s/n, count/n, '"'in (1, 2)'"' AS t, count/' "$1" >not_in
    sed 's/WHERE/WHERE NOT (/; s/AND PHA_ACT_QSN > 0/AND TRUE/; s/$/ /' short | tr '\n' ' ' >not_short
    echo ") AND PHA_ACT_QSN > 0" >>not_short
    same "$1, NOT" "$(answer not_in | tail -n 1 | cut -d, -f1)" "$(answer not_short | tail -n 1 | cut -d, -f1)"
}
test_list numbers ""
test_list texts "'"
refused numbers 1 'out of memory: .* that --memory allows' --memory "$memory"

# What stands behind a long list is found where it is.
{ echo "$count PHA_PRS_C13 IN ($(seq 1 5000 | paste -sd, -)) AND nothing = 1"; } >behind
at=$(grep -bo nothing behind | cut -d: -f1)
refused behind 2 "character $((at + 1)): unknown column nothing"
{ echo "$count PHA_PRS_C13 IN ($(seq 1 5000 | paste -sd, -)) AND AND"; } >syntax
at=$(grep -bo 'AND AND' syntax | cut -d: -f1)
refused syntax 2 "character $((at + 5)): syntax error"
{ echo "$count PHA_PRS_C13 IN ('x', $(seq 1 5000 | sed "s/.*/'&'/" | paste -sd, -))"; } >wrong
refused wrong 2 'this text is not a value of type int'

# Depth.
deep() { printf 'SELECT %s1%s AS x' "$(printf '(%.0s' $(seq "$1"))" "$(printf '+1)%.0s' $(seq "$1"))"; }
deep 300 >deep_300
same deep "$(answer deep_300 | tail -n 1)" 301
deep 2000 >deep_2000
refused deep_2000 2 'character [0-9]*: an expression is nested at most 400 levels deep'

# More ranks than shards, and a table that is empty.
echo "$count PHA_ACT_QSN > 0" >all
same ranks "$(mpirun --oversubscribe --quiet -n 5 "$parcours" query store --file all --unprotected --quiet --format csv)" \
    "$(answer all)"
echo "SELECT count(*) AS n, max(event_date) AS s FROM T_SSRaaB" >empty
same empty "$(answer empty | tail -n 1)" "0,"

finish
