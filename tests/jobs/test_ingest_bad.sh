#!/bin/bash
# parcours ingest with bad input: each kind ends as a reject with its reason, as a counted row, or as
# a clean stop with a sentence that names the file, and never leaves half a store.
# usage: test_ingest_bad.sh FOLDER_OF_THE_BINARY
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
bin=$1/parcours
[ -x "$bin" ] || { echo "no $bin"; exit 77; }
work=$(mktemp -d)
trap 'umount "$work/small" 2>/dev/null || true; rm -rf "$work"' EXIT

# ---- a small good delivery -------------------------------------------------------------------------
key='FLX_DIS_DTD;FLX_TRT_DTD;FLX_EMT_TYP;FLX_EMT_NUM;FLX_EMT_ORD;ORG_CLE_NUM;DCT_ORD_NUM;PRS_ORD_NUM;REM_TYP_AFF'
key_of() { echo "2019-02-01;2019-01-15;1;1;0;01C751234;$1;1;0"; }
make_delivery() {
    rm -rf "$work/in" "$work/store"
    mkdir "$work/in"
    {
        echo 'BEN_NIR_PSA;BEN_RNG_GEM;BEN_IDT_ANO;BEN_SEX_COD;BEN_NAI_ANN;BEN_NAI_MOI'
        echo 'aaaaaaaaaaaaaaaaa;1;person1;1;1950;4'
        echo 'bbbbbbbbbbbbbbbbb;1;person2;2;1960;5'
    } >"$work/in/IR_BEN_R.CSV"
    {
        echo "$key;BEN_NIR_PSA;BEN_RNG_GEM;BEN_CDI_NIR;EXE_SOI_DTD;PRS_PAI_MNT;PRS_ACT_QTE"
        for claim in 1 2 3 4; do
            echo "$(key_of $claim);aaaaaaaaaaaaaaaaa;1;00;2019-01-0$claim;10.00;1"
        done
    } >"$work/in/ER_PRS_F_2019.CSV"
    {
        echo "$key;PHA_ORD_NUM;PHA_PRS_C13;PHA_ACT_QSN"
        echo "$(key_of 1);1;3400930000011;1"
        echo "$(key_of 2);1;3400930000011;2"
    } >"$work/in/ER_PHA_F_2019.CSV"
}
line_of() { sed -n "$1p" "$work/in/$2"; }
add() { echo "$2" >>"$work/in/$1"; }

# ---- what is expected ------------------------------------------------------------------------------
run() { # STATUS OPTIONS...: ingests; the exit code must be STATUS
    local wanted=$1 got=0
    shift
    "$bin" ingest --in "$work/in" --store "$work/store" "$@" >"$work/out" 2>"$work/said" || got=$?
    [ $got = "$wanted" ] || { cat "$work/said"; die "exit $got, not $wanted"; }
    [ "$wanted" = 0 ] || [ ! -e "$work/store" ] || die "a failed ingest leaves a store"
}
silent() { ! grep -rq -- "$1" "$work/said" || die "a cell's value is in the log"; }
count() { # TABLE NAME: a count of the manifest
    tr -d '\n' <"$work/store/store.json" | grep -o "\"$1\": *{\"rows_read[^}]*}[^}]*}" | grep -o "\"$2\": *[0-9]*" |
        grep -o '[0-9]*$' | head -1
}
counted() { [ "$(count "$1" "$2")" = "$3" ] || die "$1 $2: '$(count "$1" "$2")', expected $3"; }
rejected() { # TABLE "FILE",LINE,OFFSET?,COLUMN,REASON as a pattern
    local file="$work/store/rejects/0000/$1.csv"
    [ "$(head -1 "$file" | tr -d '\r')" = 'file,line,offset,column,reason,record' ] || die "header of $file"
    grep -q -- "$2" "$file" || { cat "$file"; die "expected a reject '$2'"; }
    [ "$(stat -c %a "$file")" = 600 ] || die "others may read $file"
}
reject_case() { # NAME RECORD PATTERN: one more claim, which must be rejected
    make_delivery
    add ER_PRS_F_2019.CSV "$2"
    run 0
    rejected ER_PRS_F "$3"
    counted ER_PRS_F rows_read 5
    counted ER_PRS_F rows_stored 4
    counted ER_PRS_F rows_rejected 1
    silent 'SECRET'
    run_over 4 --max-rejects 19
    run_over 0 --max-rejects 20
    echo "ok: $1"
}
run_over() { rm -rf "$work/store"; run "$@"; }

make_delivery
run 0
counted ER_PRS_F rows_stored 4
counted ER_PHA_F rows_orphan 0
echo "ok: good delivery"

# ---- rejected rows ---------------------------------------------------------------------------------
tail='aaaaaaaaaaaaaaaaa;1;00;2019-01-05;10.00;1'
reject_case "wrong column count" "$(key_of 5);$tail;SECRET" '"ER_PRS_F_2019.CSV",6,[0-9]*,,columns,"2019-02-01'
reject_case "bad date" "$(key_of 5);aaaaaaaaaaaaaaaaa;1;00;31/02/2019;10.00;1" ',6,[0-9]*,EXE_SOI_DTD,date,'
reject_case "bad number" "$(key_of 5);aaaaaaaaaaaaaaaaa;1;00;2019-01-05;SECRET;1" ',6,[0-9]*,PRS_PAI_MNT,number,'
reject_case "number out of range" "$(key_of 5);aaaaaaaaaaaaaaaaa;1;00;2019-01-05;10.00;1234567890123456789" \
    ',6,[0-9]*,PRS_ACT_QTE,range,'
reject_case "identifier too long" "$(key_of 5);aaaaaaaaaaaaaaaaaSECRET;1;00;2019-01-05;10.00;1" \
    ',6,[0-9]*,BEN_NIR_PSA,length,'
reject_case "empty key" "$(key_of '');$tail" ',6,[0-9]*,DCT_ORD_NUM,key,'
make_delivery
reject_case "duplicate" "$(line_of 3 ER_PRS_F_2019.CSV)" ',6,[0-9]*,,duplicate,'

make_delivery
printf '%s' "$(key_of 5);aaaa" >>"$work/in/ER_PRS_F_2019.CSV"
run 0
rejected ER_PRS_F ',6,[0-9]*,,truncated,'
echo "ok: truncated last line"

make_delivery
printf '%s' "$(key_of 5);$tail" >>"$work/in/ER_PRS_F_2019.CSV"
run 0
counted ER_PRS_F rows_stored 5
echo "ok: last line without a line feed"

# ---- rows that are kept and counted ----------------------------------------------------------------
make_delivery
add ER_PRS_F_2019.CSV "$(key_of 5);zzzzzzzzzzzzzzzzz;1;00;2019-01-05;10.00;1"
run 0
counted ER_PRS_F unresolved 1
counted ER_PRS_F rows_stored 5
echo "ok: unknown patient"

make_delivery
add ER_PRS_F_2019.CSV "$(key_of 5);aaaaaaaaaaaaaaaaa;1;06;2019-01-05;10.00;1"
printf '%s\n' 'ETA_NUM;RSA_NUM;NIR_ANO_17;RNG_NAI;EXE_SOI_DTD;EXE_SOI_DTF' \
    '750000001;0000000001;XXXXXXXXXXXXXXXXD;;2019-03-01;2019-03-02' >"$work/in/T_MCO19C.CSV"
run 0
counted ER_PRS_F dummy 1
counted T_MCOaaC dummy 1
echo "ok: invalid pseudonym"

make_delivery
add ER_PHA_F_2019.CSV "$(key_of 99);1;3400930000011;1"
run 0
counted ER_PHA_F rows_orphan 1
counted ER_PHA_F rows_stored 3
echo "ok: orphan child"

make_delivery
add ER_PRS_F_2019.CSV "$(key_of 4);aaaaaaaaaaaaaaaaa;1;00;2019-01-04;77.00;1"
run 0
counted ER_PRS_F key_conflict 1
counted ER_PRS_F rows_stored 5
echo "ok: duplicate key with other content"

# ---- columns and files -----------------------------------------------------------------------------
make_delivery
sed -i '1s/$/;NEW_COL/; 2,$s/$/;7/' "$work/in/ER_PHA_F_2019.CSV"
run 0
says 'column=NEW_COL'
counted ER_PHA_F rows_stored 2
echo "ok: unknown column"

make_delivery
cut -d';' -f1-11 "$work/in/ER_PHA_F_2019.CSV" >"$work/one" && mv "$work/one" "$work/in/ER_PHA_F_2019.CSV"
run 0
counted ER_PHA_F rows_stored 2
echo "ok: missing column"

make_delivery
cut -d';' -f2- "$work/in/ER_PHA_F_2019.CSV" >"$work/one" && mv "$work/one" "$work/in/ER_PHA_F_2019.CSV"
run 1
says 'ER_PHA_F_2019.CSV'
says 'FLX_DIS_DTD'
echo "ok: missing key column"

make_delivery
: >"$work/in/ER_PHA_F_2019.CSV"
run 1
says 'ER_PHA_F_2019.CSV'
echo "ok: empty file"

make_delivery
head -1 "$work/in/ER_PHA_F_2019.CSV" >"$work/one" && mv "$work/one" "$work/in/ER_PHA_F_2019.CSV"
run 0
counted ER_PHA_F rows_read 0
echo "ok: header alone"

make_delivery
head -c 100000 /dev/urandom >"$work/in/ER_PHA_F_2019.CSV"
run 1
says 'ER_PHA_F_2019.CSV'
says 'text'
echo "ok: a file that is not text"

make_delivery
echo 'anything' >"$work/in/readme.txt"
mkdir "$work/in/folder.CSV"
run 0
says 'file=readme.txt'
echo "ok: a file of no table"

make_delivery
rm "$work/in"/*
run 1
says "$work/in"
echo "ok: nothing to read"

rm -rf "$work/in"
run 1
says "$work/in"
echo "ok: a missing directory"

make_delivery
ln -s "$work/nowhere" "$work/in/ER_CAM_F_2019.CSV"
run 1
says 'ER_CAM_F_2019.CSV'
echo "ok: a missing file"

# ---- the disk --------------------------------------------------------------------------------------
make_delivery
echo 'a file' >"$work/file"
got=0
"$bin" ingest --in "$work/in" --store "$work/file/store" 2>"$work/said" || got=$?
[ $got = 1 ] || die "a store inside a file: exit $got"
says "$work/file/store"
echo "ok: a folder that cannot be made"

if [ "$(id -u)" != 0 ]; then
    mkdir -m 500 "$work/closed"
    got=0
    "$bin" ingest --in "$work/in" --store "$work/closed/store" 2>"$work/said" || got=$?
    [ $got = 1 ] || die "a folder that is not writable: exit $got"
    says "$work/closed/store"
    echo "ok: a folder that is not writable"
elif mkdir "$work/small" && mount -t tmpfs -o size=100k tmpfs "$work/small" 2>/dev/null; then
    for claim in $(seq 10 6000); do
        echo "$(key_of $claim);aaaaaaaaaaaaaaaaa;1;00;2019-01-05;$((claim * 7919 % 10007)).00;1"
    done >>"$work/in/ER_PRS_F_2019.CSV"
    got=0
    "$bin" ingest --in "$work/in" --store "$work/small/store" 2>"$work/said" || got=$?
    [ $got = 1 ] || { cat "$work/said"; die "a full disk: exit $got"; }
    says 'cannot write\|No space left'
    [ -z "$(find "$work/small" -type f)" ] || die "a full disk keeps files: $(find "$work/small" -type f)"
    mount -o remount,ro "$work/small"
    got=0
    "$bin" ingest --in "$work/in" --store "$work/small/store" 2>"$work/said" || got=$?
    [ $got = 1 ] || { cat "$work/said"; die "a read-only disk: exit $got"; }
    says "$work/small/store"
    umount "$work/small"
    echo "ok: a full disk, a disk that is not writable"
else
    echo "skipped: no tmpfs can be mounted here"
fi
echo "bad input: all passed"
