#!/usr/bin/env bash
# A run that is interrupted goes on where it was: a rank killed (-9), SIGUSR1, SIGTERM, a read that fails, a damaged
# checkpoint. Resumed on other numbers of ranks it gives the bytes of a run that was left alone, and reads only the
# shards that were not done. Reads are slowed by a shim, so that there is time to interrupt.
# Uses $PARCOURS_RELEASE/bin when set. usage: test_resume_run.sh BIN_DIR
set -u
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=${PARCOURS_RELEASE:+$PARCOURS_RELEASE/bin}
parcours=$(realpath "${folder:-$1}")/parcours
export ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
study=$top/jobs/diabetes.json

cc -shared -fPIC -O1 -o slow.so "$top/tests/jobs/slow_reads.c" -ldl || exit 1
must "$parcours" synth --patients 600 --years 2019:2021 --seed 9 --out delivery --quiet --progress never
must mpirun --oversubscribe -n 2 "$parcours" ingest --model snds --in delivery --store store --shards 64 --quiet \
    --progress never
must mpirun -n 1 "$parcours" run "$study" --store store --out whole --quiet --progress never

# slowly RANKS OUT ENVIRONMENT...: begins a run that takes some seconds; $launcher is its process.
slowly() {
    local ranks=$1 out=$2
    shift 2
    mpirun --oversubscribe -n "$ranks" env "$@" LD_PRELOAD="$work/slow.so" "$parcours" run "$study" --store store \
        --out "$out" --progress never >"$out.log" 2>&1 &
    launcher=$!
}

# Waits for the first state of a run; it comes a second after the beginning.
await_state() {
    for _ in $(seq 400); do
        compgen -G "$1/checkpoint/*.state" >/dev/null && return 0
        sleep 0.05
    done
    fail "$1: no checkpoint was written"
    cat "$1.log"
}

# ended OUT CODES: the run has ended with one of these exit codes and is not complete.
ended() {
    wait "$launcher"
    local got=$?
    [[ " $2 " == *" $got "* ]] || fail "$1: exit code $got, expected one of $2: $(tail -n 3 "$1.log")"
    [ ! -e "$1/manifest.json" ] || fail "$1: complete, it was to be interrupted"
}

# resumed RANKS OUT LEAST: goes on; at least so many shards were done; the bytes are those of `whole`.
resumed() {
    mpirun --oversubscribe -n "$1" "$parcours" run "$study" --store store --out "$2" --resume --progress never \
        >"$2.again" 2>&1 || fail "$2: --resume on $1 ranks: $(tail -n 3 "$2.again")"
    local done
    done=$(grep -o 'shards_done=[0-9]*' "$2.again" | cut -d= -f2)
    [ "${done:-0}" -ge "$3" ] || fail "$2: ${done:-0} shards were taken up, expected at least $3"
    diff -r whole/release "$2/release" >/dev/null || fail "$2: release differs"
    diff -r whole/control "$2/control" >/dev/null || fail "$2: control differs"
    diff -r whole/cohorts "$2/cohorts" >/dev/null || fail "$2: cohorts differ"
    [ ! -e "$2/checkpoint" ] || fail "$2: the checkpoint is still there"
}

slowly 2 killed PC_SLOW_READS_US=6000
await_state killed
pkill -9 -n -f "out killed --progress" || fail "no rank to kill"
ended killed "137 1"
resumed 3 killed 1

slowly 2 asked PC_SLOW_READS_US=6000
await_state asked
kill -USR1 "$launcher"
ended asked 75
grep -q 'the same command with --resume' asked.log || fail "asked: does not say how to go on"
[ "$(stat -c %a asked/checkpoint)" = 700 ] || fail "asked: the checkpoint can be read by others"
resumed 1 asked 2

slowly 3 urged PC_SLOW_READS_US=8000
await_state urged
pkill -TERM -f "^$parcours run .*out urged" || fail "no rank to end"
ended urged 75
# Interrupted a second time, while it takes up what the first has left.
mpirun --oversubscribe -n 2 env PC_SLOW_READS_US=6000 PC_SLOW_READS_FAIL=60 LD_PRELOAD="$work/slow.so" "$parcours" run \
    "$study" --store store --out urged --resume --progress never >urged.log 2>&1
[ $? = 1 ] || fail "urged: a read that fails is to end with exit code 1: $(tail -n 2 urged.log)"
grep -q 'part-' urged.log || fail "urged: does not name the file: $(tail -n 2 urged.log)"
resumed 4 urged 2

slowly 2 hurt PC_SLOW_READS_US=6000
await_state hurt
kill -USR1 "$launcher"
ended hurt 75
state=$(ls hurt/checkpoint/*.state | head -n 1)
printf 'x' | dd of="$state" bs=1 seek=$(($(stat -c %s "$state") - 50)) conv=notrunc status=none
resumed 2 hurt 1
grep -q 'damaged' hurt.again || fail "hurt: a damaged state is to be told"

slowly 2 other PC_SLOW_READS_US=6000
await_state other
kill -USR1 "$launcher"
ended other 75
"$parcours" run "$study" --store store --out other --resume --set year=2021 --progress never >said 2>&1
[ $? = 2 ] || fail "other: a checkpoint of other settings is to be refused (2)"
grep -q 'another study, store or setting' said || fail "other: $(tail -n 1 said)"

# Controls that were chosen are not chosen again: the pass that does it is left out.
study=$top/jobs/nsaid.json
must mpirun -n 1 "$parcours" run "$study" --store store --out sets --quiet --progress never
slowly 2 matched PC_SLOW_READS_US=6000
await_state matched
kill -USR1 "$launcher"
ended matched 75
mpirun --oversubscribe -n 3 "$parcours" run "$study" --store store --out matched --resume --progress never >matched.again 2>&1 ||
    fail "matched: $(tail -n 3 matched.again)"
grep -q 'pass_of_matching=0 taken=true' matched.again || fail "matched: the controls were chosen again"
for part in release control cohorts; do
    diff -r sets/$part matched/$part >/dev/null || fail "matched: $part differs"
done

finish
