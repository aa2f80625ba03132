#!/usr/bin/env bash
# People that no register should have: no record, 100,000 records, born after the first claim, dead before it, stays that
# are open or end before they begin, days centuries away, no code and no supply. Every verb runs over them, says what it
# left out, and gives the same bytes on 1 and 3 ranks.
# usage: test_study_hostile.sh BIN_DIR
set -u
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
parcours=$(realpath "$1")/parcours
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
quiet="--quiet --progress never"

must python3 "$top/tests/jobs/hostile_case.py" make .
must mpirun --oversubscribe -n 2 "$parcours" ingest --model model.json --in in --store store --shards 16 $quiet
must mpirun --oversubscribe -n 3 "$parcours" run study.json --store store --out out $quiet
must python3 "$top/tests/jobs/hostile_case.py" check .
must mpirun -n 1 "$parcours" run study.json --store store --out alone $quiet
for part in release control cohorts; do
    diff -r alone/$part out/$part >difference || { echo "FAILED: ranks: $(head -1 difference)"; exit 1; }
done
echo "all passed"
