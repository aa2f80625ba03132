#!/usr/bin/env bash
# Usage: test_parts.sh BIN_DIR
# Queries that need more than --memory: states that go in parts to all ranks, joins whose two sides are exchanged, and
# results that are written in pieces give the same bytes as with plenty of memory on one rank; nothing stays on disk;
# what cannot be done is said in a sentence. Every fifth query of tests/oracle is run with every state in parts.
# Uses $PARCOURS_RELEASE when set.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=$(realpath "${PARCOURS_RELEASE:-$1/..}")
parcours=$folder/bin/parcours
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMPI_MCA_orte_tmpdir_base=$work # not shared with other jobs of this machine
cd "$work"

ranks() { mpirun --oversubscribe --quiet -n "$1" "$parcours" "${@:2}"; }

step "delivery and store"
"$parcours" synth --patients 1200 --years 2019:2020 --seed 5 --columns core --out delivery --quiet
"$parcours" ingest --model snds --in delivery --store store --shards 8 --quiet

# little NAME SQL FORMAT: with plenty of memory, then with little on one rank and on three
little() {
    "$parcours" query store "$2" --unprotected --quiet --format "$3" --out "$1.wanted"
    for n in 1 3; do
        ranks "$n" query store "$2" --unprotected --memory 15M --scratch "$work/aside" --format "$3" --out "$1.$n" \
            2>"$1.log" || fail "$1 on $n ranks: $(tail -n 1 "$1.log")"
        cmp "$1.wanted" "$1.$n" || fail "$1 differs on $n ranks"
        grep -q 'aside_bytes=[1-9]' "$1.log" || fail "$1 on $n ranks: nothing was put aside"
    done
    [ ! -e "$work/aside" ] || fail "$1 left its scratch folder"
}

step "rows in order"
little rows "SELECT patient, event_date, atc, PHA_ACT_QSN FROM ER_PHA_F ORDER BY event_date DESC, atc" csv
little json "SELECT patient, event_date, atc, PHA_ACT_QSN FROM ER_PHA_F ORDER BY PHA_ACT_QSN NULLS FIRST" json
step "groups"
little groups "SELECT event_date, PHA_PRS_C13, count(*) AS n, sum(PHA_ACT_QSN) AS q, count(DISTINCT patient) AS p
    FROM ER_PHA_F GROUP BY 1, 2" csv
little distinct "SELECT DISTINCT event_date, PHA_PRS_C13, PHA_ACT_QSN FROM ER_PHA_F" csv
step "exchanged joins"
little inner "SELECT a.atc, count(*) AS n, count(DISTINCT a.patient) AS p, count(DISTINCT b.patient) AS q
    FROM (SELECT patient, atc, event_date FROM ER_PHA_F WHERE atc LIKE 'N02%') a
    JOIN ER_PHA_F b ON a.event_date = b.event_date AND a.atc = b.atc GROUP BY 1" csv
little left "SELECT a.PHA_ACT_QSN, count(*) AS n, count(b.atc) AS found, count(DISTINCT b.patient) AS p
    FROM ER_PHA_F a LEFT JOIN ER_PHA_F b
    ON a.event_date + 300 = b.event_date AND a.PHA_PRS_C13 = b.PHA_PRS_C13 GROUP BY 1" csv

step "what cannot be done"
status=0
ranks 2 query store "SELECT patient, event_date, atc FROM ER_PHA_F ORDER BY 1, 2" --unprotected --memory 12M \
    --format table >table.out 2>table.log || status=$?
[ "$status" = 1 ] || fail "a table of too many rows: exit code $status"
grep -q -e '--format csv' table.log || fail "a table of too many rows: $(tail -n 1 table.log)"
[ ! -e store/scratch.query ] || fail "the scratch folder of the store was left"
status=0
ranks 2 query store "SELECT DISTINCT event_date, PHA_PRS_C13 FROM ER_PHA_F" --unprotected --memory 12M \
    --scratch "$work/no/folder" --format csv >scratch.out 2>scratch.log || status=$?
[ "$status" = 1 ] || fail "no scratch folder: exit code $status"
grep -q 'no/folder' scratch.log || fail "no scratch folder: $(tail -n 1 scratch.log)"

step "queries with every state in parts"
/usr/bin/python3 - "$top"/tests/oracle/queries/*.sql >queries <<'PYTHON'
import re
import sys
texts = []
for path in sys.argv[1:]:
    for part in re.split(r"^;\s*$", open(path, encoding="utf-8").read(), flags=re.M):
        text = "\n".join(line for line in part.split("\n") if not line.startswith("--")).strip()
        if text:
            texts.append(text)
sys.stdout.write("".join(text + "\0" for text in texts[::5]))
PYTHON
"$folder/tests/query_many" store <queries >whole
for n in 1 2; do
    mpirun --oversubscribe --quiet -n "$n" "$folder/tests/query_many" store 0 "$work/aside" <queries >"parts.$n" ||
        fail "queries in parts stopped on $n ranks"
    cmp whole "parts.$n" || fail "queries in parts differ on $n ranks"
done
[ ! -e "$work/aside" ] || fail "queries in parts left their scratch folder"

finish
