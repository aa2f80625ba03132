#!/bin/bash
# The SNDS model on a small delivery: rows that find their patient through others with the same values
# (statements, acts by a hospital's own number), drugs found by CIP13, CIP7 and UCD, cleaning rules.
# usage: test_paths.sh FOLDER_OF_THE_BINARY
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
bin=$1/parcours
[ -x "$bin" ] || { echo "no $bin"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir "$work/in"
file() { cat >"$work/in/$1"; }
file IR_BEN_R.CSV <<'END'
BEN_NIR_PSA;BEN_RNG_GEM;BEN_IDT_ANO;BEN_SEX_COD;BEN_NAI_ANN;BEN_NAI_MOI;BEN_CDI_NIR
aaaaaaaaaaaaaaaaa;1;person1;1;1950;4;00
bbbbbbbbbbbbbbbbb;1;person2;2;1960;5;03
ccccccccccccccccc;1;person3;9;1970;5;00
END
statement='FLX_DIS_DTD;FLX_TRT_DTD;FLX_EMT_TYP;FLX_EMT_NUM;FLX_EMT_ORD;ORG_CLE_NUM;DCT_ORD_NUM'
of() { echo "2019-02-01;2019-01-15;1;1;0;01C751234;$1"; }
{
    echo "$statement;PRS_ORD_NUM;REM_TYP_AFF;BEN_NIR_PSA;BEN_RNG_GEM;EXE_SOI_DTD;DPN_QLF;PRS_ACT_QTE"
    echo "$(of 1);1;0;aaaaaaaaaaaaaaaaa;1;2019-01-01;0;1"
    echo "$(of 1);2;0;aaaaaaaaaaaaaaaaa;1;2019-01-02;71;1"
    echo "$(of 2);1;0;bbbbbbbbbbbbbbbbb;1;2019-01-03;;1"
    echo "$(of 3);1;0;aaaaaaaaaaaaaaaaa;1;2019-01-04;;1"
    echo "$(of 3);2;0;bbbbbbbbbbbbbbbbb;1;2019-01-04;;1"
} | file ER_PRS_F_2019.CSV
{ # statement 3 is of two persons, 9 of none
    echo "$statement;DCT_REM_DTD"
    for number in 1 2 3 9; do echo "$(of $number);2019-02-0$number"; done
} | file ER_DCT_F_2019.CSV
{ # CIP13 wins over CIP7; the drug of the fourth line is not known
    echo "$statement;PRS_ORD_NUM;REM_TYP_AFF;PHA_ORD_NUM;PHA_PRS_C13;PHA_PRS_IDE;PHA_ACT_QSN"
    echo "$(of 1);1;0;1;3400930000011;2000002;1"
    echo "$(of 1);1;0;2;0;2000002;1"
    echo "$(of 1);2;0;1;;2000003;1"
    echo "$(of 2);1;0;1;;2999999;1"
} | file ER_PHA_F_2019.CSV
{
    echo "$statement;PRS_ORD_NUM;REM_TYP_AFF;UCD_ORD_NUM;UCD_UCD_COD;UCD_DLV_NBR"
    echo "$(of 2);1;0;1;0000009261104;1"
} | file ER_UCD_F_2019.CSV
file IR_PHA_R.CSV <<'END'
PHA_CIP_C13;PHA_PRS_IDE;PHA_CIP_UCD;PHA_ATC_CLA;PHA_ATC_C07;PHA_GRD_CND;PHA_CND_TOP
3400930000011;2000001;;A10BA02;A10XX;;GC
3400930000022;2000002;9261104;;B01AC06;GC;
3400930000033;2000003;;C07AB02;;;
END
file T_RIP19C.CSV <<'END'
ETA_NUM_EPMSI;RIP_NUM;NIR_ANO_17;EXE_SOI_DTD;EXE_SOI_DTF
750000001;000001;aaaaaaaaaaaaaaaaa;2019-03-01;2019-03-09
750000001;000002;bbbbbbbbbbbbbbbbb;2019-03-01;2019-03-09
750000001;000003;ccccccccccccccccc;2019-03-01;2019-03-09
END
file T_RIP19RSA.CSV <<'END'
ETA_NUM_EPMSI;RIP_NUM;SEQ_SEQ_NUM;IPP_IRR_CRY;SEQ_IND
750000001;000001;1;numberA000000000;S
750000001;000002;1;numberB000000000;E
750000001;000003;1;numberB000000000;S
END
file T_RIP19R3A.CSV <<'END'
ETA_NUM_EPMSI;SEJ_IDT;ORD_NUM;IPP_IRR_CRY;EXE_SOI_DTD
750000001;00001;00000001;numberA000000000;2019-05-01
750000001;00001;00000002;numberB000000000;2019-05-02
750000001;00001;00000003;numberC000000000;2019-05-03
750000001;00001;00000004;;2019-05-04
750000002;00001;00000005;numberA000000000;2019-05-05
END
file T_RIP19R3AD.CSV <<'END'
ETA_NUM_EPMSI;SEJ_IDT;ORD_NUM;IPP_IRR_CRY;ASS_DGN
750000001;00001;00000001;numberA000000000;F20
750000001;00001;00000003;numberC000000000;F21
750000001;00001;00000009;numberA000000000;F22
END

ask() { "$bin" query "$work/store1" --unprotected --quiet --format csv "$1" | tail -n +2; }
gives() { # QUERY ANSWER
    [ "$(ask "$1")" = "$2" ] || { ask "$1"; die "$1 is not: $2"; }
    echo "ok: $1"
}
for ranks in 1 3; do
    mpirun --oversubscribe -n $ranks "$bin" ingest --model snds --in "$work/in" --store "$work/store$ranks" \
        --shards 16 --quiet 2>"$work/said" || { cat "$work/said"; die "ingest with $ranks ranks"; }
    (cd "$work/store$ranks" && find . -type f ! -name journal.jsonl | sort | xargs sha256sum) >"$work/sums$ranks"
done
cmp "$work/sums1" "$work/sums3" || die "other bytes with 3 ranks"

gives "SELECT DCT_ORD_NUM, patient_status, patient FROM ER_DCT_F ORDER BY 1" \
    $'1,resolved,person1\n2,resolved,person2\n3,ambiguous,\n9,orphan,'
gives "SELECT ORD_NUM, patient_status, patient FROM T_RIPaaR3A ORDER BY 1" \
    $'00000001,resolved,person1\n00000002,ambiguous,\n00000003,orphan,\n00000004,orphan,\n00000005,orphan,'
gives "SELECT ASS_DGN, patient_status, patient, event_date FROM T_RIPaaR3AD ORDER BY 1" \
    $'F20,resolved,person1,2019-05-01\nF21,orphan,,2019-05-03\nF22,orphan,,'
gives "SELECT PHA_PRS_IDE, PHA_ORD_NUM, atc, large_package FROM ER_PHA_F ORDER BY 1, 2" \
    $'2000002,1,A10BA02,true\n2000002,2,B01AC06,true\n2000003,1,C07AB02,false\n2999999,1,,false'
gives "SELECT atc, large_package FROM ER_UCD_F" 'B01AC06,true'
gives "SELECT BEN_IDT_ANO, rule_b1, rule_b2 FROM IR_BEN_R ORDER BY 1" \
    $'person1,true,true\nperson2,false,true\nperson3,true,false'
gives "SELECT SEQ_IND, rule_p1, valid FROM T_RIPaaRSA ORDER BY RIP_NUM" $'S,true,true\nE,false,false\nS,true,true'
gives "SELECT PRS_ORD_NUM, rule_d1, valid FROM ER_PRS_F WHERE DCT_ORD_NUM = 1 ORDER BY 1" \
    $'1,true,true\n2,false,false'
