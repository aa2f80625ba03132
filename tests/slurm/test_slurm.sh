#!/usr/bin/env bash
# The batch scripts on a real Slurm of two nodes (private_slurm): ingest and run give the bytes of runs without
# Slurm, under srun and under mpirun; a job that is warned keeps its work, is requeued and resumes; a job whose node
# dies runs again on the other; an array over a grid of settings. Skipped (77) without root or Slurm.
# Uses $PARCOURS_RELEASE/bin when set. usage: test_slurm.sh BIN_DIR
set -u
source "$(dirname "${BASH_SOURCE[0]}")/../jobs/lib.sh"
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=${PARCOURS_RELEASE:+$PARCOURS_RELEASE/bin}
export PARCOURS=$(realpath "${folder:-$1}")/parcours
export ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0
PATH=$PATH:/usr/sbin:/sbin
[ "$(id -u)" = 0 ] || { echo "skipped: pretend nodes need root"; exit 77; }
for tool in slurmctld slurmd munged srun sbatch; do
    command -v $tool >/dev/null || { echo "skipped: no $tool (Debian: slurm-wlm, munge)"; exit 77; }
done
work=$(mktemp -d /tmp/pcslurm.XXXXXX)
chmod 755 "$work"
trap '"$top/tests/slurm/private_slurm" stop "$work/slurm"; rm -rf "$work"' EXIT
cd "$work" || exit 1
study=$top/jobs/diabetes.json
batch=$top/jobs/slurm

same_results() { # FOLDER NAME [REFERENCE]
    for part in release control cohorts; do
        diff -r "$work/${3:-whole}/$part" "$1/$part" >/dev/null || fail "$2: $part differs from a run without Slurm"
    done
}

# submit NAME OPTIONS... SCRIPT ARGUMENTS...: the job's number
submit() { sbatch --parsable --time=10 --output="$work/$1-%j.out" "${@:2}"; }

await_end() { # JOB: waits until it has left the queue
    for _ in $(seq 900); do
        squeue -h -j "$1" -t PD,R,CG,S 2>/dev/null | grep -q . || return 0
        sleep 0.1
    done
    fail "job $1 does not end: $(squeue -h -j "$1")"
    scancel "$1"
}

state_of() { scontrol show job "$1" | sed -n 's/.*JobState=\([A-Z_]*\).*/\1/p' | sort -u; }

succeeded() { # JOB NAME
    await_end "$1"
    [ "$(state_of "$1")" = COMPLETED ] || fail "$2: job $1 is $(state_of "$1"): $(tail -n 3 "$work/$2-"*.out)"
}

must "$PARCOURS" synth --patients 600 --years 2019:2021 --seed 9 --out delivery --quiet --progress never
must "$PARCOURS" ingest --model snds --in delivery --store alone --shards 64 --quiet --progress never
must "$PARCOURS" run "$study" --store alone --out whole --quiet --progress never
must "$PARCOURS" run "$study" --store alone --out whole_2020 --set year=2020 --quiet --progress never
cc -shared -fPIC -O1 -o slow.so "$top/tests/jobs/slow_reads.c" -ldl || exit 1
must "$top/tests/slurm/private_slurm" start "$work/slurm" 2 2
source "$work/slurm/env"
export PARCOURS_BIND=" " # pretend nodes share their cores

# Two nodes, each launcher.
job=$(submit load --nodes=2 "$batch/ingest.sbatch" snds "$work/delivery" "$work/store" --shards 64)
succeeded "$job" load
diff "$work/alone/store.json" "$work/store/store.json" >/dev/null || fail "load: the store differs from one made without Slurm"
job=$(submit srun --nodes=2 "$batch/run.sbatch" "$study" "$work/store" "$work/by_srun")
succeeded "$job" srun
same_results "$work/by_srun" srun
job=$(PARCOURS_LAUNCHER=mpirun submit mpirun --nodes=2 "$batch/run.sbatch" "$study" "$work/store" "$work/by_mpirun")
succeeded "$job" mpirun
same_results "$work/by_mpirun" mpirun

# A scaling study: a job a point, put together afterwards.
for nodes in 1 2; do
    job=$(PARCOURS_SCALING=$top/scripts/scaling submit point$nodes --nodes=$nodes "$batch/scaling.sbatch" "$study" "$work/store" \
        "$work/points" --runs 2)
    succeeded "$job" point$nodes
done
"$top/scripts/scaling" join --out "$work/points" >said 2>&1 || fail "scaling: join: $(tail -n 2 said)"
[ "$(wc -l <"$work/points/points.csv")" = 3 ] && [ "$(wc -l <"$work/points/scaling.csv")" = 5 ] ||
    fail "scaling: two points of two runs are expected: $(cat said)"
[ -s "$work/points/scaling.svg" ] || fail "scaling: no drawing"

# A grid: line N of the file has the options of task N.
printf -- '--set year=2020\n--set year=2021\n' >grid
job=$(PARCOURS_GRID=$work/grid submit grid --array=1-2 "$batch/run.sbatch" "$study" "$work/store" "$work/by_grid")
succeeded "$job" grid
same_results "$work/by_grid/1" grid whole_2020 # the report names the study and its settings
[ -e "$work/by_grid/2/manifest.json" ] || fail "grid: the second task left nothing"

# await_checkpoint OUT
await_checkpoint() {
    for _ in $(seq 300); do
        compgen -G "$1/checkpoint/*.state" >/dev/null && return 0
        sleep 0.1
    done
    fail "$1: no checkpoint"
}

# Warned: Slurm's signal to the batch script alone, as --signal=B:USR1@120 sends it. Reads are slow at the first start.
cat >slow_first <<END
#!/bin/bash
[ "\${SLURM_RESTART_COUNT:-0}" != 0 ] || export PC_SLOW_READS_US=\${PC_FIRST_US:-8000} LD_PRELOAD=$work/slow.so
exec "$PARCOURS" "\$@"
END
mkdir -p slow/bin
mv slow_first slow/bin/parcours
chmod +x slow/bin/parcours
ln -s "$(dirname "$PARCOURS")/../share" slow/share
job=$(PARCOURS=$work/slow/bin/parcours submit warned --nodes=2 "$batch/run.sbatch" "$study" "$work/store" "$work/by_warned")
await_checkpoint "$work/by_warned"
scancel --batch --signal=USR1 "$job"
succeeded "$job" warned
same_results "$work/by_warned" warned
grep -q 'back to the queue' warned-*.out || fail "warned: it was not requeued"
grep -q 'shards_done=' warned-*.out || fail "warned: the second start did not resume"

# The node of a job dies: Slurm requeues it on the other.
job=$(PARCOURS=$work/slow/bin/parcours PC_FIRST_US=15000 submit dead --nodes=1 "$batch/run.sbatch" "$study" "$work/store" \
    "$work/by_dead")
await_checkpoint "$work/by_dead"
pkill -9 -f "slurmd -D -N $(squeue -h -j "$job" -o %N) -f $work/slurm" || fail "dead: no node to kill"
succeeded "$job" dead
same_results "$work/by_dead" dead
grep -q 'shards_done=' dead-*.out || { fail "dead: the second start did not resume"; cat dead-*.out; }

finish
