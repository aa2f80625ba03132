#!/usr/bin/env bash
# Studies over a small synthetic store: the diabetes cohort is the truth of the generator, new users of metformin
# are those that Python finds in the rows; the same files on 1 to 4 ranks and with 16 and 64 shards; suppression,
# --unprotected, --set, --resume, and folders that are refused.
# usage: test_study.sh BIN_DIR
set -u
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
parcours=$(realpath "$1")/parcours
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
# Debian's own has h5py; another python3 may come first on the path.
python=/usr/bin/python3
[ -x "$python" ] || python=python3

run() { must mpirun --oversubscribe -n "$1" "$parcours" run "${@:2}" --quiet --progress never; }

must "$parcours" synth --patients 1500 --years 2019:2021 --seed 5 --out delivery --quiet --progress never
for shards in 16 64; do
    must mpirun --oversubscribe -n 2 "$parcours" ingest --model snds --in delivery --store s$shards \
        --shards $shards --quiet --progress never
done

# The truth of the generator, for each year; the first has no year before it in both.
run 1 "$top/jobs/diabetes.json" --store s16 --out r1
"$python" - <<'END' || fail "in Python"
import csv, json, sys
truth = json.load(open("delivery/truth.json"))
rows = list(csv.DictReader(open("r1/control/years.csv")))
found = {r["year(start_date)"]: int(r["patients"]) for r in rows if r["year(start_date)"] != "all"}
if found != truth["cohorts"]["diabete"]:
    sys.exit(f"FAILED: people with diabetes {found}, the truth is {truth['cohorts']['diabete']}")
flow = list(csv.DictReader(open("r1/control/flow.csv")))
if int(flow[-1]["patients"]) != truth["cohorts"]["diabete"]["2020"] or int(flow[2]["patients"]) != truth["patients"]:
    sys.exit(f"FAILED: the flowchart is {flow}")
END

# The page shows what release/ holds; figures are well-formed. Unprotected it says so.
must "$python" "$top/tests/jobs/page_check.py" r1
says '8 tables, 5 figures'
grep -q 'unprotected' r1/release/report.html && fail "the page of a protected run calls it unprotected"

# The same files whatever the ranks and shards.
for ranks in 2 3 4; do
    run $ranks "$top/jobs/diabetes.json" --store s16 --out r$ranks
    for part in release control cohorts; do
        diff -r r1/$part r$ranks/$part >difference || fail "$part differs on $ranks ranks: $(head -1 difference)"
    done
done
run 3 "$top/jobs/diabetes.json" --store s64 --out r64
for part in release control cohorts; do
    diff -r r1/$part r64/$part >difference || fail "$part differs with 64 shards: $(head -1 difference)"
done

# New users of metformin, found again in the rows; with h5py also patient by patient.
run 2 "$top/jobs/new_metformin.json" --store s16 --out metformin
must "$parcours" query s16 "SELECT d.patient, d.event_date, p.birth_date, p.sex FROM ER_PHA_F d JOIN PERSON p USING (patient) WHERE d.valid AND d.PHA_ACT_QSN > 0 AND (d.atc LIKE 'A10BA02%' OR d.atc LIKE 'A10BD%')" \
    --format csv --out rows.csv --unprotected --quiet --progress never
"$python" - <<'END' || fail "in Python"
import csv, datetime, sys
days = {}
for r in csv.DictReader(open("rows.csv")):
    day = datetime.date.fromisoformat(r["event_date"])
    days.setdefault(r["patient"], (r["birth_date"], r["sex"], set()))[2].add(day)
users = []
for patient, (birth, sex, dates) in days.items():
    inside = [d for d in dates if d.year == 2020]
    if not inside:
        continue
    first = min(inside)
    if any(1 <= (first - d).days <= 365 for d in dates) or not birth:
        continue
    born = datetime.date.fromisoformat(birth)
    age = first.year - born.year - ((first.month, first.day) < (born.month, born.day))
    if age >= 40:
        users.append((patient, first, sex, age))
flow = list(csv.DictReader(open("metformin/control/flow.csv")))
if int(flow[-1]["patients"]) != len(users) or len(users) == 0:
    sys.exit(f"FAILED: {flow[-1]['patients']} new users of metformin, Python finds {len(users)}")
table = {(r["sex"], r["band(age, 10)"]): int(r["patients"]) for r in csv.DictReader(open("metformin/control/table.csv"))}
expected = {("all", "all"): len(users)}
for _, _, sex, age in users:
    band = f"{age // 10 * 10}-{age // 10 * 10 + 9}"
    expected[(sex, band)] = expected.get((sex, band), 0) + 1
if table != expected:
    sys.exit(f"FAILED: the table is {table}, Python finds {expected}")
try:
    import h5py
except ImportError:
    print("h5py is missing: the cohort file is not read")
    sys.exit(0)
with h5py.File("metformin/cohorts/new_users.h5") as f:
    epoch = datetime.date(1970, 1, 1)
    rows = {(p.rstrip(b"\0").decode(), epoch + datetime.timedelta(days=int(d)))
            for p, d in zip(f["patient"][:], f["start_date"][:])}
if rows != {(p, d) for p, d, _, _ in users}:
    sys.exit("FAILED: the cohort file holds other patients or days than Python finds")
END

# Predicates that are pushed down into the scans change nothing: an event with "apart": 0 keeps all its records, but
# nothing is pushed past it. Little memory is enough, or is refused with a sentence.
mkdir slow
cp "$top/jobs/diabetes.json" slow/
sed 's/"having": "value > 0"},$/"having": "value > 0", "apart": 0},/; s/"field": "'"'SSR'"'", "position": "'"'DA'"'"}}\]}/&/' \
    "$top/jobs/library/snds.json" | sed "s/\"position\": \"'DA'\"}}\]},/\"position\": \"'DA'\"}}], \"apart\": 0},/" >slow/snds.json
[ "$(grep -c '"apart": 0' slow/snds.json)" -ge 2 ] || fail "the library of the slow twin"
run 2 slow/diabetes.json --store s16 --out plain
# The page names the study by its hash.
for part in release control cohorts; do
    diff -r -x report.html r1/$part plain/$part >difference || fail "$part differs without pushed predicates: $(head -1 difference)"
done
for memory in 2M 8M 32M; do
    rm -rf little
    "$parcours" run "$top/jobs/diabetes.json" --store s16 --out little --memory $memory --quiet >said 2>&1
    got=$?
    if [ $got = 0 ]; then
        diff -r r1/release little/release >difference || fail "--memory $memory gives other results"
    elif [ $got != 1 ] || ! grep -q "memory" said; then
        fail "--memory $memory: exit code $got: $(head -1 said)"
    fi
done

# Stages, windows and measures of every kind: the same files on 1 and 3 ranks and with 64 shards.
cat >stages.json <<'END'
{"study": "stages", "dates": ["2020-01-01", "2020-12-31"], "use": {"snds": "snds.json"},
 "codes": {"statin": {"ATC": ["C10AA"]}, "ppi": {"ATC": ["A02BC"]}},
 "periods": {"month": {"every": "month"}, "spring": {"dates": ["2020-03-01", "2020-06-30"]}},
 "events": {
  "drug": {"from": "snds.delivery", "codes": ["statin", "ppi"]},
  "later": {"from": "drug", "where": "value >= 1", "start": "start_date + 1", "end": null,
    "keep": {"label": "family || '-' || substr(code, 1, 5)", "old": "age > 50"}, "value": "value * 2.5"},
  "spaced": {"from": "drug", "apart": 60, "per": "family", "measures": {
    "before": {"count": "drug", "days": [-90, -1], "same": "family"},
    "gap": {"last": "drug", "days": [null, -1]}, "double": {"take": "before * 2"}}},
  "two": {"from": ["drug", {"from": "snds.stay", "keep": {"hosp": "hospital"}}]},
  "daily": {"from": "two", "group": ["start_date"], "having": "records > 1"},
  "monthly": {"from": "month", "require": [{"count": "drug", "at_least": 1, "during": "month"}]}},
 "cohorts": {"c": {"entry": {"from": "spaced", "pick": "last"},
  "require": [{"title": "seen", "covered_by": "observation", "days": [-30, 30]},
    {"of": [{"some": "daily"}, {"some": "spring", "date": "overlap", "months": [-1, 1]}, {"sex": "F"}], "at_least": 1},
    {"not": {"some": "death", "days": [null, 0]}}],
  "measures": {"n": {"count": "two", "distinct": "start_date", "during": "c", "date": "overlap"},
    "share": {"share_of": "later", "days": [0, 99]}, "label": {"first": "later", "take": "label"}}}},
 "statistics": {"flow": {"attrition": "c"}, "by_measure": {"count": "c", "by": ["family", "before > 1", "label"], "total": "n"},
  "of_event": {"count": "later", "by": ["old"], "total": "value"}, "inside": {"count": "drug", "in": "c", "by": ["family"]},
  "joined": {"count": "daily", "by": ["code"]}, "share": {"prevalence": "monthly", "in": "c", "by": ["band(age, 20)"]}}}
END
run 1 stages.json --store s16 --out stages1
run 3 stages.json --store s16 --out stages3
run 2 stages.json --store s64 --out stages64
for other in stages3 stages64; do
    for part in release control cohorts; do
        diff -r stages1/$part $other/$part >difference || fail "$part: stages1 and $other differ: $(head -1 difference)"
    done
done
[ "$(tail -1 stages1/control/flow.csv | cut -d, -f4)" = "$(tail -1 stages1/control/by_measure.csv | cut -d, -f5)" ] ||
    fail "the flowchart and the table of one cohort differ"

# Small cells are written s, but not in control/, which is for the owner alone.
"$python" - <<'END' || fail "in Python"
import csv, glob, json, os, stat, sys
for path in glob.glob("r1/release/*.csv"):
    name = os.path.basename(path)
    for open_row, true_row in zip(csv.DictReader(open(path)), csv.DictReader(open("r1/control/" + name))):
        for column in ("patients", "population", "patients_lost"):
            if column not in true_row or true_row[column] == "":
                continue
            expected = "s" if 1 <= int(true_row[column]) <= 10 else true_row[column]
            if open_row[column] != expected:
                sys.exit(f"FAILED: {name}: {column} is {open_row[column]}, the true count is {true_row[column]}")
protection = json.load(open("r1/release/protection.json"))
if protection["protection"] != "primary suppression only":
    sys.exit("FAILED: protection.json")
for path in glob.glob("r1/control/*") + glob.glob("r1/cohorts/*"):
    if stat.S_IMODE(os.stat(path).st_mode) != 0o600:
        sys.exit(f"FAILED: the mode of {path}")
END
grep -q '^F,.*,s,s$' r1/release/age_sex.csv || fail "no cell of release/age_sex.csv is suppressed"
run 1 "$top/jobs/diabetes.json" --store s16 --out open --unprotected
diff -q open/release/age_sex.csv r1/control/age_sex.csv >/dev/null || fail "--unprotected suppresses"
must "$python" "$top/tests/jobs/page_check.py" open
grep -q 'Made with --unprotected' open/release/report.html || fail "the page of --unprotected does not say so"
grep -q '"protection": "none"' open/release/protection.json || fail "protection.json of --unprotected"

# Parameters, --resume, folders that hold something else.
run 1 "$top/jobs/diabetes.json" --store s16 --out y2019 --set year=2019
cmp -s y2019/control/flow.csv r1/control/flow.csv && fail "--set year=2019 changes nothing"
cp -r r1 again
run 2 "$top/jobs/diabetes.json" --store s16 --out again --resume
diff -r r1 again >/dev/null || fail "--resume of complete results changes them"
rm again/manifest.json again/release/flow.csv
run 2 "$top/jobs/diabetes.json" --store s16 --out again --resume
cmp -s again/release/flow.csv r1/release/flow.csv || fail "--resume does not finish"
# What an unfinished run left does not leave with the next one; ranks that read different studies are told.
rm -f again/manifest.json && touch again/release/left.csv again/cohorts/left.h5.tmp.1
run 2 "$top/jobs/diabetes.json" --store s16 --out again --resume
diff -r r1/release again/release >/dev/null || fail "--resume keeps what it did not write"
[ ! -e again/cohorts/left.h5.tmp.1 ] || fail "--resume keeps a half-written cohort"
sed 's/"at_least": 3/"at_least": 4/' "$top/jobs/diabetes.json" >other.json
expect 1 "reads another study" mpirun --oversubscribe -n 1 "$parcours" run "$top/jobs/diabetes.json" --store s16 --out two : \
    -n 1 "$parcours" run other.json --store s16 --out two
study=$top/jobs/diabetes.json
expect 2 "holds results" "$parcours" run "$study" --store s16 --out r1
expect 2 "of another study" "$parcours" run "$study" --store s16 --out r1 --resume --set year=2019
mkdir other && touch other/thesis.tex
expect 2 "holds other files" "$parcours" run "$study" --store s16 --out other
expect 2 "no parameter 'yaer', did you mean 'year'" "$parcours" run "$study" --store s16 --out new --set yaer=2019
[ -e new ] && fail "a refused study makes a folder"
expect 1 "" "$parcours" run "$study" --store nowhere --out new
expect 1 "" "$parcours" run nowhere.json --store s16 --out new
expect 0 "in_codes(atc, 'antidiabetic')" "$parcours" explain "$study" --store s16

finish
