#!/usr/bin/env bash
# OHDSI's attributes that the published library never uses, with rows reckoned by hand: insurance periods, types of
# visit details as concept sets; what is not supported is refused by its path; the same bytes on 1 to 3 ranks.
# usage: test_cohorts_rare.sh BIN_DIR
set -u
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
parcours=$(realpath "$1")/parcours
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

must python3 "$here/circe_rare.py" made
must "$parcours" ingest --model omop --in made/cdm --store store --shards 2 --quiet --progress never
for ranks in 1 2 3; do
    must mpirun --oversubscribe -n $ranks "$parcours" cohorts store made/definitions --out out$ranks --quiet --progress never
    diff made/expected.csv out$ranks/cohorts/cohort.csv || fail "$ranks ranks: rows that are not those reckoned by hand"
done
sed 's/"VisitDetail"/"LocationRegion"/' made/definitions/17.json >region.json
expect 2 'CriteriaList\[0\]\.LocationRegion: not supported' "$parcours" cohorts store region.json --out region --quiet
[ ! -e region/cohorts ] || fail "a refused definition left something"
finish
