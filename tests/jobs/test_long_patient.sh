#!/usr/bin/env bash
# One patient with very many claims (40,000; 400,000 with a release build): counts, sums, quantiles, windows, distinct
# rows, joins and an order over them are what Python finds in the delivery, the same on 1 to 3 ranks, with a quarter of
# the memory too or with a sentence about memory, at ingest too. Also tables without rows, and more ranks than shards.
# usage: test_long_patient.sh BIN_DIR
set -u
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
folder=${PARCOURS_RELEASE:+$PARCOURS_RELEASE/bin}
parcours=$(realpath "${folder:-$1}")/parcours
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
rows=40000 memory=48M little=48M
[ -z "$folder" ] || { rows=400000 memory=160M little=128M; }

must "$parcours" synth --patients 200 --years 2019:2019 --seed 4 --columns core --out delivery --quiet --progress never
python3 - $rows >expected <<'END' || fail "in Python"
import glob, sys
from decimal import Decimal
paths = sorted(glob.glob("delivery/ER_PRS_F*"))
lines = open(paths[0], encoding="latin-1").read().split("\n")
names = lines[0].split(";")
at = {name: names.index(name) for name in ("DCT_ORD_NUM", "PRS_ORD_NUM", "PRS_PAI_MNT", "BEN_NIR_PSA", "BEN_RNG_GEM")}
row = lines[10].split(";")
with open(paths[0], "a", encoding="latin-1") as out:
    for i in range(int(sys.argv[1])):
        row[at["DCT_ORD_NUM"]], row[at["PRS_ORD_NUM"]] = str(100 + i // 1000), str(100 + i % 1000)
        row[at["PRS_PAI_MNT"]] = f"{i % 977}.{i % 100:02d}"
        out.write(";".join(row) + "\n")
claims = [line.rstrip("\n").split(";") for path in paths for line in open(path, encoding="latin-1").readlines()[1:]]
paid = [Decimal(c[at["PRS_PAI_MNT"]]) for c in claims]
who = (row[at["BEN_NIR_PSA"]], row[at["BEN_RNG_GEM"]])
own = sum((c[at["BEN_NIR_PSA"]], c[at["BEN_RNG_GEM"]]) == who for c in claims)
print(f"{len(claims)},{sum(paid)}")
print(f"{sorted(paid)[(len(paid) - 1) // 2]}")  # of an even count the lower of the two: percentile_disc
print(len({(c[at["DCT_ORD_NUM"]], c[at["PRS_ORD_NUM"]], *who) for c in claims if (c[at["BEN_NIR_PSA"]], c[at["BEN_RNG_GEM"]]) == who}))
print(own)
print(own)
print(own)
print(max(int(c[at["PRS_ORD_NUM"]]) for c in claims))
print(0)
END
cat >queries <<'END'
SELECT count(*), sum(PRS_PAI_MNT) FROM ER_PRS_F
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY PRS_PAI_MNT) FROM ER_PRS_F
SELECT max(n) FROM (SELECT patient, count(*) AS n FROM (SELECT DISTINCT patient, DCT_ORD_NUM, PRS_ORD_NUM FROM ER_PRS_F) a GROUP BY 1) b
SELECT max(n) FROM (SELECT row_number() OVER (PARTITION BY patient ORDER BY event_date, PRS_PAI_MNT DESC) AS n FROM ER_PRS_F) a
SELECT max(n) FROM (SELECT count(*) OVER (PARTITION BY patient ORDER BY DCT_ORD_NUM, PRS_ORD_NUM) AS n FROM ER_PRS_F) a
SELECT max(n) FROM (SELECT p.patient, count(*) AS n FROM PERSON p JOIN ER_PRS_F c USING (patient) GROUP BY 1) a
SELECT PRS_ORD_NUM FROM ER_PRS_F ORDER BY 1 DESC LIMIT 1
SELECT count(*) FROM T_MCOaaA a JOIN PERSON p USING (patient) WHERE p.birth_year < 1800
END
# Too little memory to sort the patient's rows: the sentence names shard and rows, and says how much would do.
ingest=(mpirun --oversubscribe -n 2 "$parcours" ingest --model snds --in delivery --store store --shards 2 --quiet --progress never)
expect 1 'shard [01]: one patient .* has 4[0-9]* rows' "${ingest[@]}" --memory $little
[ ! -e store/store.json ] || fail "a store stays"
enough=$(grep -o -- '--memory [0-9]*M would do' said | head -1 | cut -d' ' -f2) || true
must "${ingest[@]}" --memory "$enough"
: >small
number=0
while read -r query; do
    number=$((number + 1))
    wanted=$(sed -n ${number}p expected)
    for ranks in 1 2 3; do # there are two shards
        must mpirun --oversubscribe -n $ranks "$parcours" query store "$query" --unprotected --format csv \
            --out "answer$ranks" --memory $memory --quiet --progress never </dev/null
        found=$(tail -n +2 "answer$ranks")
        [ "$found" = "$wanted" ] || fail "query $number on $ranks ranks: $found, expected $wanted"
    done
    # Little memory: the same answer, or a sentence.
    if timeout 300 "$parcours" query store "$query" --unprotected --format csv --memory 12M --quiet --progress never >little 2>said </dev/null; then
        cmp -s little answer1 || fail "query $number: another answer with little memory"
    else
        grep -q 'memory' said || fail "query $number with little memory: $(head -1 said)"
        echo $number >>small
    fi
done <queries
echo "$number queries, $(wc -l <small) end for want of memory with 12M"
# A table without any row, on more ranks than shards.
for ranks in 1 4; do
    must mpirun --oversubscribe -n $ranks "$parcours" query store \
        "SELECT count(*), sum(nbr), max(n) FROM (SELECT 1 AS nbr, row_number() OVER (PARTITION BY patient ORDER BY event_date) AS n FROM KI_CCI_R WHERE event_date > DATE '2100-01-01') a" \
        --unprotected --format csv --out "none$ranks" --quiet --progress never
    [ "$(tail -n +2 none$ranks)" = "0,," ] || fail "no rows on $ranks ranks: $(cat none$ranks)"
done
finish
