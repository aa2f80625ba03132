#!/usr/bin/env bash
# Random definitions of OHDSI's language over a random CDM beside plain loops in Python; then each
# rule of the loops is changed, and the answer must change too. Permuted rows, other shards, ranks
# and persons without anything change nothing.
# usage: test_cohorts_twin.sh BIN_DIR [SEED]
set -u
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
parcours=$1/parcours
seed=${2:-1}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 "$here/circe_twin.py" make "$seed" "$work/made" || fail "make"
"$parcours" ingest --model omop --in "$work/made/cdm" --store "$work/store" --shards 4 --quiet >/dev/null 2>&1 || fail "ingest"
"$parcours" cohorts "$work/store" "$work/made/definitions" --out "$work/out" --quiet || fail "cohorts"
python3 "$here/circe_twin.py" check "$seed" "$work/made" "$work/out" || fail "the answer is not that of the loops"

# The rules that scripts/test --mutation changes are there: checked here, run by hand.
python3 "$here/../tools/mutate_circe.py" "$here/../.." "$work" "$work" --list || fail "rules of the engine to be changed"

mkdir "$work/permuted"
for table in "$work"/made/cdm/*.csv; do
    { head -1 "$table"; tail -n +2 "$table" | shuf --random-source=<(yes 1); } >"$work/permuted/$(basename "$table")"
done
for empty in 5000 5001; do # persons with nothing but themselves, one of them observed
    echo "$empty,8507,1980,," >>"$work/permuted/person.csv"
done
echo "90001,5000,2018-01-01,2020-12-31,32817" >>"$work/permuted/observation_period.csv"
"$parcours" ingest --model omop --in "$work/permuted" --store "$work/other" --shards 32 --quiet >/dev/null 2>&1 || fail "ingest of permuted rows"
mpirun -n 3 "$parcours" cohorts "$work/other" "$work/made/definitions" --out "$work/other_out" --quiet || fail "cohorts on 3 ranks"
# Definitions that begin with observation periods find the observed person: she is left out here.
for out in out other_out; do
    grep -v ',5000,' "$work/$out/cohorts/cohort.csv" >"$work/$out.csv"
done
cmp "$work/out.csv" "$work/other_out.csv" || fail "permuted rows, other shards, ranks, empty persons: other rows"

finish
