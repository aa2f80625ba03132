#!/usr/bin/env bash
# Usage: tests/oracle/nightly.sh [COUNT [SEED]]   (scripts/test --nightly runs it)
# COUNT (10,000) random queries on PostgreSQL 15 and on Parcours, in batches of 500 from SEED (today's date) on, over a
# damaged delivery. A query that differs is printed with its text: make it shorter and keep it in tests/oracle/queries.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
oracle=$top/tests/oracle
parcours=$(realpath "${PARCOURS_RELEASE:-$top/build/release}/bin/parcours")
count=${1:-10000}
seed=${2:-$(date +%Y%m%d)}
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 PYTHONDONTWRITEBYTECODE=1
source "$oracle/cluster.sh"
work=$(mktemp -d)
trap 'oracle_stop; rm -rf "$work"' EXIT
oracle_start || exit $?
cd "$work"

"$parcours" synth --out csv --columns core --years 2018:2020 --patients 300 --seed "$seed" --messy --quiet
/usr/bin/python3 "$oracle/damage.py" csv "$seed"
/usr/bin/python3 "$oracle/tidy.py" "$top/partition/models/snds.json" csv tidy
"$parcours" ingest --model snds --in csv --store store --shards 16 --quiet
/usr/bin/python3 "$oracle/load.py" "$top/partition/models/snds.json" csv tidy >load.sql
oracle_psql --file "$oracle/functions.sql" --file load.sql --file "$oracle/resolve.sql" --output /dev/null
failures=0
for ((made = 0; made < count; made += 500)); do
    rm -rf queries out && mkdir out
    /usr/bin/python3 "$oracle/random_queries.py" "$((seed + made))" "$((count - made < 500 ? count - made : 500))" queries
    /usr/bin/python3 "$oracle/compare.py" queries "$parcours" store out queries || failures=$((failures + 1))
done
echo "$count random queries from seed $seed on: $failures batches with a difference"
[ "$failures" = 0 ]
