#!/usr/bin/env bash
# Queries over a small synthetic store: the same bytes for 1 to 4 ranks, for 16 and 64 shards and
# for little memory; disclosure control; the journal; info, explain, verify.
# usage: test_query.sh BIN_DIR
set -u
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
parcours=$1/parcours
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

must "$parcours" synth --patients 1500 --years 2019:2020 --seed 7 --out "$work/in" --quiet --progress never
for shards in 16 64; do
    must mpirun -n 2 "$parcours" ingest --model snds --in "$work/in" --store "$work/s$shards" \
        --shards $shards --quiet --progress never
done

queries=(
    "SELECT count(*) AS n FROM ER_PRS_F"
    "SELECT count(*) AS n, count(DISTINCT patient) AS patients FROM ER_PHA_F"
    "SELECT sex, count(*) AS n FROM PERSON GROUP BY sex"
    "SELECT sex, birth_year / 10 AS decade, count(*) AS n, avg(birth_year) AS mean FROM PERSON GROUP BY 1, 2 ORDER BY n DESC, 1 LIMIT 7"
    "SELECT year(d.event_date) AS y, p.sex, count(*) AS drug_lines, count(DISTINCT d.patient) AS patients, sum(d.PHA_ACT_QSN) AS boxes FROM ER_PHA_F d JOIN PERSON p USING (patient) WHERE d.atc LIKE 'A10%' GROUP BY 1, 2 ORDER BY boxes DESC LIMIT 20"
    "SELECT atc, count(*) AS n, count(DISTINCT patient) AS patients, sum(PHA_ACT_QSN) AS q FROM ER_PHA_F GROUP BY atc HAVING count(DISTINCT patient) > 20"
    "SELECT PRS_NAT_REF, sum(PRS_PAI_MNT) AS paid, avg(PRS_PAI_MNT) AS mean FROM ER_PRS_F WHERE event_date >= DATE '2020-01-01' GROUP BY PRS_NAT_REF"
    "SELECT c.PSE_SPE_COD, count(*) AS n, count(DISTINCT d.atc) AS drugs FROM ER_PHA_F d JOIN ER_PRS_F c USING (patient, claim) GROUP BY 1 ORDER BY 2 DESC, 1"
    "SELECT CASE WHEN PHA_ACT_QSN > 1 THEN 'many' ELSE 'one' END AS q, count(*) AS n FROM ER_PHA_F GROUP BY 1"
    "SELECT DISTINCT sex FROM PERSON"
    "SELECT n, count(*) AS groups FROM (SELECT patient, count(*) AS n FROM ER_PRS_F GROUP BY patient) x GROUP BY n ORDER BY n LIMIT 30"
    "SELECT sex, count(*) AS n FROM PERSON p WHERE EXISTS (SELECT 1 FROM ER_PHA_F d WHERE d.patient = p.patient AND d.atc LIKE 'A10%') GROUP BY sex"
    "SELECT count(*) AS n FROM (SELECT patient FROM ER_PRS_F EXCEPT SELECT patient FROM T_MCOaaC) x"
    "SELECT year(event_date) AS y, count(*) AS n, sum(PHA_ACT_QSN) AS q FROM net('ER_PHA_F', DATE '2020-06-01') GROUP BY ROLLUP (1)"
    "WITH q AS (SELECT patient, DGN_REL AS c0 FROM T_MCOaaB EXCEPT SELECT patient, BEN_RES_COM FROM PERSON) SELECT left(lpad(b.c0, 3, '0'), 1) AS x, count(*) AS n, count(DISTINCT a.c0) AS d FROM q a JOIN q b USING (patient) GROUP BY 1"
    "SELECT extract(month FROM event_date) AS m, count(*) FILTER (WHERE PRS_ACT_QTE < 0) AS reversals, count(*) AS n FROM ER_PRS_F GROUP BY 1"
)

number=0
for sql in "${queries[@]}"; do
    number=$((number + 1))
    must "$parcours" query "$work/s16" "$sql" --format csv --out "$work/q$number.csv" --progress never --quiet
    for case in 1:64 2:16 3:64 4:16; do
        ranks=${case%:*} shards=${case#*:}
        mpirun -n $ranks "$parcours" query "$work/s$shards" "$sql" --format csv \
            --progress never --quiet >"$work/again.csv" 2>"$work/said" ||
            fail "query $number on $ranks ranks and $shards shards: $(head -1 "$work/said")"
        cmp -s "$work/q$number.csv" "$work/again.csv" ||
            fail "query $number differs on $ranks ranks and $shards shards"
    done
    [ "$(wc -l <"$work/q$number.csv")" -ge 2 ] || fail "query $number has no rows"
done

# Rows: the counts of the store are those of the query.
stored=$("$parcours" info "$work/s16" --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["tables"]["ER_PRS_F"]["rows_stored"])')
[ "$(sed -n 2p "$work/q1.csv")" = "$stored" ] || fail "count(*) is not rows_stored ($stored)"

# Formats, and where the SQL comes from.
sql="SELECT sex, count(*) AS n FROM PERSON GROUP BY sex"
echo "$sql" >"$work/q.sql"
"$parcours" query "$work/s16" --file "$work/q.sql" --format csv --quiet >"$work/a.csv"
"$parcours" query "$work/s16" - --format csv --quiet <"$work/q.sql" >"$work/b.csv"
cmp -s "$work/a.csv" "$work/q3.csv" || fail "--file"
cmp -s "$work/b.csv" "$work/q3.csv" || fail "standard input"
mpirun -n 3 "$parcours" query "$work/s16" - --format csv --quiet <"$work/q.sql" >"$work/b.csv"
cmp -s "$work/b.csv" "$work/q3.csv" || fail "standard input of three ranks"
"$parcours" query "$work/s16" "$sql" --format json --quiet | python3 -c '
import json, sys
r = json.load(sys.stdin)
assert [c["name"] for c in r["columns"]] == ["sex", "n"], r["columns"]
assert [row[0] for row in r["rows"]][:2] == ["F", "M"], r["rows"]' || fail "JSON"
expect 0 '^(3 rows' "$parcours" query "$work/s16" "$sql" --quiet

# Disclosure control: every cell of 1 to 10 patients is s, no other is.
sql="SELECT birth_year, count(*) AS n FROM PERSON GROUP BY birth_year"
"$parcours" query "$work/s16" "$sql" --format csv --quiet >"$work/gate.csv"
"$parcours" query "$work/s16" "$sql" --format csv --quiet --unprotected >"$work/open.csv"
python3 - "$work/gate.csv" "$work/open.csv" <<'PY' || fail "suppression"
import csv, sys
gate, full = (list(csv.reader(open(p))) for p in sys.argv[1:])
assert len(gate) == len(full) > 50
small = 0
for g, f in zip(gate[1:], full[1:]):
    assert g[0] == f[0]
    assert g[1] == ("s" if 1 <= int(f[1]) <= 10 else f[1]), (g, f)
    small += g[1] == "s"
assert small > 0
PY
# Nothing that is asked of a small cell is answered: HAVING, ORDER BY, LIMIT, arithmetic, CASE.
gate() {
    "$parcours" query "$work/s16" "$1" --format csv --quiet --progress never
}
small="SELECT birth_year FROM PERSON GROUP BY 1 HAVING count(*)"
for having in "= 1" "< 11" "% 2 = 0 AND count(*) <= 10" "= 3 OR sum(birth_year) IS NOT NULL AND count(*) < 11" \
    "+ 1 < 12 OR count(DISTINCT patient) = 2 OR count(*) FILTER (WHERE sex = 'F') BETWEEN 1 AND 10"; do
    [ "$(gate "$small $having")" = birth_year ] || fail "HAVING count(*) $having"
done
gate "$small <> 1000" | sort >"$work/some.csv"
awk -F, '$2 != "s" { print $1 }' "$work/gate.csv" | sort | cmp -s - "$work/some.csv" || fail "HAVING count(*) <> 1000"
[ "$(gate "$small / (count(*) - 3) > 100" 2>&1)" = birth_year ] || fail "an error of arithmetic tells a small cell"
[ "$(gate "SELECT count(*) AS n FROM PERSON WHERE birth_year = $(awk -F, '$2 == "s" { print $1; exit }' "$work/gate.csv") HAVING count(*) < 11")" = n ] ||
    fail "HAVING over all rows"
sql="SELECT birth_year, count(*) AS n FROM PERSON GROUP BY 1 HAVING birth_year < 1930"
[ "$(gate "$sql")" = "$(awk -F, 'NR == 1 || $1 != "" && $1 < 1930' "$work/gate.csv")" ] || fail "HAVING of a key"
for order in "n DESC" "n" "n DESC NULLS FIRST" "-count(*) NULLS FIRST" "coalesce(sum(birth_year), 9999999) DESC" \
    "CASE WHEN count(*) > 5 THEN 1 ELSE 2 END DESC, n"; do
    for limit in "" "LIMIT 20 OFFSET 20"; do
        sql="SELECT birth_year, count(*) AS n, CASE WHEN count(*) > 5 THEN 'many' ELSE 'few' END AS k FROM PERSON GROUP BY 1"
        gate "$sql ORDER BY $order $limit" >"$work/gated.csv"
        python3 - "$work" "$limit" "$order" <<'PY' || fail "ORDER BY $order $limit"
import csv, sys
work, limit, order = sys.argv[1:]
read = lambda name: [tuple(r) for r in csv.reader(open(f"{work}/{name}"))][1:]
full = sorted(read("open.csv"), key=lambda r: (r[0] == "", r[0]))
shown = [(y, int(n)) for y, n in full if int(n) > 10]
year = lambda r: int(r[0] or 0)
if order.startswith("coalesce"):
    shown.sort(key=lambda r: -year(r) * r[1] if r[0] else -9999999)
else:
    shown.sort(key=lambda r: r[1], reverse=order != "n" and not order.startswith("CASE"))
want = [(y, str(n), "many") for y, n in shown] + [(y, "s", "s") for y, n in full if int(n) <= 10]
assert [r for r in want if r[1] == "s"] and len(want) > 60
assert read("gated.csv") == (want[20:40] if limit else want)
PY
    done
done
mpirun -n 3 "$parcours" query "$work/s64" "$sql ORDER BY $order" --format csv --quiet >"$work/again.csv"
gate "$sql ORDER BY $order" | cmp -s - "$work/again.csv" || fail "hidden cells differ on 3 ranks"
# Rows of few patients without a cell to suppress leave.
"$parcours" query "$work/s16" "SELECT DISTINCT birth_date, sex FROM PERSON" --format csv --quiet >"$work/few.csv"
"$parcours" query "$work/s16" "SELECT birth_date, sex FROM PERSON GROUP BY 1, 2 HAVING count(*) > 10" --unprotected --format csv --quiet |
    cmp -s - "$work/few.csv" || fail "DISTINCT shows rows of few patients"
"$parcours" query "$work/s16" "SELECT DISTINCT sex FROM PERSON" --format csv --quiet | tr '\n' ' ' | grep -q '^sex F M $' || fail "DISTINCT lost a row of many patients"
refused=(
    "SELECT patient FROM PERSON"
    "SELECT sex, birth_date FROM PERSON LIMIT 5"
    "SELECT patient, count(*) AS n FROM ER_PHA_F GROUP BY patient"
    "SELECT max(birth_year) AS oldest FROM PERSON"
    "SELECT PFS_EXE_NUM, count(*) AS n FROM ER_PRS_F GROUP BY 1"
    "SELECT atc, count(*) FROM ER_PHA_F WHERE patient = 'x' GROUP BY 1"
    "SELECT sum(CASE WHEN BEN_NIR_PSA LIKE 'x%' THEN PRS_PAI_MNT END) FROM ER_PRS_F"
    "SELECT count(*) FILTER (WHERE NIR_ANO_17 IN ('x', 'y')) FROM T_MCOaaC"
)
for sql in "${refused[@]}"; do
    expect 3 'refused' "$parcours" query "$work/s16" "$sql" --quiet
    expect 0 '.' "$parcours" query "$work/s16" "$sql" --quiet --unprotected --format csv
    expect 3 'refused' mpirun -n 2 "$parcours" query "$work/s16" "$sql" --quiet
done
"$parcours" query "$work/s16" "${refused[1]}" --unprotected --format csv --quiet >"$work/rows1.csv"
mpirun -n 4 "$parcours" query "$work/s64" "${refused[1]}" --unprotected --format csv --quiet >"$work/rows4.csv"
cmp -s "$work/rows1.csv" "$work/rows4.csv" || fail "rows differ on 4 ranks"
expect 0 'A10' "$parcours" query "$work/s16" "SELECT * FROM IR_PHA_R WHERE PHA_ATC_CLA LIKE 'A10%'" --quiet --format csv

# Wrong and unsupported SQL.
expect 2 'did you mean PERSON' "$parcours" query "$work/s16" "SELECT count(*) FROM PERSN" --quiet
expect 2 'sexe' "$parcours" query "$work/s16" "SELECT sexe, count(*) FROM PERSON GROUP BY 1" --quiet
expect 2 'syntax' "$parcours" query "$work/s16" "SELECT FROM WHERE" --quiet
expect 2 'WITH RECURSIVE' "$parcours" query "$work/s16" "WITH RECURSIVE a AS (SELECT 1) SELECT * FROM a" --quiet
# Protection holds through subqueries and set operations.
for sql in "SELECT max(n) FROM (SELECT patient, count(*) AS n FROM ER_PHA_F GROUP BY patient) x" \
    "SELECT sex, count(*) FROM (SELECT * FROM PERSON ORDER BY patient LIMIT 20) x GROUP BY sex" \
    "SELECT patient FROM ER_PHA_F EXCEPT SELECT patient FROM T_MCOaaC" \
    "SELECT count(*) FROM PERSON WHERE patient IN (VALUES ('a'), ('b'))" \
    "SELECT count(*) FROM PERSON p JOIN (VALUES ('a')) v(x) ON v.x = p.patient" \
    "SELECT (SELECT max(birth_date) FROM PERSON)" \
    "SELECT count(*) FROM (SELECT BEN_NIR_PSA, count(*) AS n FROM ER_PRS_F GROUP BY 1) x" \
    "SELECT count(*) FROM T_MCOaaC a JOIN T_MCOaaC b ON a.ETA_NUM = b.ETA_NUM" \
    "SELECT count(*) FROM PERSON WHERE EXISTS (SELECT 1 FROM T_MCOaaC WHERE event_date > DATE '2019-02-01')" \
    "SELECT sex, count(*) FROM PERSON WHERE birth_year IN (SELECT birth_year FROM PERSON WHERE sex = 'M') GROUP BY 1"; do
    expect 3 refused "$parcours" query "$work/s16" "$sql" --quiet
done
few="SELECT birth_year, count(*) AS n FROM PERSON GROUP BY birth_year"
[ "$("$parcours" query "$work/s16" "SELECT n FROM ($few) x WHERE n BETWEEN 1 AND 10" --format csv --quiet)" = n ] ||
    fail "a subquery shows small cells to the query around"
[ "$("$parcours" query "$work/s16" "SELECT sum(n) AS n FROM ($few) x" --format csv --quiet | tail -1)" = s ] ||
    fail "a sum over hidden cells is shown"
expect 1 'division by zero' mpirun -n 3 "$parcours" query "$work/s16" "SELECT sum(birth_year / (birth_year - birth_year)) AS x FROM PERSON" --quiet

# Little memory: the same answer, or a sentence with the numbers.
"$parcours" query "$work/s16" "${queries[5]}" --format csv --quiet --memory 64M >"$work/little.csv" 2>"$work/said" &&
    { cmp -s "$work/little.csv" "$work/q6.csv" || fail "little memory"; }
expect 1 'memory' "$parcours" query "$work/s16" "${queries[5]}" --quiet --memory 100K

# The journal follows, holds both records of a query, and shows a change.
expect 0 'journal records' "$parcours" verify "$work/s16" --progress never
expect 0 'sound: 64 shards' mpirun -n 3 "$parcours" verify "$work/s64" --progress never
grep -q '"outcome":"refused"' "$work/s16/journal.jsonl" || fail "a refusal is not in the journal"
grep -q '"unprotected":true' "$work/s16/journal.jsonl" || fail "--unprotected is not in the journal"
[ "$(stat -c %a "$work/s16/journal.jsonl")" = 600 ] || fail "the journal's mode"
[ "$(grep -c '"event":"begin"' "$work/s16/journal.jsonl")" = "$(grep -c '"event":"end"' "$work/s16/journal.jsonl")" ] ||
    fail "begin and end records"
"$parcours" query "$work/s16" "${queries[0]}" --quiet --journal "$work/other.jsonl" >/dev/null
[ "$(wc -l <"$work/other.jsonl")" = 2 ] || fail "--journal"
sed -i '3s/SELECT/select/' "$work/s16/journal.jsonl"
expect 1 'journal.jsonl' "$parcours" verify "$work/s16" --progress never

# explain.
expect 0 'reduced to rank 0' "$parcours" explain "${queries[4]}" --store "$work/s64"
expect 0 'chunks read' mpirun -n 2 "$parcours" explain "${queries[4]}" --store "$work/s64" --analyze --progress never --quiet
expect 2 "'--store'" "$parcours" explain "${queries[4]}"
# A condition on a subquery reaches the scan, and a column that nobody asks for is not read: as many chunks and bytes as
# when it is written there.
reads() {
    "$parcours" explain "$1" --store "$work/s16" --analyze --unprotected --quiet --progress never |
        grep -o 'chunks read [0-9]*, skipped [0-9]*; bytes read [0-9]*'
}
late="event_date >= DATE '2020-12-01' AND atc LIKE 'A%'"
short=$(reads "SELECT atc, count(*) FROM ER_PHA_F WHERE $late GROUP BY 1")
full=$(reads "SELECT atc, event_date, PHA_ACT_QSN, count(*) FROM ER_PHA_F GROUP BY 1, 2, 3")
[ -n "$short" ] && [ "$short" != "$full" ] || fail "chunks read: $short, $full"
for sql in "SELECT atc, count(*) FROM (SELECT atc, event_date, PHA_ACT_QSN, PHA_PRS_C13 FROM ER_PHA_F) x WHERE $late GROUP BY 1" \
    "WITH x AS (SELECT event_date, atc, count(*) AS n, avg(PHA_ACT_QSN) AS q FROM ER_PHA_F GROUP BY 1, 2) SELECT atc, sum(n) FROM x WHERE $late GROUP BY 1" \
    "SELECT atc, count(*) FROM (SELECT DISTINCT atc, event_date FROM (SELECT * FROM ER_PHA_F) y) x WHERE $late GROUP BY 1" \
    "SELECT atc, count(*) FROM (SELECT atc, event_date FROM ER_PHA_F WHERE atc LIKE 'A1%' UNION ALL SELECT atc, event_date FROM ER_PHA_F WHERE FALSE) x WHERE $late GROUP BY 1"; do
    found=$(reads "$sql")
    case $sql in
    *UNION*) [ "$found" != "$full" ] || fail "a condition on a union: $found" ;;
    *) [ "$found" = "$short" ] || fail "a condition on a subquery: $found, not $short: $sql" ;;
    esac
done
# A condition around the largest amount would find it by the chunks that are read: they are not told one by one.
largest=$("$parcours" query "$work/s16" "SELECT max(PRS_PAI_MNT) AS m FROM ER_PRS_F" --unprotected --format csv --quiet --progress never | tail -1)
told() {
    "$parcours" explain "$1" --store "$work/s16" | sed -n '/^step/,$p'
    "$parcours" explain "$1" --store "$work/s16" --analyze "${@:2}" --progress never --quiet | grep 'chunks read'
    "$parcours" query "$work/s16" "$1" "${@:2}" --progress never 2>&1 >/dev/null | grep -o 'rows_scanned=.* aside'
}
above="SELECT count(*) AS n FROM ER_PRS_F WHERE PRS_PAI_MNT > $largest"
with="SELECT count(*) AS n FROM ER_PRS_F WHERE PRS_PAI_MNT >= $largest"
[ "$(told "$above")" = "$(told "$with")" ] || fail "the largest amount is told: $(told "$above") $(told "$with")"
[ "$(told "$above" --unprotected)" != "$(told "$with" --unprotected)" ] || fail "--unprotected tells no chunks: $(told "$with" --unprotected)"
# What is likely to be read is near to what is: chunks and bytes of the scan, for all ranks and for each.
for sql in "SELECT count(*) AS n, sum(PRS_PAI_MNT) AS s FROM ER_PRS_F" \
    "SELECT sex, count(*) AS n FROM PERSON WHERE patient IN (SELECT patient FROM ER_PHA_F WHERE event_date >= DATE '2020-07-01') GROUP BY 1"; do
    mpirun -n 3 "$parcours" explain "$sql" --store "$work/s16" --analyze --unprotected --progress never --quiet >"$work/plan.txt"
    python3 - "$work/plan.txt" <<'PY' || fail "explain --analyze: $sql"
import re, sys
text = open(sys.argv[1]).read()
number = lambda line: [float(x) for x in line.split()]
lines = text[text.index("step "):].splitlines()[1:]
total = re.search(r"chunks read (\d+), skipped \d+; bytes read (\d+)", text)
scans = [i for i, line in enumerate(lines) if line.split()[:1] == ["scan"]]
assert scans
for at in scans:
    likely_rows, chunks, size, rows_in, rows_out, read, read_bytes, _ = number(lines[at].split("scan")[1])
    assert rows_in >= rows_out > 0 and rows_out / 2.5 < likely_rows < 2.5 * rows_out, lines[at]
    assert read <= chunks + 1 and read_bytes <= 1.3 * size + 100, lines[at]
    assert read > 0.5 * chunks and read_bytes > 0.5 * size, lines[at]
    ranks = [number(line.split("rank")[1])[1:] for line in lines[at + 1:at + 4]]
    assert [sum(rank[i] for rank in ranks) for i in range(4)] == [rows_in, rows_out, read, read_bytes], ranks
PY
done

# info.
expect 0 '^patients' "$parcours" info "$work/s64"
expect 0 'event_date' "$parcours" info "$work/s64" --columns

# A signal: exit code 75 and one sentence, unless the command was done before.
stopped=0
for delay in 0.2 0.3 0.4; do
    "$parcours" verify "$work/s64" --progress never >"$work/said" 2>&1 &
    pid=$!
    sleep $delay
    kill -USR1 $pid 2>/dev/null
    wait $pid
    code=$?
    [ $code = 0 ] || [ $code = 75 ] || fail "a signal after $delay s: exit code $code"
    [ $code = 75 ] && grep -q '^parcours: stopped by a signal' "$work/said" && stopped=1
done
[ $stopped = 1 ] || fail "no signal stopped verify"

# A damaged shard: verify and query name the file, all ranks stop.
part=$(find "$work/s64/shards" -name 'part-*.h5' -size +20k | sort | head -1)
python3 - "$part" <<'PY'
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(0, 2)
    size = f.tell()
    for at in range(4096, size - 4096, 997):
        f.seek(at)
        byte = f.read(1)
        f.seek(at)
        f.write(bytes([byte[0] ^ 255]))
PY
expect 1 'part-000000.h5' "$parcours" verify "$work/s64" --progress never
expect 1 'part-000000.h5' mpirun -n 4 "$parcours" query "$work/s64" "${queries[4]}" --quiet --progress never

finish
