#!/usr/bin/env bash
# Usage: test_oracle.sh BIN_DIR
# PostgreSQL 15 as an independent oracle (tests/oracle/README.md): a clean, a messy and a damaged synthetic delivery
# with core columns, and a clean one with all tables, are ingested by Parcours and loaded into a throw-away
# PostgreSQL cluster, where patients, derived columns and the diabetes cohort are made by SQL. Every row, every
# rejected row, each query of tests/oracle/queries and the cohorts are compared. Uses $PARCOURS_RELEASE/bin when set. Skipped (77) without PostgreSQL 15 or h5py.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
oracle=$top/tests/oracle
folder=${PARCOURS_RELEASE:+$PARCOURS_RELEASE/bin}
parcours=$(realpath "${folder:-$1}")/parcours
model=$top/partition/models/snds.json
source "$oracle/cluster.sh"

[ -x "$parcours" ] || { echo "$parcours is missing"; exit 1; }
/usr/bin/python3 -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is missing"; exit 77; }
work=$(mktemp -d)
trap 'oracle_stop; rm -rf "$work"' EXIT
export OMPI_MCA_orte_tmpdir_base=$work # not shared with other jobs of this machine
oracle_start || exit $?
cd "$work"

two_ranks() { mpirun --oversubscribe --quiet -n 2 "$parcours" "$@"; }
deliver() { "$parcours" synth --out "$1.csv" --columns core --years 2018:2020 --quiet "${@:2}"; }
ingest() { two_ranks ingest --model snds --in "$1.csv" --store "$1.store" --shards 16 --quiet; }
tidy() { /usr/bin/python3 "$oracle/tidy.py" "$model" "$1.csv" "$1.tidy"; }

# load NAME [TIDY]: the database NAME, in the background; wait_for_load waits for it
load() {
    (
        oracle_psql --command "CREATE DATABASE $1"
        /usr/bin/python3 "$oracle/load.py" "$model" "$1.csv" "${@:2}" >"$1.sql"
        PGDATABASE=$1 oracle_psql --file "$oracle/functions.sql" --file "$1.sql" --file "$oracle/resolve.sql" \
            --file "$oracle/diabetes.sql" --output /dev/null
    ) &
    loading=$!
}
wait_for_load() { wait "$loading" || { echo "FAILED: PostgreSQL cannot load the delivery"; exit 1; }; }

# compare NAME ACTION ARGUMENTS...
compare() {
    PGDATABASE=$1 /usr/bin/python3 "$oracle/compare.py" "${@:2}" || failures=$((failures + 1))
}

# diabetes NAME YEAR...: jobs/diabetes.json of those years
diabetes() {
    local name=$1 year runs=()
    for year in "${@:2}"; do
        two_ranks run "$top/jobs/diabetes.json" --store "$name.store" --out "$name.run$year" --set "year=$year" \
            --set first_year=2018 --set last_year=2020 --quiet
        runs+=("$year=$name.run$year")
    done
    compare "$name" diabetes "$name.csv/truth.json" "${runs[@]}"
}

step "clean delivery: ingest, and load into PostgreSQL"
mkdir -p out/clean out/messy out/damaged
deliver clean --patients 1500 --seed 7
load clean
ingest clean
deliver messy --patients 600 --seed 5 --messy
tidy messy
ingest messy
wait_for_load
load messy messy.tidy
step "clean delivery: every row of every table"
compare clean tables "$parcours" clean.store out/clean
step "clean delivery: queries"
compare clean queries "$parcours" clean.store out/clean "$oracle/queries"
step "clean delivery: diabetes in three years"
diabetes clean 2018 2019 2020

wait_for_load
step "messy delivery"
compare messy tables "$parcours" messy.store out/messy
compare messy rejects "$parcours" messy.store out/messy messy.tidy
diabetes messy 2020

step "damaged delivery"
deliver damaged --patients 150 --seed 3 --messy
/usr/bin/python3 "$oracle/damage.py" damaged.csv 3
tidy damaged
load damaged damaged.tidy
ingest damaged
wait_for_load
compare damaged tables "$parcours" damaged.store out/damaged
compare damaged rejects "$parcours" damaged.store out/damaged damaged.tidy
compare damaged foreign damaged.store out/damaged "$(dirname "$parcours")/../plugin"
step "500 random queries, on the damaged and the clean delivery"
for name in damaged clean; do
    PGDATABASE=$name /usr/bin/python3 "$oracle/random_queries.py" 20 250 "random.$name"
    compare "$name" queries "$parcours" "$name.store" "out/$name" "random.$name"
done
step "clean delivery with all tables and columns"
"$parcours" synth --out every.csv --columns all --patients 400 --years 2020:2021 --seed 4 --quiet
mkdir -p out/every
load every
ingest every
wait_for_load
compare every tables "$parcours" every.store out/every
compare every foreign every.store out/every "$(dirname "$parcours")/../plugin"
step "done"
if [ "$failures" != 0 ]; then
    echo "$failures comparisons FAILED"
    exit 1
fi
