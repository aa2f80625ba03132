#!/bin/bash
# parcours ingest: rows against an independent twin of resolution; the same bytes for any number of
# ranks, any memory, any order of rows, packed or not; what is refused; what --resume does.
# usage: test_ingest.sh FOLDER_OF_THE_BINARY
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export HDF5_PLUGIN_PATH=$1/../plugin
bin=$1/parcours
here=$(cd "$(dirname "$0")" && pwd)
[ -x "$bin" ] || { echo "no $bin"; exit 77; }
python=
for candidate in python3 /usr/bin/python3; do
    "$candidate" -c 'import h5py' 2>/dev/null && { python=$candidate; break; }
done
[ -n "$python" ] || { echo "python3-h5py is missing"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sum_of() { (cd "$1" && find . -type f ! -name journal.jsonl | LC_ALL=C sort | xargs sha256sum | sha256sum); }
ingest() { # RANKS DELIVERY STORE OPTIONS...
    local ranks=$1 in=$2 store=$3
    shift 3
    mpirun --oversubscribe -n "$ranks" "$bin" ingest --in "$in" --store "$store" --quiet "$@"
}
exits() { # STATUS COMMAND...: the command must end with that exit code
    local wanted=$1 got=0
    shift
    "$@" 2>"$work/said" || got=$?
    [ "$got" = "$wanted" ] || { cat "$work/said"; die "exit $got, not $wanted: $*"; }
}

# Every row is where the twin puts it.
for seed in 1 2 3; do
    "$python" "$here/ingest_case.py" make "$work/in$seed" $seed
    ingest 2 "$work/in$seed" "$work/store$seed" 2>/dev/null
    "$python" "$here/ingest_case.py" check "$work/in$seed" "$work/store$seed" || die "seed $seed"
done

# The same bytes for any number of ranks, memory and scratch folder.
wanted=$(sum_of "$work/store1")
for ranks in 1 3 4; do
    ingest $ranks "$work/in1" "$work/r$ranks" 2>/dev/null
    [ "$(sum_of "$work/r$ranks")" = "$wanted" ] || die "$ranks ranks give other bytes"
done
mkdir "$work/scratch"
ingest 2 "$work/in1" "$work/little" --memory 96M --scratch "$work/scratch" 2>/dev/null
[ "$(sum_of "$work/little")" = "$wanted" ] || die "little memory gives other bytes"
[ -z "$(ls -A "$work/scratch")" ] || die "something stays in the scratch folder"
[ -z "$(find "$work/store1" -name scratch -o -name '.*' -o -name '*.tmp*')" ] || die "something stays in the store"
[ -z "$(find "$work/store1" -type f -perm /077)" ] || die "others may read the store"

# The same parts for any order of rows and for packed files.
cp -r "$work/in1" "$work/mixed"
for file in "$work/mixed"/*.CSV; do
    { head -1 "$file"; tail -n +2 "$file" | shuf --random-source=<(yes); } >"$work/one" && mv "$work/one" "$file"
done
gzip "$work/mixed/ER_PRS_F_2019.CSV"
! command -v zstd >/dev/null || zstd -q --rm "$work/mixed/T_MCO19D.CSV"
ingest 2 "$work/mixed" "$work/mixed_store" 2>/dev/null
for part in shards dictionaries.h5 references.h5; do
    diff -r "$work/store1/$part" "$work/mixed_store/$part" || die "another order of rows gives other bytes in $part"
done

# More shards: other files, the same rows.
ingest 2 "$work/in1" "$work/wide" --shards 64 2>/dev/null
"$python" "$here/ingest_case.py" check "$work/in1" "$work/wide" || die "64 shards"

# Refusals.
exits 2 "$bin" ingest --in "$work/in1" --store "$work/store1"
says "is there already"
exits 2 "$bin" ingest --in "$work/in1" --store "$work/other" --append
says "is not there"
exits 2 "$bin" ingest --in "$work/in1" --store "$work/other" --replace
says "is not there"
exits 2 "$bin" ingest --in "$work/in1" --store "$work/other" --shards 17
says "power of two"
[ ! -e "$work/other" ] || die "a refused ingest leaves a store"
[ "$(sum_of "$work/store1")" = "$wanted" ] || die "a refused ingest changed the store"

# A folder with things of its user's: refused, and nothing in it is removed.
mkdir -p "$work/own/scratch"
echo mine >"$work/own/scratch/file"
for option in "" --resume; do
    exits 2 "$bin" ingest --in "$work/in1" --store "$work/own" $option
    says "a 'scratch' that no ingest"
    [ "$(cat "$work/own/scratch/file")" = mine ] || die "an ingest removed a file of its user's"
done

# --resume: nothing to do, start, another delivery, an unfinished store.
exits 0 "$bin" ingest --in "$work/in1" --store "$work/store1" --resume
[ "$(sum_of "$work/store1")" = "$wanted" ] || die "--resume changed a complete store"
exits 2 "$bin" ingest --in "$work/in2" --store "$work/store1" --resume
says "another delivery"
exits 0 "$bin" ingest --in "$work/in1" --store "$work/fresh" --resume
[ "$(sum_of "$work/fresh")" = "$wanted" ] || die "--resume on nothing gives other bytes"

# Killed in the middle, as a machine that loses power: the store is not visible, --resume makes it.
"$bin" synth --patients 1500 --years 2019:2019 --seed 3 --out "$work/synth" --quiet
ingest 1 "$work/synth" "$work/whole" 2>/dev/null
ingest 2 "$work/synth" "$work/tight" --memory 96M 2>/dev/null
[ "$(sum_of "$work/tight")" = "$(sum_of "$work/whole")" ] || die "little memory gives other bytes of synth"

# Keys of claims that do not fit in memory are looked up in parts.
"$bin" synth --patients 8000 --years 2019:2019 --seed 3 --out "$work/keys" --quiet
ingest 1 "$work/keys" "$work/keys_whole" 2>/dev/null
"$bin" ingest --in "$work/keys" --store "$work/keys_parts" --memory 56M 2>"$work/said"
says "keys_in_parts table=ER_PRS_F"
[ "$(sum_of "$work/keys_parts")" = "$(sum_of "$work/keys_whole")" ] || die "keys in parts give other bytes"
rm -rf "$work/keys" "$work/keys_whole" "$work/keys_parts"

for signal in KILL TERM; do
    "$bin" ingest --in "$work/synth" --store "$work/killed$signal" --quiet 2>/dev/null &
    pid=$!
    for _ in $(seq 500); do
        [ -e "$work/killed$signal/.plan" ] && break
        sleep 0.01
    done
    kill -$signal $pid
    got=0
    wait $pid || got=$?
    if [ $got = 0 ]; then
        echo "it was faster than the signal"
        continue
    fi
    [ ! -e "$work/killed$signal/store.json" ] || die "a killed ingest is visible"
    [ $signal = KILL ] || [ $got = 75 ] || die "SIGTERM: exit $got, not 75"
    exits 2 "$bin" ingest --in "$work/synth" --store "$work/killed$signal"
    says "--resume"
    exits 2 "$bin" ingest --in "$work/in1" --store "$work/killed$signal" --resume
    says "another delivery"
    ingest 2 "$work/synth" "$work/killed$signal" --resume 2>/dev/null
    [ "$(sum_of "$work/killed$signal")" = "$(sum_of "$work/whole")" ] || die "resumed after $signal: other bytes"
done

# Counts of a synthetic delivery: read = stored + rejected, and verify agrees.
"$python" - "$work/whole/store.json" <<'END' || die "counts of the manifest"
import json, sys
for name, table in json.load(open(sys.argv[1]))["tables"].items():
    assert table["rows_read"] == table["rows_stored"] + table["rows_rejected"], name
END
"$bin" verify "$work/whole" >/dev/null || die "verify"
echo "ingest: all passed"
