#!/bin/bash
# The traps of docs/traps.md: a messy delivery is ingested, and each case is counted three times, as it
# was planted (truth.json), as the files hold it (trap_cases.py) and as the store shows it (trap_store.py).
# usage: test_traps.sh FOLDER_OF_THE_BINARY
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
bin=$1/parcours
here=$(cd "$(dirname "$0")" && pwd)
[ -x "$bin" ] || { echo "no $bin"; exit 77; }
command -v python3 >/dev/null || { echo "python3 is missing"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# trial NAME OPTIONS...: the seeds are such that together they have all cases
trial() {
    "$bin" synth "${@:2}" --messy --out "$work/$1" --quiet || die "$1: synth"
    "$bin" ingest --model snds --in "$work/$1" --store "$work/$1.store" --shards 16 >"$work/$1.report" 2>"$work/$1.log" ||
        die "$1: ingest: $(tail -n 1 "$work/$1.log")"
    python3 "$here/trap_store.py" "$bin" "$work/$1" "$work/$1.store" "$work/$1.log" "$work/seen" ||
        die "$1: the store shows other cases"
}
trial core --patients 1000 --years 2017:2018 --seed 2
trial all --patients 250 --years 2012:2013 --seed 44 --columns all
for number in $(seq -w 1 59); do
    grep -q "^T$number$" "$work/seen" || die "T$number occurs in neither delivery"
done

# T59: a file that comes again is refused by its name; T03: with a new IR_BEN_R people get another key
"$bin" synth --patients 300 --years 2018:2018 --seed 3 --out "$work/first" --quiet
"$bin" ingest --model snds --in "$work/first" --store "$work/store" --shards 16 --quiet >"$work/report"
mkdir "$work/again"
cp "$work/first/ER_PRS_F_2018.CSV" "$work/again"
code=0
"$bin" ingest --in "$work/again" --store "$work/store" --append --quiet >"$work/report" 2>"$work/err" || code=$?
[ $code = 2 ] && grep -q 'ER_PRS_F_2018.CSV' "$work/err" || die "T59: a file twice: exit $code: $(cat "$work/err")"
python3 "$here/trap_rekey.py" make "$work/first" "$work/second"
python3 "$here/trap_rekey.py" check "$bin" "$work/store" 18
"$bin" ingest --in "$work/second" --store "$work/store" --replace --quiet >"$work/report"
python3 "$here/trap_rekey.py" check "$bin" "$work/store" 17
echo "traps: done"
