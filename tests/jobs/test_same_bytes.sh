#!/usr/bin/env bash
# Usage: test_same_bytes.sh BIN_DIR
# The same answer, byte for byte: a delivery is ingested on 1, 2, 3 and 4 ranks, with little memory, and into 16
# and 64 shards; the stores of 16 shards have the same files, and queries and the diabetes study give the same
# files whatever the ranks of ingest and run and the number of shards. Uses $PARCOURS_RELEASE/bin when set.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=${PARCOURS_RELEASE:+$PARCOURS_RELEASE/bin}
parcours=$(realpath "${folder:-$1}")/parcours
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMPI_MCA_orte_tmpdir_base=$work # not shared with other jobs of this machine
cd "$work"

ranks() { mpirun --oversubscribe --quiet -n "$1" "$parcours" "${@:2}"; }

# sums FOLDER: a hash of each file but those that tell of the run itself.
sums() {
    (cd "$1" && find . -type f ! -name 'journal.jsonl*' ! -name .lock ! -name manifest.json -print0 | sort -z |
        xargs -0 sha256sum)
}

# same NAME A B: the two folders hold the same files.
same() {
    if ! diff <(sums "$2") <(sums "$3") >difference; then
        fail "$1: $2 and $3 differ"
        head -n 6 difference
    fi
}

step "delivery"
"$parcours" synth --patients 700 --years 2019:2020 --seed 3 --out delivery --columns core --messy --quiet

step "ingest on 1 to 4 ranks"
for n in 1 2 3 4; do
    ranks "$n" ingest --model snds --in delivery --store "store$n" --shards 16 --quiet
    same "ingest on $n ranks" store1 "store$n"
done
step "ingest with little memory, and into 64 shards"
ranks 2 ingest --model snds --in delivery --store store_small --shards 16 --memory 96M --quiet
same "ingest with 96 MB a rank" store1 store_small
ranks 3 ingest --model snds --in delivery --store store64 --shards 64 --quiet

# answers NAME RANKS STORE: some queries and the study, into folder NAME.
answers() {
    local name=$1 n=$2 store=$3 query
    mkdir "$name"
    for query in 03_drugs_of_diabetes 08_stays_by_key 14_packages_left_join 28_ages 39_drug_claim_person 53_rows_of_patients; do
        ranks "$n" query "$store" --file "$top/tests/oracle/queries/$query.sql" --format csv --out "$name/$query.csv" \
            --unprotected --quiet
    done
    ranks "$n" query "$store" --file "$top/tests/oracle/queries/61_gate_sex_and_decade.sql" --format json \
        --out "$name/gate.json" --quiet
    ranks "$n" run "$top/jobs/diabetes.json" --store "$store" --out "$name/run" --set year=2020 --set last_year=2020 --quiet
}
step "answers on 1 to 4 ranks"
for n in 1 2 3 4; do
    answers "answers$n" "$n" store1
    same "answers on $n ranks" answers1 "answers$n"
done
step "answers from 64 shards"
for n in 2 3; do
    answers "answers64_$n" "$n" store64
    same "answers from 64 shards on $n ranks" answers1 "answers64_$n"
done
step "done"
if [ "$failures" != 0 ]; then
    echo "$failures comparisons FAILED"
    exit 1
fi
echo "the same bytes everywhere"
