#!/usr/bin/env bash
# Usage: test_many_pairs.sh BIN_DIR
# Identity tables whose keys do not fit in --memory: they go in parts, on one rank and on three, and the store is that of
# plenty of memory, byte by byte; the same when the identity tables of a store get more rows. Uses $PARCOURS_RELEASE when set.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
parcours=$(realpath "${PARCOURS_RELEASE:-$1/..}")/bin/parcours
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMPI_MCA_orte_tmpdir_base=$work # not shared with other jobs of this machine
cd "$work"
pairs=${MANY_PAIRS:-100000} little=${MANY_PAIRS_MEMORY:-32M}

sum_of() { (cd "$1" && find . -type f ! -name journal.jsonl | LC_ALL=C sort | xargs sha256sum | sha256sum); }
# load RANKS STORE MEMORY DELIVERY OPTIONS...: what it says stands in `said`
load() {
    mpirun --oversubscribe --quiet -n "$1" "$parcours" ingest --model ./many.json --in "$4" --store "$2" --memory "$3" \
        --progress never "${@:5}" >said 2>&1 || { cat said; die "$*"; }
}

python3 - "$pairs" <<'PYTHON'
import json, os, random, sys
pairs, chance = int(sys.argv[1]), random.Random(11)
claims = pairs // 5
tables = {
    "PEOPLE": {"files": ["people*.csv"], "patient": {"path": "identity", "pseudonym": "PSA", "rank": "TWIN", "person": "WHO"},
               "columns": ["PSA id(17) patient core", "TWIN int(2) core", "WHO id(17) core", "SEX code core", "YEAR int(4) core",
                           "MONTH int(2) core", "DEATH date core", "SEEN date core"]},
    "CLAIM": {"files": ["claims*.csv"], "patient": {"path": "pair", "pseudonym": "PSA", "rank": "TWIN"}, "dates": ["DAY"],
              "columns": ["PSA id(17) patient core", "TWIN int(2) core", "DAY date core", "N int(8) core"]},
    "STAY": {"files": ["stays*.csv"], "patient": {"path": "pseudonym", "pseudonym": "PSA"}, "dates": ["DAY"],
             "columns": ["PSA id(17) patient core", "DAY date core", "N int(8) core"]},
    "CAUSE": {"files": ["causes*.csv"], "patient": {"path": "direct", "person": "WHO", "nobody": "N"}, "dates": ["DAY"],
              "columns": ["WHO id(17) patient core", "DAY date core", "N int(8) core"]}}
person = {"identity": ["PEOPLE"], "latest": ["SEEN"], "sex": "SEX", "female": "2", "male": "1", "birth_year": "YEAR",
          "birth_month": "MONTH", "death_date": "DEATH", "copy": []}
with open("many.json", "w") as file:
    json.dump({"model": "many", "version": "1", "delimiter": ";", "person": person, "tables": tables}, file)

def day(k):
    return f"2019-{1 + k % 12:02d}-{1 + k % 28:02d}"

def write(folder, numbers, from_claim):
    os.makedirs(folder)
    with open(f"{folder}/people{from_claim}.csv", "w") as people:
        people.write("PSA;TWIN;WHO;SEX;YEAR;MONTH;DEATH;SEEN\n")
        for i in numbers:  # pseudonyms of two ranks, persons of two pseudonyms, pairs of two persons
            psa, twin = (i - 1, 2) if i % 10 == 1 else (i, 1)
            who = i - 2 if i % 5 == 4 else i
            rest = f"{1 + i % 2};{1930 + i % 80};4;;2019-0"
            people.write(f"p{psa:016d};{twin};w{who:016d};{rest}1-{1 + i % 28:02d}\n")
            if i % 50 == 7:
                people.write(f"p{psa:016d};{twin};w{who + 1:016d};{rest}2-{1 + i % 28:02d}\n")
    with open(f"{folder}/claims{from_claim}.csv", "w") as claim, open(f"{folder}/stays{from_claim}.csv", "w") as stay, \
            open(f"{folder}/causes{from_claim}.csv", "w") as cause:
        claim.write("PSA;TWIN;DAY;N\n")
        stay.write("PSA;DAY;N\n")
        cause.write("WHO;DAY;N\n")
        for k in range(from_claim, from_claim + claims):  # some name nobody
            i = chance.randrange(pairs + pairs // 20)
            for _ in range(1 + chance.randrange(2)):  # neighbours that ask the same
                claim.write(f"p{i:016d};{1 + (i % 10 == 0) * chance.randrange(2)};{day(k)};{k}\n")
            if k % 4 == 0:
                stay.write(f"p{i:016d};{day(k)};{k}\n")
                cause.write(f"w{i:016d};{day(k)};{k}\n")

order = list(range(pairs))
chance.shuffle(order)
write("first", order[:len(order) * 9 // 10], 0)
write("second", order[len(order) * 9 // 10:], claims)
PYTHON

step "plenty of memory"
load 1 plenty 4G first --shards 4
! grep -q identity_in_parts said || die "in parts with plenty of memory"
first=$(sum_of plenty)
"$parcours" query plenty "SELECT patient_status, count(*) FROM STAY GROUP BY 1" --unprotected --format csv --quiet >kinds
[ "$(grep -c -E 'resolved|unresolved|ambiguous' kinds)" = 3 ] || die "not every kind of patient: $(cat kinds)"
load 1 plenty 4G second --append
both=$(sum_of plenty)
grep -o 'why=.*' said >why
[ "$(grep -c -E '^why=(person|same_day) slots=[1-9][0-9]* rows=[1-9]' why)" = 2 ] || die "what is rewritten: $(cat why)"
for ranks in 1 3; do
    step "little memory, $ranks ranks"
    load $ranks little$ranks "$little" first --shards 4
    [ $ranks != 1 ] || grep -q 'identity_in_parts.*parts=[2-9]' said || { cat said; die "not in parts"; }
    [ "$(sum_of little$ranks)" = "$first" ] || die "little memory on $ranks ranks gives other bytes"
    load $ranks little$ranks "$little" second --append
    [ $ranks != 1 ] || grep -q 'identity_in_parts.*parts=[2-9]' said || { cat said; die "the append is not in parts"; }
    grep -o 'why=.*' said | cmp - why || die "$ranks ranks rewrite other slots"
    [ "$(sum_of little$ranks)" = "$both" ] || die "an append with little memory on $ranks ranks gives other bytes"
done
finish
