#!/bin/bash
# The OMOP CDM as a model: files by commas and tabs, names in any case, days in all forms, Athena's
# vocabulary files with quotes that quote nothing; PERSON and its deaths; what is rejected; the same
# bytes for any number of ranks; an append gives what one load gives.
# usage: test_omop.sh FOLDER_OF_THE_BINARY
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
bin=$1/parcours
[ -x "$bin" ] || { echo "no $bin"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir "$work/in" "$work/words"
file() { tr '|' "${2:-,}" >"$work/in/$1"; }
file person.csv <<'END'
PERSON_ID|gender_concept_id|Year_of_birth|month_of_birth|race_concept_id
1|8507|1950|4|0
2|8532|1960||0
3|0|1970|7|0
END
file OBSERVATION_PERIOD.csv <<'END'
observation_period_id|person_id|observation_period_start_date|observation_period_end_date|period_type_concept_id
1|1|2015-01-01|2016-12-31|32882
2|1|20180101|2019-12-31|32882
3|2|2015-01-01 00:00:00|2019-12-31T10:00:00.5|32882
4|1|2016-12-31|2017-01-31|32882
5|9|2015-01-01|2017-01-31|32882
6|3|2015-01-01||32882
7|1|2014-01-01|2014-12-31|32882
END
file condition_occurrence.tsv '\t' <<'END'
condition_occurrence_id|person_id|condition_concept_id|condition_start_date|condition_start_datetime|provider_id|visit_occurrence_id|condition_source_value
1|1|2000000001|20190301|2019-03-01 08:30:00|7|1|E11 "old
2|2|2|2019-03-02|||1.0|"new"
3|3|2|2019-03-03|||9|
END
file visit_occurrence.csv <<'END'
visit_occurrence_id|person_id|visit_concept_id|visit_start_date|visit_end_date|provider_id
1|1|9201|2019-03-01|2019-03-04|
1|2|9202|2019-03-02|2019-03-02|7
END
file death.csv <<'END'
person_id|death_date|cause_concept_id
2|2020-05-06|2
END
file cost.csv <<'END'
cost_id|cost_event_id|cost_domain_id|total_paid|currency_concept_id
1|1|Drug|10.5|44818568
END
file provider.csv <<'END'
provider_id|specialty_concept_id|gender_concept_id
7|38004456|8532
END
file CONCEPT.csv '\t' <<'END'
concept_id|concept_name|domain_id|vocabulary_id|concept_class_id|standard_concept|concept_code|valid_start_date|valid_end_date|invalid_reason
2000000001|"Sugar" disease, so called|Condition|SNOMED|Clinical Finding|S|73211009|19700101|20991231|
2|"unbalanced|Condition|SNOMED|Clinical Finding|S|2|19700101|20991231|
END
file concept_ancestor.csv '\t' <<'END'
ancestor_concept_id|descendant_concept_id|min_levels_of_separation|max_levels_of_separation
2|2000000001|1|2
END
file concept_relationship.csv '\t' <<'END'
concept_id_1|concept_id_2|relationship_id|valid_start_date|valid_end_date|invalid_reason
2000000001|2|Maps to|19700101|20991231|
2|2000000001|Maps to|19700101|20991231|D
END

load() { # IN STORE OPTIONS...: an ingest, quiet
    local in=$1 store=$2
    shift 2
    "$bin" ingest --in "$in" --store "$store" --quiet "$@" >/dev/null 2>"$work/errors" || { cat "$work/errors"; die "ingest of $store"; }
}
ask() { "$bin" query "${2:-$work/store}" "$1" --unprotected --format csv --quiet 2>/dev/null | tail -n +2 | tr '\n' ' '; }
is() { # SQL EXPECTED
    local got
    got=$(ask "$1")
    [ "$got" = "$2" ] || die "$1 gave '$got' and not '$2'"
}
load "$work/in" "$work/store" --model omop --shards 16
"$bin" verify "$work/store" --quiet >/dev/null || die "verify"
is "SELECT patient, sex, birth_date, year_of_birth, death_date, resolved FROM person ORDER BY 1" \
    '1,M,1950-04-01,1950,,true 2,F,,1960,2020-05-06,true 3,,1970-07-01,1970,,true '
is "SELECT condition_concept_id, condition_start_date, condition_start_datetime, specialty_concept_id, visit_occurrence_id FROM condition_occurrence ORDER BY 1, 2" \
    '2,2019-03-02,,,1 2,2019-03-03,,,9 2000000001,2019-03-01,2019-03-01,38004456,1 '
is "SELECT concept_name FROM concept ORDER BY concept_id" '"""unbalanced" """Sugar"" disease, so called" '
is "SELECT count(*), count(patient) FROM cost" '1,0 '
is "SELECT d.patient, c.concept_code FROM death d JOIN concept c ON d.cause_concept_id = c.concept_id" '2,2 '
is "SELECT observation_period_start_date, observation_period_end_date FROM observation_period ORDER BY 1, 2" \
    '2014-01-01,2014-12-31 2015-01-01,2016-12-31 2015-01-01,2019-12-31 2018-01-01,2019-12-31 '
rejects=$(tail -n +2 "$work/store/rejects/0000/OBSERVATION_PERIOD.csv" | cut -d, -f2,5 | tr '\n' ' ')
[ "$rejects" = "5,overlap 6,person 7,period " ] || die "rejected periods: $rejects"

for ranks in 2 4; do
    mpirun -n $ranks --oversubscribe "$bin" ingest --model omop --in "$work/in" --store "$work/again" --shards 16 --quiet >/dev/null 2>&1 || die "$ranks ranks"
    diff -r "$work/store" "$work/again" -x journal.jsonl >/dev/null || die "$ranks ranks give another store"
    rm -r "$work/again"
done

# The deaths and the conditions come a month later.
mkdir "$work/first" "$work/later"
cp "$work"/in/* "$work/first"
mv "$work"/first/death.csv "$work"/first/condition_occurrence.tsv "$work/later"
load "$work/first" "$work/months" --model omop --shards 16
load "$work/later" "$work/months" --append
for sql in "SELECT patient, sex, death_date FROM person" "SELECT * FROM condition_occurrence"; do
    [ "$(ask "$sql")" = "$(ask "$sql" "$work/months")" ] || die "after an append: $sql"
done

# Periods that come later: those of the store stay, however they lie.
mkdir "$work/periods"
sed 1q "$work/in/OBSERVATION_PERIOD.csv" >"$work/periods/observation_period.csv"
printf '%s\n' 10,1,2013-01-01,2014-01-01,0 11,1,2014-12-31,2015-01-01,0 12,1,2017-01-01,2017-12-31,0 \
    13,1,2010-01-01,2010-12-31,0 14,1,2010-12-31,2011-01-31,0 15,1,2013-01-01,2030-01-01,0 16,8,2013-01-01,2030-01-01,0 \
    >>"$work/periods/observation_period.csv"
load "$work/periods" "$work/months" --append
rejects=$(tail -n +2 "$work/months/rejects/0002/OBSERVATION_PERIOD.csv" | cut -d, -f2,5 | tr '\n' ' ')
[ "$rejects" = "2,overlap 3,overlap 6,overlap 7,overlap 8,person " ] || die "later periods: $rejects"
"$bin" compact "$work/months" --quiet >/dev/null 2>&1 || die "compact"
"$bin" verify "$work/months" --quiet >/dev/null 2>&1 || die "verify after an append"
[ "$(ask "SELECT count(*) FROM observation_period" "$work/months")" = "6 " ] || die "periods after an append: $(ask "SELECT patient, observation_period_id FROM observation_period" "$work/months")"

# A tree of codes: what is below a concept, what maps to it, and an exception.
sql="SELECT v.visit_concept_id, count(*) FROM condition_occurrence c JOIN visit_occurrence v USING (patient, visit) GROUP BY 1 ORDER BY 1"
is "$sql" '9201,1 9202,1 '
tree() { # CODES: how many conditions a study finds by them
    printf '%s\n' '{"study": "tree", "codes": {"set": '"$1"'},' \
        '"events": {"found": {"from": "condition_occurrence", "code": "condition_concept_id", "codes": "set"}},' \
        '"cohorts": {"kept": {"entry": {"from": "found"}}}, "statistics": {"flow": {"attrition": "kept"}}}' >"$work/tree.json"
    rm -rf "$work/tree"
    "$bin" run "$work/tree.json" --store "$work/store" --out "$work/tree" --unprotected >"$work/said" 2>&1 || { cat "$work/said"; return; }
    sed -n 2p "$work/tree/control/flow.csv" | cut -d, -f3
}
[ "$(tree '{"concept": ["2"]}')" = 3 ] || die "a code and those below: $(tree '{"concept": ["2"]}')"
[ "$(tree '{"concept": ["=2"]}')" = 2 ] || die "a code alone"
[ "$(tree '{"concept": ["2"], "except": {"concept": ["=2"]}}')" = 1 ] || die "a code with an exception"
[ "$(tree '{"concept": ["=~2000000001"]}')" = 1 ] || die "what maps to a code: a relation that ended"
[ "$(tree '{"concept": ["=~2"]}')" = 3 ] || die "what maps to a code"
tree '{"concept": ["two"]}' | grep -q "a code of concept is a whole number: 'two'" || die "a concept that is no number"

# OHDSI's definition 1068 as a study, on the synthetic CDM: the rows that Circe's own SQL gives.
data=${PARCOURS_DATA:-$(dirname "$0")/../../../shared}/ohdsi
if [ -d "$data/cdm22k" ]; then
    load "$data/cdm22k" "$work/cdm" --model omop --shards 16
    "$bin" run "$(dirname "$0")/../../jobs/tnf_in_colitis.json" --store "$work/cdm" --out "$work/tnf" --unprotected --quiet >/dev/null 2>&1 || die "tnf_in_colitis"
    got=$(h5dump -d start_date -y -w 0 "$work/tnf/cohorts/users.h5" | grep -m 1 -A 1 'DATA {' | tail -1 | tr -d ' ')
    [ "$got" = "17024,17895,17838" ] || die "tnf_in_colitis found $got"
    got=$(h5dump -d end_date -y -w 0 "$work/tnf/cohorts/users.h5" | grep -m 1 -A 1 'DATA {' | tail -1 | tr -d ' ')
    [ "$got" = "17115,18076,17897" ] || die "tnf_in_colitis ends $got"
    said=$("$bin" lint "$data"/definitions/*.json --store "$work/cdm" 2>&1) || die "lint"
    grep -q "^547 definitions, 508 warnings" <<<"$said" || die "lint: $(tail -1 <<<"$said")"
    "$bin" describe "$data/definitions/1068.json" | grep -q "the first drug exposure of '\[HowOften\] TNF inhibitors'" || die "describe"
    printf 'source_code,source_vocabulary_id,target_concept_id\nK51,CIM10,81893\nL04AB,ATC,1\n' >"$work/map.csv"
    said=$("$bin" lint "$data/definitions/1068.json" --store "$work/cdm" --mapping "$work/map.csv" 2>&1) || die "lint with a mapping"
    grep -q "ConceptSets\[0\]: 0 of 5 listed concepts are reached, by 0 codes" <<<"$said" || die "reach: $said"
    grep -q "ConceptSets\[1\]: [1-6] of 6 listed concepts are reached, by 1 codes" <<<"$said" || die "reach: $said"
    "$bin" lint "$data/definitions/1068.json" "$work/in/person.csv" >"$work/said" 2>&1 && die "lint of a file that is no definition"
    grep -q "1 of 2 definitions cannot be read" "$work/said" || die "lint: $(cat "$work/said")"
else
    echo "no $data/cdm22k: OHDSI's definition was not tried"
fi

# An SNDS store as a CDM: counts as SQL has them, concepts by the mapping, the same bytes on three ranks, and it loads.
"$bin" synth --patients 300 --years 2019:2019 --seed 5 --out "$work/snds" --quiet >/dev/null 2>&1 || die "synth"
python3 "$(dirname "$0")/devices.py" "$work/snds"
load "$work/snds" "$work/claims" --model snds --shards 16
cat >"$work/map.csv" <<'END'
source_code,source_concept_id,source_vocabulary_id,source_code_description,target_concept_id,target_vocabulary_id,invalid_reason
178,5,NABM,"glucose, blood",3000001,LOINC,
178,5,NABM,"glucose, blood",3000002,LOINC,
178,5,NABM,"glucose, blood",3000003,LOINC,D
END
"$bin" omop "$work/claims" --out "$work/made" --mapping "$work/map.csv" --quiet 2>"$work/errors" || { cat "$work/errors"; die "omop"; }
mpirun -n 3 --oversubscribe "$bin" omop "$work/claims" --out "$work/made3" --mapping "$work/map.csv" --quiet >/dev/null 2>&1 || die "omop on 3 ranks"
diff -r "$work/made" "$work/made3" >/dev/null || die "omop on 3 ranks gives other files"
load "$work/made" "$work/cdm2" --model omop --shards 16
[ -z "$(ls "$work/cdm2/rejects/0000" 2>/dev/null)" ] || die "rows of a converted store are rejected"
tests=$(ask "SELECT count(*), sum(CASE WHEN BIO_PRS_IDE = 178 THEN 1 ELSE 0 END) FROM ER_BIO_F WHERE valid AND BIO_PRS_IDE IS NOT NULL AND patient_status = 'resolved'" "$work/claims")
all=${tests%,*} glucose=${tests#*,}
[ "$glucose" -gt 0 ] || die "no such test in the synthetic claims"
[ "$(ask "SELECT count(*), sum(CASE WHEN measurement_concept_id IN (3000001, 3000002) AND measurement_source_concept_id = 5 THEN 1 ELSE 0 END), sum(CASE WHEN measurement_concept_id = 0 THEN 1 ELSE 0 END) FROM measurement" "$work/cdm2")" = \
    "$((all + glucose)),$((2 * glucose)),$((all - glucose)) " ] || die "measurements of a converted store"
[ "$(ask "SELECT count(*), count(DISTINCT patient) FROM person" "$work/cdm2")" = "$(ask "SELECT count(*), count(DISTINCT patient) FROM person WHERE resolved" "$work/claims")" ] || die "persons of a converted store"
stays="SELECT count(*) FROM T_MCOaaB WHERE valid AND patient_status = 'resolved' AND DGN_PAL IS NOT NULL"
[ "$(ask "SELECT count(*) FROM condition_occurrence JOIN visit_occurrence USING (patient, visit) WHERE condition_status_concept_id = 32902" "$work/cdm2")" = "$(ask "$stays" "$work/claims")" ] || die "principal diagnoses and their visits"
devices=$(ask "SELECT count(*) FROM ER_TIP_F WHERE valid AND TIP_PRS_IDE IS NOT NULL AND patient_status = 'resolved'" "$work/claims")
implants=$(ask "SELECT count(*) FROM T_MCOaaDMIP WHERE valid AND TIP_PRS_IDE IS NOT NULL AND patient_status = 'resolved'" "$work/claims")
[ "$devices" -gt 50 ] && [ "$implants" -gt 5 ] || die "too few devices: $devices and $implants"
[ "$(ask "SELECT count(*) FROM device_exposure" "$work/cdm2")" = "$((devices + implants)) " ] || die "devices of a converted store"
rented=$(ask "SELECT sum(TIP_ACL_DTF - event_date) FROM ER_TIP_F WHERE valid AND TIP_ACL_DTF > event_date AND patient_status = 'resolved'" "$work/claims")
[ "$(ask "SELECT sum(device_exposure_end_date - device_exposure_start_date) FROM device_exposure" "$work/cdm2")" = "$rented" ] || die "days of rented devices"
# Eras beside plain loops over the exposures as they were written, and costs by their sum.
python3 - "$work/made" <<'END' || die "eras are not those of the loops"
import csv, datetime, sys
def rows(name):
    return list(csv.DictReader(open("%s/%s.csv" % (sys.argv[1], name), newline="")))
def eras(events):
    out = []
    for key in sorted({e[0] for e in events}):
        spans = sorted(e[1:] for e in events if e[0] == key)
        at = None
        for start, end in spans:
            if at and (start - at[1]).days <= 30:
                at[1], at[2] = max(at[1], end), at[2] + 1
            else:
                at = [start, end, 1]
                out.append((key, at))
    return sorted((key, str(a), str(b), str(n)) for key, (a, b, n) in out)
day = datetime.date.fromisoformat
for era, table, kind, last in (("drug_era", "drug_exposure", "drug", "drug_exposure_end_date"),
                               ("condition_era", "condition_occurrence", "condition", "condition_end_date")):
    code, n = kind + "_source_value", "drug_exposure_count" if kind == "drug" else "condition_occurrence_count"
    start = last.replace("end", "start")
    seen = {(r["%s_id" % table], r["person_id"], r[code], r[start], r[last]) for r in rows(table)}
    events = [((p, c), day(a), day(b or a)) for _, p, c, a, b in seen]
    made = sorted(((r["person_id"], r[code]), r[era + "_start_date"], r[era + "_end_date"], r[n]) for r in rows(era))
    assert made and made == eras(events), (era, len(made), len(eras(events)))
END
[ "$(ask "SELECT count(*), sum(total_paid), sum(paid_by_payer) FROM cost" "$work/cdm2" | sed 's/\([.0-9]*[.][0-9]*[1-9]\)0*/\1/g')" = \
    "$(ask "SELECT count(*), sum(PRS_PAI_MNT), sum(BSE_REM_MNT) FROM ER_PRS_F WHERE valid AND PRS_PAI_MNT IS NOT NULL AND patient_status = 'resolved'" "$work/claims" | sed 's/\([.0-9]*[.][0-9]*[1-9]\)0*/\1/g')" ] || die "costs of a converted store"

# A store in one step: that of the files, on any number of ranks; with a vocabulary; what fails leaves nothing.
cp "$work"/in/CONCEPT.csv "$work"/in/concept_*.csv "$work/words"
for ranks in 1 2 3 4; do
    rm -rf "$work/at_once"
    must mpirun -n $ranks --oversubscribe "$bin" omop "$work/claims" --as store --shards 16 --out "$work/at_once/" --mapping "$work/map.csv" --quiet
    diff -r "$work/cdm2" "$work/at_once" -x journal.jsonl -x reports || die "a store in one step on $ranks ranks"
done
must "$bin" omop "$work/claims" --as store --shards 16 --out "$work/worded" --mapping "$work/map.csv" --vocabulary "$work/words" --quiet
cp "$work"/words/* "$work/made"
load "$work/made" "$work/cdm3" --model omop --shards 16
diff -r "$work/cdm3" "$work/worded" -x journal.jsonl -x reports || die "a store with its vocabulary"
none() { # CODE PATTERN OPTIONS...: refused, and nothing stays
    expect "$1" "$2" "$bin" omop "$work/claims" --out "$work/none" "${@:3}"
    [ ! -e "$work/none.tables" ] && [ -z "$(ls "$work/none" 2>/dev/null)" ] || fail "something stays: $(ls "$work/none"*)"
}
expect 2 "store '.*at_once/' is there" "$bin" omop "$work/claims" --as store --out "$work/at_once/"
none 2 "'parquet' is neither csv nor store" --as parquet
none 2 "are of '--as store'" --shards 16
none 1 "vocabulary '.*absent': the folder cannot be read" --as store --vocabulary "$work/absent"
touch "$work/words/person.csv"
none 2 "'person.csv' is a table that is made of the store" --as store --vocabulary "$work/words"
none 2 "power of two" --as store --shards 17
mkdir "$work/none.tables"
expect 2 "none.tables' is there: this conversion runs elsewhere" "$bin" omop "$work/claims" --as store --out "$work/none"
rmdir "$work/none.tables"
# Two persons with one id would become one person.
printf '%s' '{"tables": [{"table": "death", "sql": "SELECT patient AS person_id FROM PERSON"}, {"table": "person", "numbers": ["person_id"],' \
    '"sql": "SELECT CASE WHEN birth_year < 1950 THEN '"'x'"' ELSE patient END AS person_id, patient AS person_source_value FROM PERSON WHERE resolved"}]}' >"$work/twice.json"
none 1 "table person: two rows have one person_id" --tables "$work/twice.json"
none 1 "table person: two rows have one person_id" --tables "$work/twice.json" --as store
mpirun -n 3 --oversubscribe "$bin" omop "$work/claims" --out "$work/none" --tables "$work/twice.json" >"$work/said" 2>&1 && fail "two persons with one id on 3 ranks"
says "two rows have one person_id"

echo 'source_code' >"$work/map.csv"
"$bin" omop "$work/claims" --out "$work/made" --mapping "$work/map.csv" >"$work/said" 2>&1 && die "a mapping without columns"
grep -q "line 1: column source_vocabulary_id is missing" "$work/said" || die "said: $(cat "$work/said")"
finish
