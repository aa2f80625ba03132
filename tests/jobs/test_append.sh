#!/usr/bin/env bash
# Usage: test_append.sh BIN_DIR
# A delivery cut into several and added one after the other gives the answers, the counts and, once compacted, the
# parts of one big load, however it is cut and on any number of ranks. What is refused leaves the store as it was.
# Uses $PARCOURS_RELEASE/bin when set.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=${PARCOURS_RELEASE:+$PARCOURS_RELEASE/bin}
bin=$(realpath "${folder:-$1}")/parcours
export HDF5_PLUGIN_PATH=$(realpath "$1")/../plugin
python=
for candidate in python3 /usr/bin/python3; do
    "$candidate" -c 'import h5py' 2>/dev/null && { python=$candidate; break; }
done
[ -n "$python" ] || { echo "python3-h5py is missing"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMPI_MCA_orte_tmpdir_base=$work # not shared with other jobs of this machine
cd "$work"

ranks() { # RANKS COMMAND...
    local n=$1
    shift
    if [ "$n" = 1 ]; then "$bin" "$@"; else mpirun --oversubscribe --quiet -n "$n" "$bin" "$@"; fi
}
exits() { # STATUS TEXT COMMAND...: the command must end with that exit code and say that
    local wanted=$1 text=$2 got=0
    shift 2
    "$@" >said 2>&1 || got=$?
    [ "$got" = "$wanted" ] || { cat said; die "exit $got, not $wanted: $*"; }
    grep -q -- "$text" said || { cat said; die "expected the sentence to say '$text'"; }
}
sum_of() { (cd "$1" && find . -type f ! -name journal.jsonl | LC_ALL=C sort | xargs sha256sum | sha256sum); }

# answers STORE: every row of the tables, with patient, links followed and derived columns.
answers() {
    local table
    for table in PERSON IR_BEN_R IR_IMB_R ER_PRS_F ER_DCT_F ER_PHA_F ER_ETE_F T_MCOaaC T_MCOaaB T_MCOaaD KI_CCI_R; do
        "$bin" query "$1" "SELECT patient_status, * FROM $table" --unprotected --format csv --quiet
    done
    "$bin" query "$1" "SELECT c.FLX_DIS_DTD, count(*), sum(d.PHA_ACT_QSN), sum(c.PRS_PAI_MNT) FROM ER_PHA_F d JOIN ER_PRS_F c USING (patient, claim) GROUP BY 1" \
        --unprotected --format csv --quiet
}

# grow STORE SPLIT OPTION RANKS...: the deliveries of a split, each on the next number of ranks.
grow() {
    local store=$1 split=$2 option=$3 delivery n
    shift 3
    for delivery in "$split"/*; do
        n=$1
        shift
        if [ -e "$store/store.json" ]; then
            ranks "$n" ingest --in "$delivery" --store "$store" $option --quiet
        else
            ranks "$n" ingest --in "$delivery" --store "$store" --shards 16 --quiet 2>/dev/null
        fi
    done
}

step "splits"
seed=0
for cut in "rows 2 1 2" "files 2 3 1" "months 3 1 2 1" "late 2 2 3"; do
    set -- $cut
    seed=$((seed + 1))
    rm -rf in split whole store
    "$python" "$here/ingest_case.py" make in "$seed"
    "$python" "$here/append_case.py" statements in "$seed"
    "$python" "$here/append_case.py" split in split "$2" "$seed" "$1"
    "$bin" ingest --in in --store whole --shards 16 --quiet 2>/dev/null
    grow store split --append "${@:3}"
    answers whole >wanted.csv
    answers store >got.csv
    cmp -s wanted.csv got.csv || { diff wanted.csv got.csv | head -n 5; die "seed $seed, $1: other answers"; }
    "$bin" verify store >/dev/null 2>&1 || die "seed $seed, $1: verify"
    ranks "$3" compact store --quiet
    answers store >got.csv
    cmp -s wanted.csv got.csv || die "seed $seed, $1: other answers when compacted"
    ranks 1 compact store --quiet # nothing to merge: what is not needed goes
    "$python" "$here/append_case.py" same whole store || die "seed $seed, $1: another store when compacted"
    "$bin" verify store >/dev/null 2>&1 || die "seed $seed, $1: verify when compacted"
    step "seed $seed: $cut"
done

step "replacement"
rm -rf in other new fixed whole store
"$python" "$here/ingest_case.py" make in 21
"$python" "$here/append_case.py" statements in 21
"$python" "$here/ingest_case.py" make other 22
"$python" "$here/append_case.py" replace in other new fixed 21
"$bin" ingest --in fixed --store whole --shards 16 --quiet 2>/dev/null
ranks 1 ingest --in in --store store --shards 16 --quiet 2>/dev/null
ranks 2 ingest --in new --store store --replace --quiet
answers whole >wanted.csv
answers store >got.csv
cmp -s wanted.csv got.csv || { diff wanted.csv got.csv | head -n 5; die "other answers after --replace"; }
"$bin" verify store >/dev/null 2>&1 || die "verify after --replace"
"$bin" compact store --quiet
"$bin" compact store --quiet
"$python" "$here/append_case.py" same whole store || die "another store after --replace"
grep -q replaced_by store/store.json || die "the manifest does not tell what was replaced"

step "a reference table changes"
rm -rf in changed more whole store
"$python" "$here/ingest_case.py" make in 31
"$python" "$here/append_case.py" drugs in changed more 31
"$bin" ingest --in in --store store --shards 16 --quiet 2>/dev/null
ranks 2 ingest --in changed --store store --replace --quiet
cp changed/IR_PHA_R.CSV in
"$bin" ingest --in in --store whole --shards 16 --quiet 2>/dev/null
answers whole >wanted.csv
answers store >got.csv
cmp -s wanted.csv got.csv || { diff wanted.csv got.csv | head -n 5; die "other answers after a drug got another class"; }
read -r hidden slots <<<"$("$python" "$here/append_case.py" hidden store)"
[ "$hidden" -gt 0 ] && [ $((2 * hidden)) -lt "$slots" ] || die "$hidden of $slots slots were written again for one drug"
"$bin" verify store >/dev/null 2>&1 || die "verify after a drug got another class"
find store/shards -name 'part-*' | sort >before
"$bin" ingest --in more --store store --append --quiet
find store/shards -name 'part-*' | sort >after
[ -z "$(comm -13 before after)" ] || die "parts were written for a drug that nobody has"
answers store | cmp -s - wanted.csv || die "other answers after a drug that nobody has"

step "the same bytes on any number of ranks"
rm -rf one two
grow one split --append 1 1
grow two split --append 3 2
[ "$(sum_of one)" = "$(sum_of two)" ] || die "ranks give other bytes"

step "refusals"
exits 2 "is in the store already" "$bin" ingest --in split/1 --store one --append
before=$(sum_of one) # that command removed what the last edition had replaced
exits 2 "only one of them" "$bin" ingest --in split/1 --store one --append --replace
exits 2 "is not there" "$bin" ingest --in split/1 --store none --append
exits 2 "is not there" "$bin" compact none
exits 2 "the store has 16" "$bin" ingest --in split/1 --store one --append --shards 32
exits 0 nothing_to_do "$bin" ingest --in split/1 --store one --append --resume
mkdir bad
printf 'BEN_NIR_PSA;BEN_RNG_GEM\nx' >bad/IR_BEN_R.CSV
cp split/1/ER_PHA_F_2019.CSV bad/ER_PHA_F_2018.CSV 2>/dev/null || true
got=0
"$bin" ingest --in bad --store one --append --max-rejects 0 --quiet 2>/dev/null || got=$?
[ $got != 0 ] || die "a bad delivery was added"
[ "$(sum_of one)" = "$before" ] || die "a refused delivery changed the store"
[ -z "$(find one -name '.plan' -o -name '.lock' -o -name scratch -o -name '*.tmp*')" ] || die "something stays in the store"
grep -q '"event":"end".*"command":"ingest"' one/journal.jsonl || die "the journal does not tell of the append"
step "done"
