#!/usr/bin/env python3
"""usage: circe_rare.py OUT: a CDM of four persons with insurance periods and visit details, definitions on attributes
that the published library never uses, and the rows that each must give, reckoned by hand: OUT/cdm, OUT/definitions,
OUT/expected.csv."""
import csv, json, os, sys

out = sys.argv[1]
for folder in ("cdm", "definitions"):
    os.makedirs(os.path.join(out, folder))


def table(name, columns, rows):
    with open(os.path.join(out, "cdm", name + ".csv"), "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([columns.split(), *rows])


table("person", "person_id gender_concept_id year_of_birth month_of_birth day_of_birth",
      [[1, 8507, 1980, 1, 1], [2, 8532, 1970, 1, 1], [3, 8507, 1990, 1, 1], [4, 8532, 1990, 1, 1]])
table("observation_period", "observation_period_id person_id observation_period_start_date observation_period_end_date "
      "period_type_concept_id", [[p, p, "2018-01-01", "2020-12-31", 32817] for p in (1, 2, 3, 4)])
table("payer_plan_period", "payer_plan_period_id person_id payer_plan_period_start_date payer_plan_period_end_date "
      "payer_concept_id plan_concept_id stop_reason_concept_id payer_source_concept_id",
      [[1, 1, "2018-01-01", "2018-06-30", 100, 200, 400, 101], [2, 1, "2018-07-01", "2019-12-31", 110, 200, "", ""],
       [3, 2, "2018-03-01", "2020-12-31", 100, 210, "", ""], [4, 3, "2019-01-01", "2019-01-10", 100, "", "", 102]])
table("visit_detail", "visit_detail_id person_id visit_detail_concept_id visit_detail_start_date visit_detail_end_date "
      "visit_detail_type_concept_id visit_occurrence_id",
      [[1, 1, 9201, "2018-05-01", "2018-05-03", 500, 1], [2, 2, 9201, "2018-05-01", "2018-05-02", 501, 2],
       [3, 3, 9201, "2018-05-01", "2018-05-04", "", 3]])

table("concept", "concept_id concept_name domain_id vocabulary_id concept_class_id standard_concept concept_code "
      "valid_start_date valid_end_date invalid_reason",
      [[c, f"c{c}", "x", "x", "x", "S", str(c), "1970-01-01", "2099-12-31", ""]
       for c in (100, 101, 102, 110, 200, 210, 400, 500, 501, 8507, 8532, 9201, 32817)])

SETS = [[100], [110], [500], [400], [101], [200]]  # by their id


def concept_set(number, concepts):
    items = [{"concept": {"CONCEPT_ID": c, "CONCEPT_NAME": "x", "STANDARD_CONCEPT": "S", "INVALID_REASON": "V",
                          "CONCEPT_CODE": "x", "DOMAIN_ID": "x", "VOCABULARY_ID": "x", "CONCEPT_CLASS_ID": "x"},
              "isExcluded": False, "includeDescendants": False, "includeMapped": False} for c in concepts]
    return {"id": number, "name": f"set {number}", "expression": {"items": items}}


def definition(criteria):
    every = {"Type": "All"}
    return {"ConceptSets": [concept_set(i, c) for i, c in enumerate(SETS)],
            "PrimaryCriteria": {"CriteriaList": [criteria], "ObservationWindow": {"PriorDays": 0, "PostDays": 0},
                                "PrimaryCriteriaLimit": every},
            "QualifiedLimit": every, "ExpressionLimit": every, "InclusionRules": [],
            "EndStrategy": {"DateOffset": {"DateField": "EndDate", "Offset": 0}}, "CensoringCriteria": [],
            "CollapseSettings": {"CollapseType": "ERA", "EraPad": 0}, "CensorWindow": {}}


ONE = (1, "2018-01-01", "2018-06-30")
TWO = (1, "2018-07-01", "2019-12-31")
THREE = (2, "2018-03-01", "2020-12-31")
FOUR = (3, "2019-01-01", "2019-01-10")
CASES = [
    ({"PayerPlanPeriod": {"PayerConcept": 0}}, [ONE, THREE, FOUR]),
    ({"PayerPlanPeriod": {"PayerConcept": 1}}, [TWO]),
    ({"PayerPlanPeriod": {"PayerConcept": 1, "First": True}}, []),  # First comes before the other filters
    ({"PayerPlanPeriod": {"First": True}}, [ONE, THREE, FOUR]),
    ({"PayerPlanPeriod": {"PeriodLength": {"Value": 300, "Op": "gt"}}}, [TWO, THREE]),
    ({"PayerPlanPeriod": {"PeriodStartDate": {"Value": "2018-07-01", "Op": "gte"}}}, [TWO, FOUR]),
    ({"PayerPlanPeriod": {"PeriodEndDate": {"Value": "2019-01-10", "Op": "lte"}}}, [ONE, FOUR]),
    ({"PayerPlanPeriod": {"AgeAtStart": {"Value": 39, "Op": "gte"}}}, [THREE]),
    ({"PayerPlanPeriod": {"AgeAtEnd": {"Value": 39, "Op": "lt"}}}, [ONE, FOUR]),
    ({"PayerPlanPeriod": {"Gender": [{"CONCEPT_ID": 8532, "CONCEPT_NAME": "F"}]}}, [THREE]),
    ({"PayerPlanPeriod": {"StopReasonConcept": 3}}, [ONE]),
    ({"PayerPlanPeriod": {"PayerSourceConcept": 4}}, [ONE]),
    ({"PayerPlanPeriod": {"PlanConcept": 5, "PayerConcept": 1}}, [TWO]),
    ({"PayerPlanPeriod": {"UserDefinedPeriod": {"StartDate": "2019-01-01"}}},
     [(1, "2019-01-01", "2019-12-31"), (2, "2019-01-01", "2020-12-31"), (3, "2019-01-01", "2019-01-10")]),
    ({"PayerPlanPeriod": {"UserDefinedPeriod": {"StartDate": "2018-08-01", "EndDate": "2018-09-01"}}},
     [(1, "2018-08-01", "2018-09-01"), (2, "2018-08-01", "2018-09-01")]),
    ({"VisitDetail": {"VisitDetailTypeCS": {"CodesetId": 2, "IsExclusion": False}}}, [(1, "2018-05-01", "2018-05-03")]),
    ({"VisitDetail": {"VisitDetailTypeCS": {"CodesetId": 2, "IsExclusion": True}}}, [(2, "2018-05-01", "2018-05-02")]),
]
with open(os.path.join(out, "expected.csv"), "w", newline="") as file:
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(["cohort_definition_id", "subject_id", "cohort_start_date", "cohort_end_date"])
    for number, (criteria, expected) in enumerate(CASES, 1):
        with open(os.path.join(out, "definitions", f"{number}.json"), "w") as one:
            json.dump(definition(criteria), one)
        rows.writerows([number, *row] for row in expected)
