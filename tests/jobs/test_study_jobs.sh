#!/usr/bin/env bash
# Every shipped study and each example of docs/study.md is valid and runs on a synthetic store of 2,000 people over eight years; two of them give the
# same files on 1 and 3 ranks.
# usage: test_study_jobs.sh BIN_DIR
set -u
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
parcours=$(realpath "$1")/parcours
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

quiet="--quiet --progress never"
must mpirun --oversubscribe -n 2 "$parcours" synth --patients 2000 --years 2014:2021 --seed 7 --out delivery $quiet
must mpirun --oversubscribe -n 2 "$parcours" ingest --model snds --in delivery --store store --shards 16 $quiet

# Dates of the studies that the store has.
sed 's/2006-01-01/2015-01-01/g; s/2006-12-31/2016-12-31/g; s/2009-12-31/2020-12-31/g; s/A10BG03/A10BA02/' \
    "$top/jobs/pioglitazone.json" >pioglitazone.json
cp -r "$top/jobs/codes" .
awk '/<!-- example -->/ {n++; take = 1; next} take && /^```$/ {take = 0} take && !/^```/ {print > ("example" n ".json")}' "$top/docs/study.md"
for study in "$top"/jobs/*.json "$top/jobs/cartographie/carte.json" example1.json example2.json example3.json; do
    name=$(basename "$study" .json)
    [ "$name" = tnf_in_colitis ] && continue # of a CDM: tests/jobs/test_omop.sh
    set=()
    [ "$name" != glitazones ] || set=(--set first=2015-01-01 --set last_entry=2018-12-31 --set last=2019-12-31 --set 'drugs=["A10"]')
    [ -e "$name.json" ] && study=$name.json
    must "$parcours" check "$study" --store store "${set[@]}"
    must mpirun --oversubscribe -n 2 "$parcours" run "$study" --store store --out "$name" $quiet "${set[@]}"
    for table in "$name"/control/*.csv; do
        [ "$(wc -l <"$table")" -ge 2 ] || fail "$table has no row"
    done
done
for name in falls nsaid; do
    for ranks in 1 3; do
        must mpirun --oversubscribe -n $ranks "$parcours" run "$top/jobs/$name.json" --store store --out $name$ranks $quiet
    done
    for part in release control cohorts; do
        diff -r ${name}1/$part ${name}3/$part >difference || fail "$name: $part differs: $(head -1 difference)"
    done
done
# Who is left in the flowchart is who is followed up.
left=$(tail -1 statins/control/flow.csv | cut -d, -f4)
[ "$(tail -n +2 statins/cohorts/for_r.csv | cut -d, -f1 | sort -u | wc -l)" = "$left" ] || fail "statins: the export has not $left patients"
[ "$(tail -1 pioglitazone/control/why.csv | cut -d, -f3)" = "$(tail -1 pioglitazone/control/rate.csv | cut -d, -f5)" ] ||
    fail "pioglitazone: the cohort is not the population at risk"

finish
