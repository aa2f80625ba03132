#!/usr/bin/env bash
# Usage: test_sql_docs.sh BIN_DIR
# Runs the examples of docs/sql.md: each ```sql block must give the ```csv block behind it, on one rank and on two; each
# ```explain block the plan and the estimates of the ```plan block behind it.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=${PARCOURS_RELEASE:+$PARCOURS_RELEASE/bin}
parcours=$(realpath "${folder:-$1}")/parcours
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

"$parcours" synth --patients 1000 --years 2019:2020 --seed 1 --columns core --out delivery --quiet
"$parcours" ingest --model snds --in delivery --store store --shards 16 --quiet

# blocks KIND: the blocks of that kind, as KIND.1, KIND.2 ...
blocks() {
    awk -v kind="$1" '
        $0 == "```" kind { inside = 1; file = kind "." ++count; printf "" >file; next }
        $0 == "```" { inside = 0; next }
        inside { print >file }' "$top/docs/sql.md"
}
blocks sql
blocks csv
blocks explain
blocks plan
failures=0
for query in explain.*; do
    "$parcours" explain "$(cat "$query")" --store store | sed 's/ *$//' >one
    if ! diff "plan.${query#explain.}" one; then
        echo "FAILED: $query of docs/sql.md"
        failures=$((failures + 1))
    fi
done
for query in sql.*; do
    expected=csv.${query#sql.}
    "$parcours" query store --file "$query" --format csv --quiet >one
    mpirun --oversubscribe --quiet -n 2 "$parcours" query store --file "$query" --format csv --quiet >two
    for found in one two; do
        if ! diff "$expected" "$found"; then
            echo "FAILED: $query of docs/sql.md ($found)"
            failures=$((failures + 1))
        fi
    done
done
[ "$(ls sql.* | wc -l)" -ge 3 ] || { echo "FAILED: examples are missing"; exit 1; }
[ "$failures" = 0 ] && echo "the examples of docs/sql.md give what it shows"
