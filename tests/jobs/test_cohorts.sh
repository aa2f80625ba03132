#!/usr/bin/env bash
# OHDSI's definitions: Circe's own cases, the PhenotypeLibrary over a synthetic CDM, ranks, what is
# kept, what is refused.
# usage: test_cohorts.sh BIN_DIR
# Test data: $PARCOURS_DATA/ohdsi, by default beside the sources' shared folder; 77 without it.
set -u
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
parcours=$1/parcours
ingest="${PARCOURS_RELEASE:+$PARCOURS_RELEASE/bin/parcours}"
ingest=${ingest:-$parcours} # stores are the same bytes, and made faster
here=$(cd "$(dirname "$0")" && pwd)
data=${PARCOURS_DATA:-$here/../../../shared}/ohdsi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# same FILE EXPECTED: the same lines in any order.
same() {
    diff <(sort "$1") <(sort "$2") >"$work/diff" || { fail "$1 differs from $2"; head -4 "$work/diff"; }
}

if [ ! -d "$data/cdm22k" ]; then
    echo "skipped: no OHDSI test data at $data (set PARCOURS_DATA)"
    exit 77
fi

# ---- Circe's own cases -------------------------------------------------------------------------
cases=0
for case in "$data"/circe-tests/*/; do
    name=$(basename "$case")
    python3 "$here/circe_case.py" "$case" "$work/$name"
    "$ingest" ingest --model omop --in "$work/$name/cdm" --store "$work/$name/store" --shards 1 --quiet >/dev/null ||
        fail "$name: ingest"
    mapfile -t files < <(ls "$case"/*.json | grep -v 'prep.json\|verify.json' | sort -V)
    "$parcours" cohorts "$work/$name/store" "${files[@]}" --out "$work/$name/out" --quiet || fail "$name: cohorts"
    same "$work/$name/out/cohorts/cohort.csv" "$work/$name/expected/cohort.csv"
    for table in inclusion_result inclusion_stats summary_stats; do
        [ -e "$work/$name/expected/cohort_$table.csv" ] || continue
        python3 "$here/circe_table.py" "$work/$name/out/control/cohort_$table.csv" \
            "$work/$name/expected/cohort_$table.csv" || fail "$name: $table"
    done
    cases=$((cases + 1))
done
echo "circe-tests: $cases cases"

# ---- the PhenotypeLibrary ----------------------------------------------------------------------
for table in "" _inclusion_result _inclusion_stats _summary_stats; do
    zcat "$data/expected$table.csv.gz" >"$work/expected$table.csv"
done
store=$work/store
"$ingest" ingest --model omop --in "$data/cdm22k" --store "$store" --shards 8 --quiet >/dev/null || fail "cdm22k: ingest"
"$parcours" cohorts "$store" "$data/definitions" --out "$work/one" --quiet || fail "547 definitions"
same "$work/one/cohorts/cohort.csv" "$work/expected.csv"
for table in inclusion_result inclusion_stats summary_stats; do
    same "$work/one/control/cohort_$table.csv" "$work/expected_$table.csv"
done
echo "cdm22k: $(($(wc -l <"$work/one/cohorts/cohort.csv") - 1)) rows of $(ls "$data/definitions" | wc -l) definitions"
cmp <(head -1 "$work/one/cohorts/cohort.csv") <(echo cohort_definition_id,subject_id,cohort_start_date,cohort_end_date) ||
    fail "header"
tail -n +2 "$work/one/cohorts/cohort.csv" | sort -C -t, -k1,1n -k2,2n -k3,3 || fail "rows are not in order"

# The same bytes for any number of ranks and shards, and with little memory.
"$ingest" ingest --model omop --in "$data/cdm22k" --store "$work/other" --shards 32 --quiet >/dev/null || fail ingest
for ranks in 2 3 4; do
    mpirun -n $ranks "$parcours" cohorts "$work/other" "$data/definitions" --out "$work/ranks$ranks" --memory 96M --quiet ||
        fail "$ranks ranks"
    diff -r --exclude manifest.json --exclude kept.json "$work/one" "$work/ranks$ranks" >/dev/null ||
        fail "$ranks ranks: other bytes"
    rm -r "$work/ranks$ranks"
done

# What leaves: small cells are suppressed, and with --unprotected nothing is.
[ "$(stat -c %a "$work/one/cohorts" "$work/one/control" "$work/one/cohorts/cohort.csv" | tr '\n' ' ')" = "700 700 600 " ] ||
    fail "modes of what holds persons"
awk -F, 'NR > 1 && $4 != "s" && $4 >= 1 && $4 <= 10 && $3 == 1 {exit 1}' "$work/one/release/cohort_inclusion_result.csv" ||
    fail "a small cell left"
grep -q ',s' "$work/one/release/cohort_inclusion_result.csv" || fail "nothing was suppressed"

# ---- what is kept ------------------------------------------------------------------------------
mkdir "$work/some"
cp "$data"/definitions/{2,10,30,54,100,410,1071}.json "$work/some" 2>/dev/null
cp -r "$work/one" "$work/kept"
expect 0 'computed=0' "$parcours" cohorts "$store" "$data/definitions" --out "$work/kept"
diff -r --exclude manifest.json "$work/one" "$work/kept" >/dev/null || fail "kept: other bytes"
sed 's/"EraPad" *: *[0-9]*/"EraPad": 97/' "$data/definitions/30.json" >"$work/some/30.json"
cmp -s "$work/some/30.json" "$data/definitions/30.json" && fail "30.json has no EraPad"
expect 0 'definitions=[0-9]* computed=1 ' mpirun -n 2 "$parcours" cohorts "$store" "$work/some" --out "$work/kept"
"$parcours" cohorts "$store" "$work/some" --out "$work/fresh" --quiet || fail "fresh"
diff -r --exclude manifest.json "$work/fresh" "$work/kept" >/dev/null || fail "one definition changed: other bytes"
echo x >>"$work/kept/cohorts/cohort.csv"
expect 0 "computed=$(ls "$work/some" | wc -l)" "$parcours" cohorts "$store" "$work/some" --out "$work/kept"
diff -r --exclude manifest.json "$work/fresh" "$work/kept" >/dev/null || fail "a damaged folder: other bytes"

# ---- what is refused ---------------------------------------------------------------------------
mkdir "$work/bad"
# bad NAME PATTERN < definition: refused with exit code 2 and a sentence, nothing written.
bad() {
    cat >"$work/bad/$1.json"
    expect 2 "$2" "$parcours" cohorts "$store" "$work/bad/$1.json" --out "$work/bad/out"
    [ -e "$work/bad/out/cohorts" ] && fail "$1: something was written"
}
window='"ObservationWindow": {"PriorDays": 0, "PostDays": 0}'
any='{"ConditionOccurrence": {}}'
bad empty 'expected' <<<''
bad text 'expected an object' <<<'"x"'
bad cut '' <<<'{"PrimaryCriteria": {'
bad nothing 'PrimaryCriteria: a definition needs it' <<<'{}'
bad wrapped 'in "expression"' <<<"{\"expression\": {\"PrimaryCriteria\": {}}}"
bad window 'ObservationWindow: a definition needs it' <<<"{\"PrimaryCriteria\": {\"CriteriaList\": [$any]}}"
bad type "CriteriaList\[0\].ConditionOccurence: no criteria type.*is it 'ConditionOccurrence'" \
    <<<"{\"PrimaryCriteria\": {$window, \"CriteriaList\": [{\"ConditionOccurence\": {}}]}}"
bad location 'CriteriaList\[0\].LocationRegion: not supported' \
    <<<"{\"PrimaryCriteria\": {$window, \"CriteriaList\": [{\"LocationRegion\": {}}]}}"
bad drug_end 'DrugExposure.OccurrenceEndDate: Circe tests the start date' \
    <<<"{\"PrimaryCriteria\": {$window, \"CriteriaList\": [{\"DrugExposure\": {\"OccurrenceEndDate\": {\"Op\": \"gt\", \"Value\": \"2015-01-01\"}}}]}}"
expect 0 '' "$parcours" cohorts "$store" "$work/bad/drug_end.json" --out "$work/compat" --circe-compat
bad gap 'DrugEra.GapDays: not supported' \
    <<<"{\"PrimaryCriteria\": {$window, \"CriteriaList\": [{\"DrugEra\": {\"GapDays\": {\"Op\": \"gt\", \"Value\": 3}}}]}}"
bad op 'ConditionOccurrence.Age.Op: expected one of lt' \
    <<<"{\"PrimaryCriteria\": {$window, \"CriteriaList\": [{\"ConditionOccurrence\": {\"Age\": {\"Op\": \"ge\", \"Value\": 3}}}]}}"
bad extent 'ConditionOccurrence.Age.Extent: a range needs it' \
    <<<"{\"PrimaryCriteria\": {$window, \"CriteriaList\": [{\"ConditionOccurrence\": {\"Age\": {\"Op\": \"bt\", \"Value\": 3}}}]}}"
bad date 'OccurrenceStartDate.Value: expected a date' \
    <<<"{\"PrimaryCriteria\": {$window, \"CriteriaList\": [{\"ConditionOccurrence\": {\"OccurrenceStartDate\": {\"Op\": \"lt\", \"Value\": \"2015-02-30\"}}}]}}"
bad rules 'InclusionRules: expected a list, found null' \
    <<<"{\"PrimaryCriteria\": {$window, \"CriteriaList\": [$any]}, \"InclusionRules\": null}"
bad twice 'ConceptSets\[1\].*id' \
    <<<"{\"PrimaryCriteria\": {$window, \"CriteriaList\": [$any]}, \"ConceptSets\": [{\"id\": 1, \"expression\": {\"items\": []}}, {\"id\": 1, \"expression\": {\"items\": []}}]}"
bad exit 'EndStrategy: expected one key' \
    <<<"{\"PrimaryCriteria\": {$window, \"CriteriaList\": [$any]}, \"EndStrategy\": {\"Offset\": 3}}"
bad collapse 'CollapseType: expected ERA' \
    <<<"{\"PrimaryCriteria\": {$window, \"CriteriaList\": [$any]}, \"CollapseSettings\": {\"CollapseType\": \"era\"}}"
mkdir "$work/same"
cp "$data/definitions/10.json" "$work/same/10.json"
expect 2 'have one number, 10' "$parcours" cohorts "$store" "$data/definitions/10.json" "$work/same/10.json" --out "$work/bad/out"
expect 2 'holds other files' "$parcours" cohorts "$store" "$data/definitions/10.json" --out "$data"
expect 1 'cannot be read\|No such file' "$parcours" cohorts "$store" "$work/nowhere" --out "$work/bad/out"
expect 2 "'--out' is needed" "$parcours" cohorts "$store" "$data/definitions/10.json"

finish
