#!/usr/bin/env bash
# Usage: test_slt.sh BIN_DIR
# The records of tests/slt on one rank and on three, and, where PostgreSQL 15 is there, on it: what the files expect is
# what PostgreSQL answers. Uses $PARCOURS_RELEASE when set.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=$(realpath "${PARCOURS_RELEASE:-$1/..}")
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 PYTHONDONTWRITEBYTECODE=1
source "$top/tests/oracle/cluster.sh"
trap oracle_stop EXIT
run() { /usr/bin/python3 "$top/tests/slt/run.py" --bin "$folder/bin" --tools "$folder/tests" "$@" "$top"/tests/slt/*.slt; }

run
run --ranks 3
if oracle_start; then
    oracle_psql --file "$top/tests/oracle/functions.sql"
    run --postgres
fi
