#!/usr/bin/env bash
# The study language over a synthetic store: exposures, periods, exits, measures and statistics of
# study_language.json, and the sets of study_match.json, are worked out again in plain Python (study_twin.py,
# match_twin.py); the same files on 1 to 3 ranks and with 16 and 64 shards.
# usage: test_study_language.sh BIN_DIR
set -u
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
parcours=$(realpath "$1")/parcours
/usr/bin/python3 -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is missing"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

quiet="--quiet --progress never"
run() { must mpirun --oversubscribe -n "$1" "$parcours" run "${@:2}" $quiet; }
query() { must "$parcours" query s16 "$2" --format csv --out "$1" --unprotected $quiet; }
days() { echo $(($(date -ud "$1" +%s) / 86400)); }

must "$parcours" synth --patients 600 --years 2019:2021 --seed 11 --out delivery $quiet
for shards in 16 64; do
    must mpirun --oversubscribe -n 2 "$parcours" ingest --model snds --in delivery --store s$shards --shards $shards $quiet
done
for name in language match; do
    study=$top/tests/jobs/study_$name.json
    run 1 "$study" --store s16 --out $name
    run 3 "$study" --store s16 --out $name-3
    run 2 "$study" --store s64 --out $name-64
    for other in $name-3 $name-64; do
        for part in release control cohorts; do
            # Exports in HDF5 are a part a shard, and a file over all that names the parts.
            [ "$other/$part" != $name-64/cohorts ] || continue
            diff -r $name/$part $other/$part >difference || fail "$part: $name and $other differ: $(head -1 difference)"
        done
    done
    for file in $name/cohorts/*; do
        [[ $file =~ -[0-9]{6}\.h5$ ]] || compgen -G "${file%.h5}-[0-9]*.h5" >/dev/null ||
            cmp -s "$file" "$name-64/cohorts/${file##*/}" || fail "$file differs with 64 shards"
    done
done
# An unfinished run: exports are made again, what belongs to no shard goes.
cp -r language again
rm again/manifest.json again/cohorts/cox.h5 again/cohorts/sccs-000003.h5
touch again/cohorts/left.h5
run 2 "$top/tests/jobs/study_language.json" --store s16 --out again --resume
diff -r language/cohorts again/cohorts >difference || fail "--resume gives other exports: $(head -1 difference)"

# A grid is what single runs are; codes and dates that the store does not have are told.
cat >grid.json <<'END'
{"study": "grid", "parameters": {"year": 2020, "days": 30}, "dates": ["${year}-01-01", "${year}-12-31"],
 "codes": {"ppi": {"ATC": ["A02BC", "A02BX99"]}},
 "events": {"ppi": {"from": "ER_PHA_F", "where": "valid", "code": "atc", "codes": "ppi", "apart": "${days}"}},
 "cohorts": {"c": {"entry": {"from": "ppi"}}}, "statistics": {"n": {"count": "c", "by": ["month(start_date)"]}},
 "exports": {"rows": {"rows": "c", "format": "csv"}}}
END
run 2 grid.json --store s16 --out grid --grid year=2019,2020 --grid days=30,60
run 1 grid.json --store s16 --out single --set year=2019 --set days=60
for part in release control cohorts; do
    diff -r single/$part grid/year=2019,days=60/$part >difference || fail "a grid differs: $(head -1 difference)"
done
[ "$(grep -c days= grid/manifest.json)" = 4 ] || fail "the manifest of a grid"
must "$parcours" check grid.json --store s16 --set year=2030
grep -q "codes.ppi: warning: the store has no code of ATC like 'A02BX99', the nearest is 'A02B" said || fail "unknown code: $(cat said)"
grep -q "cohorts.c: warning: the dates lie outside of the store's period" said || fail "dates: $(cat said)"

query drugs.csv "SELECT patient, event_date, atc, PHA_ACT_QSN AS n FROM ER_PHA_F WHERE valid AND PHA_ACT_QSN > 0 AND (atc LIKE 'C10AA%' OR atc LIKE 'A02BC%' OR atc LIKE 'A10%')"
query stays.csv "SELECT patient, event_date, event_end FROM T_MCOaaB WHERE valid"
query persons.csv "SELECT patient, sex, birth_date, birth_year, death_date, BEN_RES_DPT FROM PERSON"
read -r first last < <("$parcours" info s16 | awk '$1 == "period" {print $2, $4}')
echo "$(days "$first") $(days "$last")" >persons.csv.period
/usr/bin/python3 "$top/tests/jobs/study_twin.py" drugs.csv stays.csv persons.csv language || fail "the twin differs"
/usr/bin/python3 "$top/tests/jobs/match_twin.py" persons.csv match || fail "the twin differs"

finish
