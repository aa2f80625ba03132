#!/usr/bin/env bash
# Every event of the shipped libraries beside SQL (SQLite) over the tables that it is made from: records, patients and
# sums by code, on a synthetic store with all columns.
# Uses $PARCOURS_RELEASE/bin when set. usage: test_study_events.sh BIN_DIR
set -u
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=${PARCOURS_RELEASE:+$PARCOURS_RELEASE/bin}
parcours=$(realpath "${folder:-$1}")/parcours
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
quiet="--quiet --progress never"

must "$parcours" synth --patients 700 --years 2018:2020 --seed 5 --columns all --out delivery $quiet
must mpirun --oversubscribe -n 2 "$parcours" ingest --model snds --in delivery --store store --shards 16 $quiet
must python3 "$top/tests/jobs/events_twin.py" study events.json
must mpirun --oversubscribe -n 2 "$parcours" run events.json --store store --out out $quiet
python3 "$top/tests/jobs/events_twin.py" compare "$parcours" store out || exit 1
# A library event that this test does not know would go untested.
for library in drugs acts hospital services; do
    for event in $(python3 -c 'import json, sys; print(*json.load(open(sys.argv[1]))["events"])' "$top/jobs/library/$library.json"); do
        grep -q "\"$library.$event\"" "$top/tests/jobs/events_twin.py" || {
            [[ " ssr had rip " == *" $event "* ]] || { echo "FAILED: $library.$event has no twin"; exit 1; }
        }
    done
done
echo "all passed"
