#!/bin/bash
# The traps of docs/traps.md: a messy delivery is ingested, and each case is counted three times, as it
# was planted (truth.json), as the files hold it (trap_cases.py) and as the store shows it (trap_store.py).
# usage: test_traps.sh FOLDER_OF_THE_BINARY
set -euo pipefail
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
bin=$1/parcours
here=$(cd "$(dirname "$0")" && pwd)
[ -x "$bin" ] || { echo "no $bin"; exit 77; }
command -v python3 >/dev/null || { echo "python3 is missing"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { echo "FAILED: $*"; exit 1; }

# trial NAME OPTIONS...: the seeds are such that together they have all cases
trial() {
    "$bin" synth "${@:2}" --messy --out "$work/$1" --quiet || fail "$1: synth"
    "$bin" ingest --model snds --in "$work/$1" --store "$work/$1.store" --shards 16 2>"$work/$1.log" ||
        fail "$1: ingest: $(tail -n 1 "$work/$1.log")"
    python3 "$here/trap_store.py" "$bin" "$work/$1" "$work/$1.store" "$work/$1.log" "$work/seen" ||
        fail "$1: the store shows other cases"
}
trial core --patients 1000 --years 2017:2018 --seed 2
trial all --patients 250 --years 2012:2013 --seed 9 --columns all
for number in $(seq -w 1 59); do
    grep -q "^T$number$" "$work/seen" || fail "T$number occurs in neither delivery"
done
echo "traps: done"
