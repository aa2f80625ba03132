#!/usr/bin/env bash
# OHDSI's definitions on a store of the SNDS, seen through a mapping: the rows are those on the store that
# 'parcours omop' and 'parcours ingest' make of it, for any number of ranks; what is reported, kept and refused.
# usage: test_cohorts_native.sh BIN_DIR
# The published definitions are of $PARCOURS_DATA/ohdsi; without it the test's own are run alone.
set -u
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
parcours=$1/parcours
fast="${PARCOURS_RELEASE:+$PARCOURS_RELEASE/bin/parcours}"
fast=${fast:-$parcours} # stores are the same bytes, and made faster
here=$(cd "$(dirname "$0")" && pwd)
data=${PARCOURS_DATA:-$here/../../../shared}/ohdsi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

must "$fast" synth --patients 1200 --years 2017:2019 --seed 20 --out "$work/delivery" --quiet
must python3 "$here/devices.py" "$work/delivery"
must "$fast" ingest --model snds --in "$work/delivery" --store "$work/claims" --shards 16 --quiet
rm -r "$work/delivery"

# convert VOCABULARY MAPPING STORE: the store of the CDM that the claims become.
convert() {
    must "$fast" omop "$work/claims" --as store --out "$3" --mapping "$2" --vocabulary "$1" --shards 16 --quiet
    [ -z "$(ls "$3/rejects/0000" 2>/dev/null)" ] || fail "rows of the converted store are rejected"
}
# native OUT OPTIONS...: definitions on the claims.
native() {
    local out=$1
    shift
    "$parcours" cohorts "$work/claims" "$@" --out "$out" >"$work/said" 2>&1 || { cat "$work/said"; fail "cohorts $*"; }
}
# alike OUT EXPECTED: the same rows, statistics and counts.
alike() {
    cmp "$1/cohorts/cohort.csv" "$2/cohorts/cohort.csv" || fail "other rows"
    diff -r "$1/release" "$2/release" || fail "other released statistics"
    diff -r -x portability.csv "$1/control" "$2/control" || fail "other counts"
}

# ---- definitions of the test ---------------------------------------------------------------------
mkdir "$work/words" "$work/own"
tabs() { tr '|' '\t' >"$work/$1"; }
tabs words/CONCEPT.csv <<'END'
concept_id|concept_name|domain_id|vocabulary_id|concept_class_id|standard_concept|concept_code|valid_start_date|valid_end_date|invalid_reason
1|Any "disease|Condition|SNOMED|Clinical Finding|S|1|19700101|20991231|
2|Diabetes|Condition|SNOMED|Clinical Finding|S|2|19700101|20991231|
3|Metformin|Drug|RxNorm|Ingredient|S|3|19700101|20991231|
4|Nothing here|Drug|RxNorm|Ingredient|S|4|19700101|20991231|
5|Chair|Device|SNOMED|Physical Object|S|5|19700101|20991231|
9|A source|Condition|CIM10|x||9|19700101|20991231|
9201|Stay|Visit|Visit|Visit|S|IP|19700101|20991231|
END
tabs words/concept_ancestor.csv <<'END'
ancestor_concept_id|descendant_concept_id|min_levels_of_separation|max_levels_of_separation
1|2|1|1
END
tabs words/CONCEPT_RELATIONSHIP.csv <<'END'
concept_id_1|concept_id_2|relationship_id|valid_start_date|valid_end_date|invalid_reason
9|2|Maps to|19700101|20991231|
END
codes() { # VOCABULARY COLUMN TABLE
    "$fast" query "$work/claims" "SELECT DISTINCT $2 FROM $3 WHERE $2 IS NOT NULL" --unprotected --quiet --format csv 2>/dev/null |
        tail -n +2 | sed "s/^/$1,/"
}
{
    codes CIM10 DGN_PAL T_MCOaaB
    codes CIM10 ASS_DGN T_MCOaaD
    codes ATC atc ER_PHA_F
    codes CCAM CAM_PRS_IDE ER_CAM_F
    codes CCAM CDC_ACT T_MCOaaA
    codes NABM BIO_PRS_IDE ER_BIO_F
    codes LPP TIP_PRS_IDE ER_TIP_F
    codes LPP TIP_PRS_IDE T_MCOaaDMIP
} | sort -u >"$work/codes"
{
    echo 'source_code,source_concept_id,source_vocabulary_id,target_concept_id'
    awk -F, '$1 == "CIM10" {c = n++ % 2 + 1; print $2 ",9,CIM10," c; if (n % 5 == 0) print $2 ",9,CIM10," 3 - c} $1 == "ATC" && n++ % 3 {print $2 ",0,ATC,3"} $1 == "LPP" && m++ % 3 {print $2 ",5,LPP,5"}' "$work/codes"
} >"$work/own.csv"
cat >"$work/own/1.json" <<'END'
{"ConceptSets": [{"id": 0, "name": "disease", "expression": {"items": [{"concept": {"CONCEPT_ID": 1}, "includeDescendants": true}]}},
    {"id": 1, "name": "drug", "expression": {"items": [{"concept": {"CONCEPT_ID": 3}}]}},
    {"id": 2, "name": "none", "expression": {"items": [{"concept": {"CONCEPT_ID": 4}}]}}],
 "PrimaryCriteria": {"CriteriaList": [{"ConditionOccurrence": {"CodesetId": 0, "VisitType": [{"CONCEPT_ID": 9201}], "Age": {"Value": 40, "Op": "gte"}}},
    {"DrugExposure": {"CodesetId": 1, "Quantity": {"Value": 1, "Op": "gt"}, "Gender": [{"CONCEPT_ID": 8532}]}}, {"DrugExposure": {"CodesetId": 2}}],
    "ObservationWindow": {"PriorDays": 30, "PostDays": 0}, "PrimaryCriteriaLimit": {"Type": "First"}},
 "InclusionRules": [{"name": "a stay", "expression": {"Type": "AT_MOST", "Count": 0, "CriteriaList": [{"Criteria": {"VisitOccurrence": {}},
    "StartWindow": {"Start": {"Days": 90, "Coeff": -1}, "End": {"Days": 1, "Coeff": -1}}, "Occurrence": {"Type": 2, "Count": 1, "IsDistinct": true}}]}}],
 "EndStrategy": {"CustomEra": {"DrugCodesetId": 1, "GapDays": 30, "Offset": 0}}, "CollapseSettings": {"CollapseType": "ERA", "EraPad": 0}}
END
cat >"$work/own/2.json" <<'END'
{"ConceptSets": [{"id": 0, "name": "source", "expression": {"items": [{"concept": {"CONCEPT_ID": 2}, "includeMapped": true}]}}],
 "PrimaryCriteria": {"CriteriaList": [{"ConditionOccurrence": {"ConditionSourceConcept": 0, "First": true}}, {"Death": {}}, {"VisitOccurrence": {"First": true}}, {"Measurement": {"First": true}}],
    "ObservationWindow": {"PriorDays": 0, "PostDays": 0}, "PrimaryCriteriaLimit": {"Type": "Last"}}, "CollapseSettings": {"CollapseType": "ERA", "EraPad": 0}}
END
era() { # NUMBER KIND CONCEPT ATTRIBUTE WITHIN: a definition that begins with one kind of event, and another around it
    printf '%s' '{"ConceptSets": [{"id": 0, "name": "x", "expression": {"items": [{"concept": {"CONCEPT_ID": '"$3"'}, "includeDescendants": true}]}}],' \
        '"PrimaryCriteria": {"CriteriaList": [{"'"$2"'": {"CodesetId": 0, '"$4"'}}], "ObservationWindow": {"PriorDays": 0, "PostDays": 0},' \
        '"PrimaryCriteriaLimit": {"Type": "All"}}, "InclusionRules": [{"name": "around", "expression": {"Type": "ANY", "CriteriaList": [' \
        '{"Criteria": {"'"$5"'": {}}, "StartWindow": {"Start": {"Days": 60, "Coeff": -1}, "End": {"Days": 60, "Coeff": 1}},' \
        '"Occurrence": {"Type": 2, "Count": 2}}]}}], "EndStrategy": {"DateOffset": {"DateField": "EndDate", "Offset": 0}}}' >"$work/own/$1.json"
}
era 3 DrugEra 3 '"EraLength": {"Value": 10, "Op": "gte"}' ConditionEra
era 4 DrugEra 3 '"First": true, "OccurrenceCount": {"Value": 2, "Op": "gte"}' DeviceExposure
era 5 ConditionEra 1 '"OccurrenceCount": {"Value": 1, "Op": "gte"}, "AgeAtEnd": {"Value": 30, "Op": "gt"}' DrugEra
era 6 ConditionEra 1 '"First": true, "EraLength": {"Value": 2, "Op": "gt"}' DrugExposure
era 7 DeviceExposure 5 '"First": false, "Quantity": {"Value": 1, "Op": "gte"}' DrugEra
era 8 DeviceExposure 5 '"OccurrenceEndDate": {"Value": "2018-01-01", "Op": "gt"}' DrugExposure
through=(--vocabulary "$work/words" --mapping "$work/own.csv")
convert "$work/words" "$work/own.csv" "$work/own_store"
must "$parcours" cohorts "$work/own_store" "$work/own" --out "$work/expected" --quiet
native "$work/out" "$work/own" "${through[@]}"
alike "$work/out" "$work/expected"
[ "$(wc -l <"$work/out/cohorts/cohort.csv")" -gt 200 ] || fail "too few rows to tell: $(wc -l <"$work/out/cohorts/cohort.csv")"
[ "$(tail -n +2 "$work/out/cohorts/cohort.csv" | cut -d, -f1 | uniq | tr '\n' ' ')" = "1 2 3 4 5 6 7 8 " ] || fail "a definition finds nobody: $(cut -d, -f1 "$work/out/cohorts/cohort.csv" | uniq -c)"
says "definition=1 concept_set=2 reaches no code of the store"
says "concept_sets=10 unreached=1"
grep -q '^1,2,4,0,0,0$' "$work/out/control/portability.csv" || fail "the report of a set that is not reached"
diseases=$(grep -c CIM10 "$work/own.csv")
met=$("$fast" query "$work/own_store" "SELECT count(*) FROM (SELECT DISTINCT condition_source_value, condition_concept_id FROM condition_occurrence WHERE condition_concept_id IN (1, 2)) AS c" --unprotected --quiet --format csv 2>/dev/null | tail -1)
[ "$met" -gt 100 ] && [ "$(grep '^1,0,' "$work/out/control/portability.csv")" = "1,0,1,1,$diseases,$met" ] || fail "the report: $(grep '^1,0,' "$work/out/control/portability.csv")"

# The vocabulary of a store; a second run keeps what it has; another mapping is another question.
must "$parcours" cohorts "$work/claims" "$work/own" --vocabulary "$work/own_store" --mapping "$work/own.csv" --out "$work/of_store" --quiet
alike "$work/of_store" "$work/expected"
cp -r "$work/out" "$work/first"
native "$work/out" "$work/own" "${through[@]}"
says "computed=0"
diff -r -x manifest.json "$work/first" "$work/out" || fail "a second run changes something"
{ cat "$work/own.csv"; echo 'nothing,0,CIM10,2'; } >"$work/more.csv"
native "$work/out" "$work/own" --vocabulary "$work/words" --mapping "$work/more.csv"
says "computed=8"
grep -q "^1,0,1,1,$((diseases + 1)),$met$" "$work/out/control/portability.csv" || fail "a code that the store does not have"

# The mapping that Athena's files hold, as docs/ohdsi.md makes it.
mkdir "$work/athena"
cp "$work"/words/* "$work/athena"
printf '11\tE11.9\tCondition\tCIM10\tx\t\tE11.9\t19700101\t20991231\t\n' >>"$work/athena/CONCEPT.csv"
printf '11\t2\tMaps to\t19700101\t20991231\t\n11\t1\tMaps to\t19700101\t20991231\tD\n' >>"$work/athena/CONCEPT_RELATIONSHIP.csv"
must "$fast" ingest --model omop --in "$work/athena" --store "$work/athena_store" --quiet
sql=$(sed -n '/parcours query vocabulary "/,/--out mapping.csv/p' "$here/../../docs/ohdsi.md" | sed 's/.*query vocabulary "//; s/" --format csv.*//')
must "$parcours" query "$work/athena_store" "$sql" --format csv --out "$work/mapping.csv" --quiet
[ "$(tail -n +2 "$work/mapping.csv" | tr '\n' ' ')" = "9,9,CIM10,2 E119,11,CIM10,2 " ] || fail "the mapping of Athena's files: $(cat "$work/mapping.csv")"
native "$work/athena_out" "$work/own" --vocabulary "$work/athena_store" --mapping "$work/mapping.csv"

# ---- what is refused -----------------------------------------------------------------------------
refused() { # CODE PATTERN OPTIONS...
    local code=$1 pattern=$2
    shift 2
    rm -rf "$work/none"
    expect "$code" "$pattern" "$parcours" cohorts "$work/claims" "$work/own" --out "$work/none" "$@"
    [ ! -e "$work/none/cohorts/cohort.csv" ] || fail "something was written: $*"
}
refused 2 "definitions run on it with --vocabulary DIR"
refused 2 "definitions run on it with --vocabulary DIR" --vocabulary "$work/words"
refused 1 "absent': cannot open" --vocabulary "$work/words" --mapping "$work/absent"
refused 1 "vocabulary '.*absent': the folder cannot be read" --vocabulary "$work/absent" --mapping "$work/own.csv"
echo 'source_code,target_concept_id' >"$work/bad.csv"
refused 1 "line 1: column source_vocabulary_id is missing" --vocabulary "$work/words" --mapping "$work/bad.csv"
printf 'source_code,source_vocabulary_id,target_concept_id\nE11,Elsewhere,2\n' >"$work/bad.csv"
refused 1 "no source_vocabulary_id is one that" --vocabulary "$work/words" --mapping "$work/bad.csv"
expect 2 "the store is of the OMOP CDM" "$parcours" cohorts "$work/own_store" "$work/own" "${through[@]}" --out "$work/none"
cp -r "$work/words" "$work/bad"
refused_words() { refused "$1" "$2" --vocabulary "$work/bad" --mapping "$work/own.csv"; }
printf '2\t1\t1\t1\n' >>"$work/bad/concept_ancestor.csv"
refused_words 2 "ConceptSets.0.: CONCEPT_ANCESTOR has a cycle: concepts 1 and 2"
printf 'x\ty\n' >>"$work/bad/concept_ancestor.csv"
refused_words 1 "file 'concept_ancestor.csv': the record at byte .* cannot be read"
rm "$work/bad/concept_ancestor.csv"
refused_words 1 "no file of CONCEPT_ANCESTOR"
list() { printf '{"tables": [{"table": "person", "numbers": ["person_id"], "sql": "SELECT patient AS person_id, birth_year AS year_of_birth FROM PERSON"}, {"table": "observation_period", "id": "observation_period_id", "numbers": ["person_id"], "sql": "%s"}]}' "$1" >"$work/list.json"; }
list "SELECT max(patient) AS person_id, min(birth_date) AS observation_period_start_date, max(birth_date) AS observation_period_end_date FROM PERSON"
refused 2 "observation_period: rows of several persons meet in the query" "${through[@]}" --tables "$work/list.json"
list "SELECT patient AS person_id, BEN_RES_DPT AS observation_period_start_date, birth_date AS observation_period_end_date FROM PERSON"
refused 2 "observation_period: column 'observation_period_start_date' of the query is code" "${through[@]}" --tables "$work/list.json"
list "SELECT patient AS person_id, birth_date AS observation_period_start_date, DATE '2030-01-01' AS observation_period_end_date FROM PERSON"
native "$work/none" "$work/own" "${through[@]}" --tables "$work/list.json"
says "the list of tables has no CONDITION_OCCURRENCE: criteria of ConditionOccurrence find nothing"
[ "$(wc -l <"$work/none/cohorts/cohort.csv")" = 1 ] || fail "events of tables that are not in the list"

# ---- the published definitions -------------------------------------------------------------------
if [ -d "$data/cdm22k" ]; then
    mkdir "$work/vocabulary"
    for table in concept concept_ancestor concept_relationship; do
        cp "$data/cdm22k/$table.csv.gz" "$work/vocabulary"
    done
    must python3 "$here/native_map.py" "$data/cdm22k" "$work/codes" "$work/map.csv"
    convert "$work/vocabulary" "$work/map.csv" "$work/store"
    must "$fast" cohorts "$work/store" "$data/definitions" --out "$work/published" --quiet
    through=(--vocabulary "$work/vocabulary" --mapping "$work/map.csv")
    native "$work/all" "$data/definitions" "${through[@]}"
    alike "$work/all" "$work/published"
    says "definitions=547 computed=547"
    [ "$(tail -n +2 "$work/all/cohorts/cohort.csv" | cut -d, -f1 | uniq | wc -l)" -gt 150 ] || fail "too few definitions find somebody"
    for ranks in 2 3 4; do
        must mpirun -n $ranks --oversubscribe "$fast" cohorts "$work/claims" "$data/definitions" "${through[@]}" --out "$work/again" --quiet
        diff -r -x manifest.json "$work/all" "$work/again" || fail "$ranks ranks give other files"
        rm -r "$work/again"
    done
else
    echo "no OHDSI test data at $data: the published definitions are not run"
fi
finish
