#!/usr/bin/env bash
# Usage: test_cartographie.sh BIN_DIR
# The 72 rules of jobs/cartographie beside PostgreSQL (tests/oracle/README.md): a messy synthetic delivery with all tables, in
# which codes of the rules were strewn, is ingested by Parcours and loaded into a throw-away cluster; each cohort of two years is the same,
# patient by patient, and the files are the same for 1 and 3 ranks. Uses $PARCOURS_RELEASE/bin when set. Skipped (77) without PostgreSQL 15 or h5py.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
oracle=$top/tests/oracle
folder=${PARCOURS_RELEASE:+$PARCOURS_RELEASE/bin}
parcours=$(realpath "${folder:-$1}")/parcours
model=$top/partition/models/snds.json
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 PYTHONDONTWRITEBYTECODE=1 ASAN_OPTIONS=detect_leaks=0
source "$oracle/cluster.sh"

/usr/bin/python3 -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is missing"; exit 77; }
work=$(mktemp -d)
trap 'oracle_stop; rm -rf "$work"' EXIT
oracle_start || exit $?
cd "$work"

"$parcours" synth --out delivery --columns all --messy --years 2017:2020 --patients 600 --seed 21 --quiet
/usr/bin/python3 "$oracle/stir.py" delivery "$oracle/cartographie.json" 21
# What no rule reads is left out, to be quick.
needed='IR_BEN_R|IR_IMB_R|IR_PHA_R|KI_CCI_R|ER_(PRS|ETE|PHA|UCD|CAM|BIO)_F|T_MCO..(B|C|D|UM|A|MED|CSTC|FMSTC|FLSTC)|T_HAD..(B|C)|T_RIP..(C|RSA|RSAD)|T_SSR..(B|C|D)'
for file in delivery/*.CSV; do
    [[ $(basename "$file" .CSV) =~ ^($needed)(_ARC|_[0-9]{4})?$ ]] || rm "$file"
done
/usr/bin/python3 "$oracle/tidy.py" "$model" delivery tidy
(
    /usr/bin/python3 "$oracle/load.py" "$model" delivery tidy >load.sql
    oracle_psql --file "$oracle/functions.sql" --file load.sql --file "$oracle/resolve.sql" --output /dev/null
) &
loading=$!
mpirun --oversubscribe --quiet -n 2 "$parcours" ingest --model snds --in delivery --store store --shards 16 --quiet
runs=()
for year in 2019 2020; do
    "$parcours" run "$top/jobs/cartographie/carte.json" --store store --out "$year" --set first_year=$year --set last_year=$year --quiet
    runs+=("$year=$year")
done
mpirun --oversubscribe --quiet -n 3 "$parcours" run "$top/jobs/cartographie/carte.json" --store store --out both --set first_year=2019 \
    --set last_year=2020 --quiet
"$parcours" run "$top/jobs/cartographie/carte.json" --store store --out alone --set first_year=2019 --set last_year=2020 --quiet
for part in release control cohorts; do
    diff -r both/$part alone/$part
done
wait "$loading" || { echo "FAILED: PostgreSQL cannot load the delivery"; exit 1; }
/usr/bin/python3 "$oracle/cartographie.py" "$oracle/cartographie.json" "${runs[@]}" 2019=both 2020=both
echo "all passed"
