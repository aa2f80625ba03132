#!/bin/bash
# The delivery report: the same counts as plain loops over the CSV files give, the same bytes for any
# number of ranks, no cell values, small counts hidden, and `parcours report`.
# usage: test_report.sh FOLDER_OF_THE_BINARY
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
bin=$1/parcours
[ -x "$bin" ] || { echo "no $bin"; exit 77; }
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$bin" synth --patients 120 --years 2019:2019 --seed 5 --columns all --out "$work/in" --quiet
for ranks in 1 3; do
    mpirun --oversubscribe -n $ranks "$bin" ingest --model snds --in "$work/in" --store "$work/store$ranks" \
        --shards 16 >"$work/told$ranks" 2>"$work/said" || { cat "$work/said"; die "ingest with $ranks ranks"; }
done
diff -r "$work/store1/reports" "$work/store3/reports" || die "another report with 3 ranks"
cmp "$work/told1" "$work/told3" || die "another short report with 3 ranks"
python3 "$here/report_twin.py" "$1/../share/parcours/models/snds.json" "$work/in" "$work/store1" ||
    die "other counts than plain loops"
"$bin" report "$work/store1" >"$work/again"
cmp "$work/told1" "$work/again" || die "parcours report says something else than ingest"
"$bin" report "$work/store1" --json | cmp - "$work/store1/reports/0000.json" || die "--json"
[ "$(stat -c %a "$work/store1/reports/0000.json")" = 600 ] || die "others may read the report"
grep -q '<td><a href="#ER_PRS_F">' "$work/store1/reports/0000.html" || die "the page has no table"
echo "ok: a clean delivery"

# Three unknown values are few, thirty are not; what they are is not told. A column is new.
python3 - "$work/in/ER_BIO_F_2019.CSV" "$work/in/ER_CAM_F_2019.CSV" <<'END'
import sys
for path, column, value, count in ((sys.argv[1], "BIO_PRS_IDE", "98765", 30), (sys.argv[2], "CAM_PRS_IDE", "SECRET7", 3)):
    lines = open(path, encoding="utf-8").read().split("\n")
    at = lines[0].split(";").index(column)
    for i in range(1, count + 1):
        fields = lines[i].split(";")
        fields[at] = value
        lines[i] = ";".join(fields)
    lines = [line + (";NOVELTY" if i == 0 else ";SECRET8") if line else line for i, line in enumerate(lines)]
    open(path, "w", encoding="utf-8").write("\n".join(lines))
END
"$bin" ingest --model snds --in "$work/in" --store "$work/changed" --shards 16 >"$work/told" 2>"$work/said"
grep -q 'values outside their nomenclature: BIO_PRS_IDE 30$' "$work/told" || die "thirty unknown values"
grep -q 'values outside their nomenclature: CAM_PRS_IDE 1-10$' "$work/told" || die "three unknown values"
grep -q 'columns unknown to the model, by files: NOVELTY 1$' "$work/told" || die "a new column"
"$bin" info "$work/changed" >"$work/info"
grep -q 'warning: ER_BIO_F: values outside their nomenclature: BIO_PRS_IDE$' "$work/info" || die "info: values"
grep -q 'warning: ER_PRS_F: columns that no file has:' "$work/info" || die "info: columns"
! grep -rq 'SECRET\|98765' "$work/changed/reports" "$work/told" "$work/said" || die "a value is told"
echo "ok: unknown values and columns"

# A bad delivery is refused and leaves nothing.
python3 - "$work/in/ER_PHA_F_2019.CSV" <<'END'
import sys
lines = open(sys.argv[1], encoding="utf-8").read().split("\n")
lines[1] += ";one field more"
open(sys.argv[1], "w", encoding="utf-8").write("\n".join(lines))
END
got=0
"$bin" ingest --model snds --in "$work/in" --store "$work/refused" --max-rejects 0 2>"$work/said" || got=$?
[ $got = 4 ] && [ ! -e "$work/refused" ] || die "exit $got, expected 4 and no store"
got=0
"$bin" report "$work/refused" 2>"$work/said" || got=$?
[ $got = 2 ] && grep -q 'expected a store' "$work/said" || die "report of nothing: exit $got"
"$bin" report "$work/store1" --delivery 7 2>"$work/said" && die "a delivery that is not there"
echo "ok: refusals"
