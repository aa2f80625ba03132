#!/usr/bin/env bash
# Usage: test_many_texts.sh BIN_DIR
# A column whose every cell is another text: as a code it is refused with a sentence that names it before memory is
# spent, and leaves nothing; with more memory it loads; as id(bytes) it loads with little memory, within it as measured
# by the system, and gives the same store for any memory and number of ranks. Uses $PARCOURS_RELEASE when set.
set -euo pipefail
folder=$(realpath "${PARCOURS_RELEASE:-$1/..}")
parcours=$folder/bin/parcours
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMPI_MCA_orte_tmpdir_base=$work # not shared with other jobs of this machine
cd "$work"
rows=${MANY_TEXTS_ROWS:-400000} little=${MANY_TEXTS_MEMORY:-48}
beside=40 # MiB of the program, MPI and HDF5, which no budget counts

fail() { echo "FAILED: $*"; exit 1; }
step() { printf '%3d s  %s\n' "$SECONDS" "$*"; }
# load RANKS MODEL STORE MEMORY: what it says stands in `said`
load() {
    mpirun --oversubscribe --quiet -n "$1" "$parcours" ingest --model "./$2.json" --in delivery --store "$3" --shards 4 \
        --memory "$4" --progress never >said 2>&1
}
counted() { "$parcours" query "$1" "SELECT count(*) AS n, count(DISTINCT NOTE) AS d FROM NOTE" --unprotected --format csv --quiet; }

mkdir delivery
python3 - "$rows" <<'PYTHON'
import json, random, sys
rows, chance = int(sys.argv[1]), random.Random(7)
tables = {
    "PEOPLE": {"files": ["people.csv"], "patient": {"path": "identity", "pseudonym": "WHO", "rank": "TWIN", "person": "WHO"},
               "columns": ["WHO id(10) patient core", "TWIN int(2) core", "SEX code core", "YEAR int(4) core",
                           "MONTH int(2) core", "DEATH date core"]},
    "NOTE": {"files": ["notes.csv"], "patient": {"path": "pair", "pseudonym": "WHO", "rank": "TWIN"}, "dates": ["DAY"],
             "columns": ["WHO id(10) patient core", "TWIN int(2) core", "DAY date core", "NOTE code core", "KIND code core"]}}
person = {"identity": ["PEOPLE"], "sex": "SEX", "female": "2", "male": "1", "birth_year": "YEAR", "birth_month": "MONTH",
          "death_date": "DEATH", "copy": []}
for name, kind in (("code", "code"), ("id", "id(28)")):
    tables["NOTE"]["columns"][3] = f"NOTE {kind} core"
    with open(f"{name}.json", "w") as file:
        json.dump({"model": "notes", "version": "1", "delimiter": ";", "person": person, "tables": tables}, file)
people = max(rows // 100, 1)
with open("delivery/people.csv", "w") as file:
    file.write("WHO;TWIN;SEX;YEAR;MONTH;DEATH\n")
    file.writelines(f"p{i:08d};1;{1 + i % 2};{1930 + i % 80};4;\n" for i in range(people))
with open("delivery/notes.csv", "w") as file:
    file.write("WHO;TWIN;DAY;NOTE;KIND\n")
    file.writelines(f"p{chance.randrange(people):08d};1;2019-{1 + i % 12:02d}-{1 + i % 28:02d};{i:08d} {chance.getrandbits(48):012x};K{i % 50}\n"
                    for i in range(rows))
PYTHON

step "a code with little memory"
status=0
load 2 code store.code "${little}M" || status=$?
[ "$status" = 1 ] || { cat said; fail "exit code $status"; }
grep -q 'column NOTE of NOTE has [0-9]* different texts' said || { cat said; fail "it does not name the column"; }
grep -q 'id(bytes)' said || fail "it does not say what helps"
[ ! -e store.code/store.json ] && [ ! -e store.code/scratch ] || fail "something stays"
step "a code with more memory"
load 2 code store.code 4G || { cat said; fail "with 4 GiB"; }
[ "$(counted store.code | tail -n 1 | tr -d '"\r')" = "$rows,$rows" ] || fail "codes: $(counted store.code)"
step "an identifier with little memory"
load 1 id store.one "${little}M" || { cat said; fail "one rank"; }
resident=$(sed -n 's/.*ingest_memory.*resident_mib=\([0-9]*\).*/\1/p' said)
echo "resident: $resident MiB with --memory ${little}M"
# Sanitizers take memory of their own.
[ -z "${PARCOURS_RELEASE:-}" ] || [ "$resident" -le $((little + beside)) ] || fail "$resident MiB resident"
[ "$(counted store.one | tail -n 1 | tr -d '"\r')" = "$rows,$rows" ] || fail "identifiers: $(counted store.one)"
step "the same with other memory and ranks"
load 2 id store.two 1G || { cat said; fail "two ranks"; }
cmp store.one/store.json store.two/store.json || fail "memory or ranks change the store"
step "all passed"
