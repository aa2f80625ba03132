#!/usr/bin/env bash
# Usage: test_resume.sh BIN_DIR
# kill -9 at twenty-one points of an ingest, an append and a compaction, in one rank or another; then the same command
# with --resume (compact as it is) on another number of ranks gives the bytes of a store that was never interrupted.
# In between the store is the old one, or not there. A shim counts renames, fsyncs and unlinks and kills at one of them.
# A full disk and a scratch folder that vanishes end cleanly. Uses $PARCOURS_RELEASE/bin when set.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=${PARCOURS_RELEASE:+$PARCOURS_RELEASE/bin}
bin=$(realpath "${folder:-$1}")/parcours
export ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0
command -v cc >/dev/null || { echo "no cc: the shim cannot be made"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMPI_MCA_orte_tmpdir_base=$work # not shared with other jobs of this machine
cd "$work"

sum_of() { (cd "$1" && find . -type f ! -name journal.jsonl | LC_ALL=C sort | xargs sha256sum | sha256sum); }
ranks() { # RANKS COMMAND...
    local n=$1
    shift
    if [ "$n" = 1 ]; then "$bin" "$@"; else mpirun --oversubscribe --quiet -n "$n" "$bin" "$@"; fi
}

cat >shim.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>
static int at = -2, seen;
static const char *place;
static int is_ours(const char *path)
{
    return place != NULL && path != NULL && strstr(path, place) != NULL;
}
static void step(void)
{
    if (at == -2) {
        const char *text = getenv("KILL_AT");
        at = text == NULL ? -1 : atoi(text);
    }
    if (++seen == at) kill(getpid(), SIGKILL);
    const char *count = getenv("COUNT_IN");
    if (count == NULL) return;
    FILE *file = fopen(count, "w");
    fprintf(file, "%d\n", seen);
    fclose(file);
}
int rename(const char *from, const char *to)
{
    place = getenv("PLACE");
    if (is_ours(to)) step();
    return ((int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename"))(from, to);
}
int fsync(int fd)
{
    step();
    return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}
int unlink(const char *path)
{
    place = getenv("PLACE");
    if (is_ours(path)) step();
    return ((int (*)(const char *))dlsym(RTLD_NEXT, "unlink"))(path);
}
ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset)
{
    if (getenv("FULL") != NULL) {
        errno = ENOSPC;
        return -1;
    }
    return ((ssize_t(*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite"))(fd, data, bytes, offset);
}
END
cc -shared -fPIC -o shim.so shim.c -ldl
cat >one <<'END'
#!/bin/sh
# The rank of $KILL_RANK is watched by the shim.
if [ "${OMPI_COMM_WORLD_RANK:-0}" = "$KILL_RANK" ]; then export LD_PRELOAD=$SHIM; fi
exec "$@"
END
chmod +x one
export SHIM=$work/shim.so PLACE=$work

"$bin" synth --patients 120 --years 2019:2020 --seed 8 --out all --columns core --messy --quiet
mkdir first second
for file in all/*; do
    case $file in *_2020*|*_2021*|*T_MCO20*|*truth*) ;; *) mv "$file" first ;; esac
done
mv all/*.CSV second
[ -n "$(ls first)" ] && [ -n "$(ls second)" ] || die "the delivery was not cut in two"

one=(ingest --in first --store store --shards 8 --quiet)
two=(ingest --in second --store store --append --quiet)
three=(compact store --quiet)
mkdir whole0
for stage in 1 2 3; do
    case $stage in 1) words=("${one[@]}") ;; 2) words=("${two[@]}") ;; 3) words=("${three[@]}") ;; esac
    rm -rf store && cp -r "whole$((stage - 1))" store
    [ $stage != 1 ] || rmdir store
    KILL_RANK=0 COUNT_IN=$work/count$stage ./one "$bin" "${words[@]}" 2>/dev/null
    [ $stage != 3 ] || "$bin" compact store --quiet
    cp -r store "whole$stage"
    step "stage $stage: $(cat "count$stage") calls"
done

kill_and_resume() { # STAGE POINT RANKS KILLED_RANK RANKS_AFTER
    local words resume=--resume calls at got=0
    case $1 in 1) words=("${one[@]}") ;; 2) words=("${two[@]}") ;; 3) words=("${three[@]}") resume= ;; esac
    calls=$(cat "count$1")
    at=$((1 + calls * $2 / 100))
    [ "$3" = 1 ] || at=$((1 + at / $3))
    rm -rf store && cp -r "whole$(($1 - 1))" store
    [ "$1" != 1 ] || rmdir store
    export KILL_RANK=$4 KILL_AT=$at
    if [ "$3" = 1 ]; then
        ./one "$bin" "${words[@]}" >/dev/null 2>&1 || got=$?
    else
        mpirun --oversubscribe --quiet -n "$3" ./one "$bin" "${words[@]}" >/dev/null 2>&1 || got=$?
    fi
    unset KILL_AT
    [ $got != 0 ] || echo "stage $1: nothing was killed at $at of $calls"
    if [ "$1" != 1 ]; then # whole at any moment: the old store or the new one
        "$bin" verify store >/dev/null 2>&1 || die "stage $1, call $at: a killed command leaves a broken store"
    elif [ -e store/store.json ]; then
        "$bin" verify store >/dev/null 2>&1 || die "stage 1, call $at: the store was visible too early"
    fi
    ranks "$5" "${words[@]}" $resume 2>said || { cat said; die "stage $1, call $at: --resume failed"; }
    # Once more, a compaction removes what it replaced: so it may have been here.
    [ "$1" != 3 ] || "$bin" compact store --quiet
    [ "$(sum_of store)" = "$(sum_of "whole$1")" ] || {
        diff -rq store "whole$1" | head -n 5
        die "stage $1, call $at of $calls: other bytes after --resume"
    }
}
for point in 1 20 45 70 90 96 99; do
    kill_and_resume 1 $point 1 0 2
    kill_and_resume 2 $point 1 0 1
    kill_and_resume 3 $point 1 0 1
done
step "killed on one rank"
kill_and_resume 1 50 2 1 3
kill_and_resume 2 50 2 1 1
kill_and_resume 3 30 3 2 2
step "killed on one of several ranks"

# What was finished is not done again.
rm -rf store
KILL_RANK=0 KILL_AT=$((1 + $(cat count1) * 60 / 100)) ./one "$bin" "${one[@]}" >/dev/null 2>&1 || true
ls -i store/shards/*/*/part-000000.h5 >before
[ -s before ] || die "nothing was finished before the kill"
"$bin" "${one[@]}" --resume 2>/dev/null
ls -i store/shards/*/*/part-000000.h5 >after
[ "$(comm -12 <(sort before) <(sort after) | wc -l)" -ge $(($(wc -l <before) - 1)) ] || die "finished shards were written again"

# Another content under the same names and sizes: what was finished does not count.
rm -rf store other
cp -r first other
KILL_RANK=0 KILL_AT=$((1 + $(cat count1) * 60 / 100)) ./one "$bin" ingest --in other --store store --shards 8 --quiet >/dev/null 2>&1 || true
sed -i '2s/2019-/2018-/' other/ER_PRS_F_2019.CSV
! cmp -s first/ER_PRS_F_2019.CSV other/ER_PRS_F_2019.CSV || die "the claims are the same"
"$bin" ingest --in other --store store --shards 8 --quiet --resume 2>/dev/null
rm -rf fresh
"$bin" ingest --in other --store fresh --shards 8 --quiet 2>/dev/null
diff -r store/shards fresh/shards >/dev/null || die "parts of another content were taken over"

# A full disk: the sentence says so, nothing of the store stays, or it stays as it was.
rm -rf store
got=0
FULL=1 KILL_RANK=0 ./one "$bin" "${one[@]}" --memory 96M >/dev/null 2>said || got=$?
[ $got = 1 ] && [ ! -e store ] || { cat said; die "a full disk: exit $got"; }
cp -r whole1 store
rm -f full && truncate -s 1M full
got=0
(ulimit -f 64; trap '' XFSZ; "$bin" "${two[@]}") >/dev/null 2>said || got=$?
[ $got = 1 ] || { cat said; die "a file that cannot grow: exit $got"; }
[ "$(sum_of store)" = "$(sum_of whole1)" ] || die "a failed append changed the store"
# A scratch folder that is gone when it is needed.
got=0
"$bin" "${two[@]}" --scratch "$work/none/of/this" >/dev/null 2>said || got=$?
[ $got = 1 ] || { cat said; die "no scratch folder: exit $got"; }
[ "$(sum_of store)" = "$(sum_of whole1)" ] || die "an append without scratch changed the store"
step "done"
