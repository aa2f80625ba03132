#!/bin/bash
# Other sources beside the SNDS: the example of docs/sources.md, the shipped register and survey. Rows
# find their patients through a mapping table; joins with claims; any ranks; what is refused.
# usage: test_sources.sh FOLDER_OF_THE_BINARY
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
bin=$1/parcours
[ -x "$bin" ] || { echo "no $bin"; exit 77; }
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir "$work/in"
file() { cat >"$work/in/$1"; }
block() { # KIND NUMBER: the block of that kind of the page
    awk -v kind="\`\`\`$1" -v wanted="$2" '$0 == kind {n++; on = n == wanted; next} /^```/ {on = 0} on' "$here/../../docs/sources.md"
}
block json 1 >"$work/falls.json"
block csv 1 | file fall_pairing.csv
block csv 2 | file falls_2019.csv
file IR_BEN_R.CSV <<'END'
BEN_NIR_PSA;BEN_RNG_GEM;BEN_IDT_ANO;BEN_SEX_COD;BEN_NAI_ANN;BEN_NAI_MOI
aaaaaaaaaaaaaaaaa;1;person1;1;1950;4
bbbbbbbbbbbbbbbbb;1;person2;2;1960;5
END
key='FLX_DIS_DTD;FLX_TRT_DTD;FLX_EMT_TYP;FLX_EMT_NUM;FLX_EMT_ORD;ORG_CLE_NUM;DCT_ORD_NUM;PRS_ORD_NUM;REM_TYP_AFF'
of() { echo "2019-04-01;2019-03-15;1;1;0;01C751234;$1;1;0"; }
{
    echo "$key;BEN_NIR_PSA;BEN_RNG_GEM;EXE_SOI_DTD"
    echo "$(of 1);aaaaaaaaaaaaaaaaa;1;2019-02-10"
    echo "$(of 2);aaaaaaaaaaaaaaaaa;1;2019-02-20"
    echo "$(of 3);bbbbbbbbbbbbbbbbb;1;2018-06-01"
} | file ER_PRS_F_2019.CSV
{
    echo "$key;PHA_ORD_NUM;PHA_PRS_C13;PHA_ACT_QSN"
    for claim in 1 2 3; do echo "$(of $claim);1;3400930000011;1"; done
} | file ER_PHA_F_2019.CSV
file angio_pairing.csv <<'END'
REGISTER_ID,BEN_IDT_ANO,PAIRING_STEP
r1,person1,1
r2,person2,2
END
file angio_procedures_2019.csv <<'END'
PROCEDURE_ID,REGISTER_ID,CENTRE,PROCEDURE_DAY,INDICATION,CCAM,SUCCESS
p1,r1,750000001,2019-02-21,STEMI,DDAF006,1
p2,r2,750000001,2019-05-01,STABLE,DDAF006,1
p3,r7,750000002,2019-06-01,STEMI,DDAF001,0
END
file angio_lesions_2019.csv <<'END'
PROCEDURE_ID,LESION,SEGMENT,STENTS,DRUG_ELUTING
p1,1,6,1,1
p1,2,12,0,
p2,1,1,2,1
END
file school_pairing.csv <<'END'
PUPIL_ID;BEN_IDT_ANO;CONSENT_DAY
s1;person2;2018-09-01
END
file school_wave_2019.csv <<'END'
PUPIL_ID;VISIT_DAY;HEIGHT_CM;WEIGHT_KG;DECAYED_TEETH;ASTHMA
s1;2019-10-02;120,0;21,6;2;1
END

model="snds+$work/falls.json+angioplasties+school_survey"
for ranks in 1 3; do
    mpirun --oversubscribe -n $ranks "$bin" ingest --model "$model" --in "$work/in" --store "$work/store$ranks" \
        --shards 16 --quiet 2>"$work/said" || { cat "$work/said"; die "ingest with $ranks ranks"; }
    (cd "$work/store$ranks" && find . -type f ! -name journal.jsonl | sort | xargs sha256sum) >"$work/sums$ranks"
done
cmp "$work/sums1" "$work/sums3" || die "other bytes with 3 ranks"

gives() { # QUERY ANSWER
    local got
    got=$("$bin" query "$work/store1" --unprotected --quiet --format csv "$1" | tail -n +2)
    [ "$got" = "$2" ] || { echo "$got"; die "$1 is not: $2"; }
    echo "ok: $1"
}
gives "SELECT FALL_ID, patient_status, patient, fracture FROM FALL ORDER BY 1" \
    $'f1,resolved,person1,true\nf2,resolved,person2,false\nf3,ambiguous,,true\nf4,unresolved,personX,false\nf5,orphan,,true'
gives "$(block sql 1)" 'f1,true,2'
gives "SELECT l.PROCEDURE_ID, l.LESION, l.acute, l.patient FROM ANGIO_LESION l ORDER BY 1, 2" \
    $'p1,1,true,person1\np1,2,true,person1\np2,1,false,person2'
gives "SELECT PROCEDURE_ID, patient_status, CCAM FROM ANGIO_PROCEDURE WHERE acute ORDER BY 1" \
    $'p1,resolved,DDAF006\np3,orphan,DDAF001'
gives "SELECT patient, file_year, bmi FROM SCHOOL_WAVE" 'person2,2019,15'
gives "SELECT count(*) FROM PERSON" '3'
"$bin" info "$work/store1" | grep -q 'snds+falls+angioplasties+school_survey' || die "info does not name the models"
"$bin" verify "$work/store1" --quiet >/dev/null || die "verify"
echo "ok: one store, one base and three extensions"

# ---- sources that come to a store that is there ----

tables="PERSON ER_PRS_F FALL ANGIO_LESION SCHOOL_WAVE"
answers() { # STORE: every row of these tables, and what joins them
    local table
    for table in $tables; do
        "$bin" query "$1" --unprotected --quiet --format csv "SELECT patient_status, * FROM $table"
    done
    "$bin" query "$1" --unprotected --quiet --format csv "$(block sql 1)"
}
answers "$work/store1" >"$work/together"
delivery() { # NAME FILE...: a folder with some of the files
    mkdir "$work/$1"
    for name in "${@:2}"; do ln -s "$work/in/$name" "$work/$1/$name"; done
}
delivery snds IR_BEN_R.CSV ER_PRS_F_2019.CSV ER_PHA_F_2019.CSV
delivery falls fall_pairing.csv falls_2019.csv
delivery late falls_2019.csv                       # before the pairing that tells whose they are
delivery pairing fall_pairing.csv
delivery angio angio_pairing.csv angio_procedures_2019.csv angio_lesions_2019.csv
delivery school school_pairing.csv school_wave_2019.csv
add() { # RANKS STORE DELIVERY OPTION...
    mpirun --oversubscribe -n "$1" "$bin" ingest --in "$work/$3" --store "$2" "${@:4}" --quiet 2>"$work/said" ||
        { cat "$work/said"; die "append of $3 with $1 ranks"; }
}
for ranks in 1 3; do
    store=$work/grown$ranks
    add $ranks "$store" snds --model snds --shards 16
    if [ $ranks = 1 ]; then
        add $ranks "$store" falls --append --model "$work/falls.json"
    else
        add $ranks "$store" late --append --model "$work/falls.json"
        add $ranks "$store" pairing --append
    fi
    add $ranks "$store" angio --append --model angioplasties
    add $ranks "$store" school --append --model snds+school_survey
    answers "$store" | diff - "$work/together" >"$work/differ" || { head "$work/differ"; die "answers of sources added with $ranks ranks"; }
    "$bin" info "$store" | grep -q 'snds+falls+angioplasties+school_survey' || die "info does not name the models"
    "$bin" verify "$store" --quiet >/dev/null || die "verify of $store"
    (cd "$store" && find . -type f ! -name journal.jsonl | sort | xargs sha256sum) >"$work/sums"
    add $ranks "$store" school --append --resume --model school_survey # again: nothing to do
    (cd "$store" && find . -type f ! -name journal.jsonl | sort | xargs sha256sum) | cmp - "$work/sums" || die "--resume changed the store"
done
"$bin" compact "$work/grown3" --quiet
answers "$work/grown3" | cmp - "$work/together" || die "answers once compacted"
"$bin" verify "$work/grown3" --quiet >/dev/null || die "verify once compacted"
cp "$work/grown1/store.json" "$work/manifest"
echo "ok: sources added to a store"

rejected() { # MODEL SENTENCE: an append that changes nothing
    local got=0
    "$bin" ingest --append --model "$1" --in "$work/falls" --store "$work/grown1" 2>"$work/said" || got=$?
    [ $got = 2 ] && grep -q "$2" "$work/said" || { cat "$work/said"; die "append by $1: exit $got, expected '$2'"; }
    cmp "$work/grown1/store.json" "$work/manifest" || die "a refused append changed the store"
}
sed 's/"AT_HOME bool/"AT_HOME code/' "$work/falls.json" >"$work/other.json"
rejected "$work/other.json" "another text of model 'falls'"
rejected "$work/falls.json" 'is in the store already'
sed 's/"extends": "snds"/"extends": "omop"/; s/"falls"/"slips"/' "$work/falls.json" >"$work/other.json"
rejected "$work/other.json" "expected 'snds'"
echo "ok: refused appends"

refused() { # MODEL SENTENCE
    local got=0
    "$bin" ingest --model "$1" --in "$work/in" --store "$work/refused" 2>"$work/said" || got=$?
    [ $got = 2 ] && grep -q "$2" "$work/said" || { cat "$work/said"; die "$1: exit $got, expected '$2'"; }
}
refused "$work/falls.json" 'an extension is given behind its base'
refused "snds+snds" 'extends: missing'
refused "snds+falls" "there is no file"
sed 's/"extends": "snds"/"extends": "omop"/' "$work/falls.json" >"$work/other.json"
refused "snds+$work/other.json" "expected 'snds'"
sed 's/\["FALL", "fracture/["ER_PRS_F", "fracture/' "$work/falls.json" >"$work/other.json"
refused "snds+$work/other.json" 'is a table of the base model'
sed 's/"derived"/"person": {}, "derived"/' "$work/falls.json" >"$work/other.json"
refused "snds+$work/other.json" 'an extension takes this from its base'
refused "snds+$work/falls.json+$work/falls.json" 'is there twice'
echo "ok: refusals"
