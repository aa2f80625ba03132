#!/usr/bin/env bash
# The shipped libraries of algorithms (adherence, exposures, users, followup, episodes, charlson, charlson_union) over a
# random register, beside a plain twin in Python; the answers that AdhereR and the Charlson papers give; the same bytes
# on 1 and 3 ranks. SEED sets another population.
# usage: test_study_algorithms.sh BIN_DIR
set -u
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
parcours=$(realpath "$1")/parcours
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
quiet="--quiet --progress never"

for seed in ${SEED:-1 2}; do
    echo "seed $seed"
    must python3 "$top/tests/jobs/algorithms_twin.py" make "$seed" "$seed"
    must mpirun --oversubscribe -n 2 "$parcours" ingest --model "$seed/model.json" --in "$seed/in" --store "$seed/store" --shards 16 $quiet
    must mpirun --oversubscribe -n 3 "$parcours" run "$seed/study.json" --store "$seed/store" --out "$seed/out" $quiet
    must python3 "$top/tests/jobs/algorithms_twin.py" compare "$seed" "$seed"
done
must mpirun -n 1 "$parcours" run "$seed/study.json" --store "$seed/store" --out alone $quiet
for part in release control cohorts; do
    diff -r alone/$part "$seed/out/$part" >difference || { echo "FAILED: ranks: $(head -1 difference)"; exit 1; }
done
echo "all passed"
