#!/usr/bin/env bash
# run --keep-going: a damaged and a missing part; the other shards are counted, the same bytes on any number of ranks;
# every output's name says that it is incomplete, and exit code 1. Once the parts are back, --resume gives the bytes of
# a whole run and reads no other shard. Uses $PARCOURS_RELEASE/bin when set. usage: test_keep_going.sh BIN_DIR
set -u
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=${PARCOURS_RELEASE:+$PARCOURS_RELEASE/bin}
parcours=$(realpath "${folder:-$1}")/parcours
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
study=$top/jobs/diabetes.json

run() { mpirun --oversubscribe --quiet -n "$1" "$parcours" run "$study" --store store --out "$2" --progress never "${@:3}" >said 2>&1; }

must "$parcours" synth --patients 6000 --years 2019:2020 --columns core --seed 4 --out delivery --quiet --progress never
must "$parcours" ingest --model snds --in delivery --store store --shards 4 --quiet --progress never
rm -rf delivery
must run 2 whole
# The last byte that a chunk of the largest table has: blocks before it are counted when it is met.
damaged=$(find store/shards -name 'part-*.h5' | sort | sed -n 2p) missing=$(find store/shards -name 'part-*.h5' | sort | sed -n 4p)
cp "$damaged" damaged.h5
mv "$missing" missing.h5
python3 - "$damaged" <<'PY'
import os, sys
path = sys.argv[1]
size = os.path.getsize(path)
with open(path, "r+b") as f:
    for at in range(size // 2, size * 3 // 4, 1009):
        f.seek(at)
        byte = f.read(1)[0]
        f.seek(at)
        f.write(bytes([byte ^ 1]))
PY
run 2 refused
[ $? = 1 ] && grep -q '^parcours: .*part-' said || fail "without --keep-going a damaged part ends a run: $(tail -n 2 said)"
for ranks in 1 2 3; do
    run $ranks "some$ranks" --keep-going
    [ $? = 1 ] || fail "$ranks ranks: exit code 1 is expected"
    grep -q '^parcours: 2 shards are missing in the results' said || fail "$ranks ranks: $(tail -n 2 said)"
    grep -q 'shard_lost shard=1 ' said && grep -q 'shard_lost shard=3 ' said || fail "$ranks ranks: the log names no shards: $(cat said)"
    [ -z "$(find "some$ranks/release" "some$ranks/control" -type f ! -name '*.incomplete.*' ! -name protection.json)" ] || fail "a table, figure or page has its usual name"
    grep -q 'Incomplete: .*Of 4 shards these: 1, 3\.' "some$ranks/release/report.incomplete.html" || fail "the page does not name the shards"
    [ -z "$(find "some$ranks/cohorts" -name '*.h5' ! -name '*.incomplete.h5')" ] || fail "a cohort has its usual name"
    grep -q '"missing_shards": \[1, 3\]' "some$ranks/manifest.json" || fail "the manifest does not name the shards"
    grep -q '"missing_shards": \[1, 3\]' "some$ranks/release/protection.json" || fail "protection.json does not name the shards"
    for part in release control cohorts; do
        diff -r "some1/$part" "some$ranks/$part" >/dev/null || fail "$part: $ranks ranks give other bytes"
    done
done
# Fewer than in the whole, and more than nothing.
python3 - <<'PY' || fail "the counts are not those of a part"
import csv, glob, os, sys
for whole in glob.glob("whole/control/*.csv"):
    some = whole.replace("whole/", "some1/").replace(".csv", ".incomplete.csv")
    total = lambda path: sum(int(r["patients"]) for r in csv.DictReader(open(path)) if r.get("patients"))
    if not 0 < total(some) < total(whole) and total(whole) > 0:
        sys.exit(f"{whole}: {total(some)} of {total(whole)}")
PY
run 2 some2 --resume
[ $? = 1 ] || fail "a run that lacks shards is not complete"
cp damaged.h5 "$damaged"
mv missing.h5 "$missing"
run 3 some3 --resume || fail "--resume with all parts: $(tail -n 2 said)"
grep -q 'shards_done=2 ' said || fail "--resume reads what was done: $(cat said)"
for part in release control cohorts; do
    diff -r "whole/$part" "some3/$part" >/dev/null || fail "$part: other bytes once all shards are there"
done
[ ! -e some3/checkpoint ] || fail "the checkpoint is still there"

finish
