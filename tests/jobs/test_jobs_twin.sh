#!/usr/bin/env bash
# Usage: test_jobs_twin.sh BIN_DIR
# The studies of glitazones, antidepressants, COPD and spending over a synthetic delivery with codes of theirs strewn in, beside twins in plain
# Python (jobs_twin.py), person by person. Skipped (77) without h5py.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=${PARCOURS_RELEASE:+$PARCOURS_RELEASE/bin}
parcours=$(realpath "${folder:-$1}")/parcours
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 ASAN_OPTIONS=detect_leaks=0 PYTHONDONTWRITEBYTECODE=1
/usr/bin/python3 -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is missing"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat >rules.json <<'END'
[{"any": [{"t": "stay", "icd": ["C67"]}]}, {"any": [{"t": "stay", "icd": ["C67", "C77", "C78", "Z510"]}]},
 {"any": [{"t": "stay", "icd": ["J440", "J441", "J960", "J43"]}]}, {"any": [{"t": "stay", "icd": ["J42", "J45", "C79"]}]},
 {"any": [{"t": "ccam", "codes": ["JDFA001", "JDFA016", "JDLD002", "ZZNL045"]}]},
 {"any": [{"t": "drug", "atc": ["A10BA02", "A10BG03", "A10BB09"]}]}, {"any": [{"t": "drug", "atc": ["R03BB04", "R03AL02", "R03AC18"]}]},
 {"any": [{"t": "drug", "atc": ["N06AB04", "N06AX16", "N06AA09"]}]}, {"any": [{"t": "drug", "atc": ["C10AA05", "N02BE01", "J01CA04", "A02BC01"]}]},
 {"any": [{"t": "drug", "atc": ["B01AC06", "C09AA05", "M01AE01", "H03AA01", "A11CC05"]}]}]
END
"$parcours" synth --out delivery --columns all --years 2014:2019 --patients 500 --seed 5 --quiet
for file in delivery/*.CSV; do
    [[ $(basename "$file" .CSV) =~ ^(IR_BEN_R|IR_IMB_R|IR_PHA_R|KI_CCI_R|ER_(PRS|ETE|PHA|UCD|CAM)_F|T_MCO..(B|C|D|UM|A|MED|VALO|CSTC|VALOACE)|T_HAD..(B|C)|T_SSR..(B|C|D))(_ARC|_[0-9]{4})?$ ]] ||
        rm "$file"
done
/usr/bin/python3 "$top/tests/oracle/stir.py" delivery rules.json 5
"$parcours" ingest --model snds --in delivery --store store --shards 8 --quiet
run() { "$parcours" run "$top/jobs/$1.json" --store store --out "$1" --quiet "${@:2}"; }
run glitazones --set 'drugs=["A10BA", "A10BB", "A10BG"]' --set first=2016-01-01 --set last_entry=2018-12-31 --set last=2019-12-31
run antidepressants
run copd --set year=2018
run spending --set year=2018
cp "$top/jobs/codes/radiotherapy.csv" .
/usr/bin/python3 "$top/tests/jobs/jobs_twin.py" "$parcours" store "$work"
echo "all passed"
