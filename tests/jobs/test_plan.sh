#!/usr/bin/env bash
# calibrate on two ranks, plan from it, scripts/submit's lines; what is refused. The model itself: tests/engine.
# Uses $PARCOURS_RELEASE/bin when set. usage: test_plan.sh BIN_DIR
set -u
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=${PARCOURS_RELEASE:+$PARCOURS_RELEASE/bin}
export PARCOURS=$(realpath "${folder:-$1}")/parcours
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

expect 0 'calibrated' mpirun --quiet -n 2 "$PARCOURS" calibrate "$top/jobs/diabetes.json" --people 100 --out constants.json
[ "$(ls)" = "constants.json
said" ] || fail "calibrate leaves files: $(ls)"
expect 0 'INGEST.*' "$PARCOURS" plan --calibration constants.json --patients 68M --years 15 --nodes 128 --cores 64 --read-gbs 100 --study diabetes
grep -q '^8192 ranks, 16384 shards' said || fail "plan: $(head -n 1 said)"
grep -q '^STUDY' said || fail "plan tells nothing of the study"
expect 0 '"delivery_bytes": 274877906944000,' "$PARCOURS" plan --calibration constants.json --patients 68M --years 15 --delivery 250T --json
python3 -c 'import json; json.load(open("said"))' || fail "plan --json is not JSON"
expect 2 "study 'statins' is not in the calibration" "$PARCOURS" plan --calibration constants.json --patients 10 --study statins
expect 2 'not a number above 0' "$PARCOURS" plan --calibration constants.json --patients lots
expect 1 'cannot open' "$PARCOURS" plan --calibration nowhere.json --patients 10
echo '{"format": "other"}' >other.json
expect 2 'other.json' "$PARCOURS" plan --calibration other.json --patients 10
expect 2 "'--out' is needed" "$PARCOURS" calibrate

"$PARCOURS" synth --patients 100 --years 2019 --out delivery --quiet
"$PARCOURS" ingest --model snds --in delivery --store store --shards 4 --quiet >said 2>&1 || fail "ingest: $(tail -n 1 said)"
expect 0 'sbatch --nodes=1 --ntasks-per-node=4 --mem-per-cpu=[0-9]*G --time=00:15:00 --partition=x .*/run.sbatch .*diabetes.json store out --memory [0-9]*G' \
    "$top/scripts/submit" run "$top/jobs/diabetes.json" store out --calibration constants.json --cores 4 -- --partition=x
expect 0 'sbatch .*/ingest.sbatch snds delivery store2 --memory' "$top/scripts/submit" ingest snds delivery store2 --calibration constants.json
expect 0 'sbatch --nodes=2 .*/scaling.sbatch' "$top/scripts/submit" scaling "$top/jobs/diabetes.json" store out --calibration constants.json --nodes 1,2
[ "$(grep -c '^sbatch' said)" = 2 ] || fail "a line a point: $(cat said)"
expect 1 'is not in the calibration' "$top/scripts/submit" run "$top/jobs/statins.json" store out --calibration constants.json

finish
