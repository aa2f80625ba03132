#!/usr/bin/env python3
"""Random cohort definitions of OHDSI's language over a random CDM, and their answer by plain loops.
usage: circe_twin.py make SEED OUT       writes OUT/cdm/*.csv and OUT/definitions/<number>.json
       circe_twin.py check SEED OUT DIR  compares DIR/cohorts/cohort.csv and DIR/control with the loops,
                                         then with the loops with one rule changed, feature by feature
Written from docs/ohdsi.md and the description of the language, not from the engine. Each feature has
definitions of its own that use it; when its rule is changed at least one row must differ, which shows
that a fault of the engine there would be seen."""
import csv
import datetime
import json
import os
import random
import sys

DAY0 = datetime.date(1970, 1, 1).toordinal()
FIRST = datetime.date(2018, 1, 1).toordinal() - DAY0
LAST = datetime.date(2020, 12, 31).toordinal() - DAY0
PERSONS = 150


def text_of(day):
    return (datetime.date.fromordinal(day + DAY0)).isoformat()


def day_of(text):
    return datetime.date.fromisoformat(text).toordinal() - DAY0 if text else None


# type: table, id, concept, source, start, end, what the end is without one, visit, further columns
TYPES = {
    "ConditionOccurrence": ("condition_occurrence", "condition_occurrence_id", "condition_concept_id",
                            "condition_source_concept_id", "condition_start_date", "condition_end_date", "next",
                            {"ConditionType": "condition_type_concept_id", "ConditionStatus": "condition_status_concept_id"}),
    "DrugExposure": ("drug_exposure", "drug_exposure_id", "drug_concept_id", "drug_source_concept_id",
                     "drug_exposure_start_date", "drug_exposure_end_date", "supply",
                     {"DrugType": "drug_type_concept_id", "RouteConcept": "route_concept_id"}),
    "ProcedureOccurrence": ("procedure_occurrence", "procedure_occurrence_id", "procedure_concept_id",
                            "procedure_source_concept_id", "procedure_date", None, "always",
                            {"ProcedureType": "procedure_type_concept_id", "Modifier": "modifier_concept_id"}),
    "Measurement": ("measurement", "measurement_id", "measurement_concept_id", "measurement_source_concept_id",
                    "measurement_date", None, "always",
                    {"MeasurementType": "measurement_type_concept_id", "ValueAsConcept": "value_as_concept_id",
                     "Unit": "unit_concept_id", "Operator": "operator_concept_id"}),
    "Observation": ("observation", "observation_id", "observation_concept_id", "observation_source_concept_id",
                    "observation_date", None, "always",
                    {"ObservationType": "observation_type_concept_id", "ValueAsConcept": "value_as_concept_id",
                     "Unit": "unit_concept_id", "Qualifier": "qualifier_concept_id"}),
    "VisitOccurrence": ("visit_occurrence", "visit_occurrence_id", "visit_concept_id", "visit_source_concept_id",
                        "visit_start_date", "visit_end_date", "null", {"VisitType": "visit_type_concept_id"}),
    "VisitDetail": ("visit_detail", "visit_detail_id", "visit_detail_concept_id", "visit_detail_source_concept_id",
                    "visit_detail_start_date", "visit_detail_end_date", "null", {}),
    "DeviceExposure": ("device_exposure", "device_exposure_id", "device_concept_id", "device_source_concept_id",
                       "device_exposure_start_date", "device_exposure_end_date", "next",
                       {"DeviceType": "device_type_concept_id"}),
    "Specimen": ("specimen", "specimen_id", "specimen_concept_id", None, "specimen_date", None, "always",
                 {"SpecimenType": "specimen_type_concept_id", "Unit": "unit_concept_id",
                  "AnatomicSite": "anatomic_site_concept_id"}),
    "Death": ("death", "person_id", "cause_concept_id", "cause_source_concept_id", "death_date", None, "always",
              {"DeathType": "death_type_concept_id"}),
    "ConditionEra": ("condition_era", "condition_era_id", "condition_concept_id", None, "condition_era_start_date",
                     "condition_era_end_date", "null", {}),
    "DrugEra": ("drug_era", "drug_era_id", "drug_concept_id", None, "drug_era_start_date", "drug_era_end_date",
                "null", {}),
    "DoseEra": ("dose_era", "dose_era_id", "drug_concept_id", None, "dose_era_start_date", "dose_era_end_date",
                "null", {"Unit": "unit_concept_id"}),
    "ObservationPeriod": ("observation_period", "observation_period_id", "period_type_concept_id", None,
                          "observation_period_start_date", "observation_period_end_date", "null",
                          {"PeriodType": "period_type_concept_id"}),
}
WITH_VISIT = ("ConditionOccurrence", "DrugExposure", "ProcedureOccurrence", "Measurement", "Observation", "DeviceExposure")
WITH_PROVIDER = WITH_VISIT + ("VisitOccurrence",)
ERAS = ("ConditionEra", "DrugEra", "DoseEra")
SOURCE_KEY = {"ConditionOccurrence": "ConditionSourceConcept", "DrugExposure": "DrugSourceConcept",
              "ProcedureOccurrence": "ProcedureSourceConcept", "Measurement": "MeasurementSourceConcept",
              "Observation": "ObservationSourceConcept", "VisitOccurrence": "VisitSourceConcept",
              "VisitDetail": "VisitDetailSourceConcept", "DeviceExposure": "DeviceSourceConcept",
              "Death": "DeathSourceConcept"}
NUMBERS = {"DrugExposure": {"Quantity": "quantity"},
           "Measurement": {"ValueAsNumber": "value_as_number", "RangeLow": "range_low", "RangeHigh": "range_high"},
           "Observation": {"ValueAsNumber": "value_as_number"}, "Specimen": {"Quantity": "quantity"},
           "DoseEra": {"DoseValue": "dose_value"}}
INTEGERS = {"DrugExposure": {"Refills": "refills", "DaysSupply": "days_supply"}, "ProcedureOccurrence": {"Quantity": "quantity"},
            "DeviceExposure": {"Quantity": "quantity"}, "ConditionEra": {"OccurrenceCount": "condition_occurrence_count"},
            "DrugEra": {"OccurrenceCount": "drug_exposure_count"}}
TEXTS = {"ConditionOccurrence": {"StopReason": "stop_reason"}, "DrugExposure": {"LotNumber": "lot_number"},
         "Observation": {"ValueAsString": "value_as_string"}, "DeviceExposure": {"UniqueDeviceId": "unique_device_id"},
         "Specimen": {"SourceId": "specimen_source_id"}}
DISTINCT = {"DrugExposure": {"DURATION": "length", "DAYS_SUPPLY": "days_supply", "QUANTITY": "quantity", "REFILLS": "refills"},
            "Measurement": {"DURATION": "one", "VALUE_AS_NUMBER": "value_as_number", "RANGE_LOW": "range_low"},
            "Observation": {"DURATION": "one", "VALUE_AS_NUMBER": "value_as_number"},
            "ConditionOccurrence": {"DURATION": "length"}, "VisitOccurrence": {"DURATION": "length"},
            "ProcedureOccurrence": {"DURATION": "one", "QUANTITY": "quantity"},
            "VisitDetail": {"DURATION": "length", "VISIT_DETAIL_ID": "id"},
            "DrugEra": {"DURATION": "length", "ERA_OCCURRENCES": "drug_exposure_count", "GAP_DAYS": "gap_days"},
            "DoseEra": {"DURATION": "length", "UNIT": "unit_concept_id", "VALUE_AS_NUMBER": "dose_value"}}
GENDERS, TYPE_IDS, VALUES, UNITS, VISITS, SPECIALTIES, PLACES = (8507, 8532), (32817, 32818), (501, 502, 4155142), (601, 602), \
    (9201, 9202), (701, 702), (801, 802)
CODES = tuple(range(1, 25))  # 1..3 are ancestors, 22 is invalid, 23 and 24 map to others


# ---- the CDM -----------------------------------------------------------------------------------

def make_cdm(rng):
    tables = {}
    pick = lambda values, null=0.1: None if rng.random() < null else rng.choice(values)
    tables["concept"] = [{"concept_id": c, "concept_name": "c%d" % c, "domain_id": "x", "vocabulary_id": "v",
                          "concept_class_id": "k", "standard_concept": "S", "concept_code": str(c),
                          "valid_start_date": "1970-01-01", "valid_end_date": "2099-12-31",
                          "invalid_reason": "D" if c == 22 else None}
                         for c in sorted(set(CODES) | set(VISITS) | set(SPECIALTIES) | set(PLACES) | set(GENDERS) |
                                         set(TYPE_IDS) | set(VALUES) | set(UNITS))]
    pairs = [(c, c) for c in CODES] + [(1, c) for c in range(4, 10)] + [(2, c) for c in range(8, 15)] + \
        [(3, c) for c in range(14, 20)] + [(1, 22), (4, 5)]
    tables["concept_ancestor"] = [{"ancestor_concept_id": a, "descendant_concept_id": d, "min_levels_of_separation": int(a != d),
                                   "max_levels_of_separation": int(a != d)} for a, d in pairs]
    tables["concept_relationship"] = [
        {"concept_id_1": a, "concept_id_2": b, "relationship_id": kind, "valid_start_date": "1970-01-01",
         "valid_end_date": "2099-12-31", "invalid_reason": invalid}
        for a, b, kind, invalid in ((23, 4, "Maps to", None), (24, 9, "Maps to", None), (21, 4, "Maps to", "D"), (20, 4, "Is a", None))]
    tables["provider"] = [{"provider_id": i, "specialty_concept_id": pick(SPECIALTIES)} for i in range(1, 6)]
    tables["care_site"] = [{"care_site_id": i, "place_of_service_concept_id": pick(PLACES)} for i in range(1, 5)]
    names = ("person observation_period " + " ".join(spec[0] for spec in TYPES.values())).split()
    for name in names:
        tables.setdefault(name, [])
    ids = {name: 0 for name in names}

    def add(name, row):
        ids[name] += 1
        tables[name].append(row)

    for person in range(1, PERSONS + 1):
        add("person", {"person_id": person, "gender_concept_id": pick(GENDERS, 0.03), "year_of_birth": rng.randint(1950, 2005),
                       "race_concept_id": pick((91, 92)), "ethnicity_concept_id": pick((93, 94))})
        start, end = FIRST + rng.randint(0, 200), LAST - rng.randint(0, 300)
        if rng.random() < 0.3:
            cut = rng.randint(start + 100, end - 200)
            spans = [(start, cut), (cut + rng.randint(1, 60), end)]
        else:
            spans = [(start, end)]
        for low, high in spans:
            add("observation_period", {"observation_period_id": ids["observation_period"] + 1, "person_id": person,
                                       "observation_period_start_date": text_of(low), "observation_period_end_date": text_of(high),
                                       "period_type_concept_id": pick(TYPE_IDS)})
        # A few days on which much happens, so that days are equal and windows have something on their bounds.
        days = [rng.randint(start // 10 - 2, end // 10 + 2) * 10 for _ in range(3)]
        days += [d + rng.choice((0, 1, 7, 30)) for d in days] + [spans[0][0], spans[0][1], spans[-1][1]]
        when = lambda: rng.choice(days)
        visits = []
        for _ in range(rng.randint(0, 3)):
            day = when()
            visits.append(ids["visit_occurrence"] + 1)
            add("visit_occurrence", {"visit_occurrence_id": visits[-1], "person_id": person, "visit_concept_id": pick(VISITS + CODES[:4]),
                                     "visit_start_date": text_of(day), "visit_end_date": None if rng.random() < 0.2 else text_of(day + rng.choice((0, 1, 7))),
                                     "visit_type_concept_id": pick(TYPE_IDS), "provider_id": pick(range(1, 7), 0.3),
                                     "care_site_id": pick(range(1, 6), 0.3), "visit_source_concept_id": pick(CODES)})
        for kind, (table, key, concept, source, first, last, _, columns) in TYPES.items():
            if kind in ("VisitOccurrence", "ObservationPeriod", "Death"):
                continue
            for _ in range(rng.randint(1, 4) if kind in ("ConditionOccurrence", "DrugExposure") else rng.randint(0, 3)):
                day = when()
                row = {key: ids[table] + 1, "person_id": person, concept: pick(CODES, 0.05), first: text_of(day)}
                if source:
                    row[source] = pick(CODES, 0.3)
                if last:
                    row[last] = text_of(day + rng.choice((0, 1, 7, 30))) if kind in ERAS or rng.random() < 0.6 else None
                row.update({column: pick({"u": UNITS, "v": VALUES}.get(column[0], TYPE_IDS)) for column in columns.values()})
                if kind in WITH_VISIT or kind == "VisitDetail":
                    row["visit_occurrence_id"] = rng.choice(visits) if visits and rng.random() < 0.7 else pick((99999,), 0.9)
                    row["provider_id"] = pick(range(1, 7), 0.3)
                if kind == "VisitDetail":
                    row["care_site_id"] = pick(range(1, 6), 0.3)
                for column in list(NUMBERS.get(kind, {}).values()) + list(INTEGERS.get(kind, {}).values()):
                    row[column] = pick((0, 1, 2, 5) if column.startswith("range") or "count" in column else (1, 2, 5, 30), 0.2)
                if kind == "DrugExposure":
                    row["days_supply"] = pick((1, 7, 30), 0.3)
                if kind == "DrugEra":
                    row["gap_days"] = pick((0, 3))
                row.update({column: pick(("abc", "xbz", "a%c")) for column in TEXTS.get(kind, {}).values()})
                add(table, row)
        if rng.random() < 0.3:
            add("death", {"person_id": person, "death_date": text_of(when()), "death_type_concept_id": pick(TYPE_IDS),
                          "cause_concept_id": pick(CODES), "cause_source_concept_id": pick(CODES)})
    return tables


# ---- definitions -------------------------------------------------------------------------------

def maybe(rng, share, value):
    return value() if rng.random() < share else None


def concepts(rng, values):
    return [{"CONCEPT_ID": c} for c in rng.sample(values, rng.randint(1, max(1, len(values) - 1)))]


def number_range(rng, values, fraction=False):
    op = rng.choice(("lt", "lte", "eq", "!eq", "gt", "gte", "bt", "!bt"))
    low = rng.choice(values) + (rng.choice((0, 0.25)) if fraction else 0)
    out = {"Op": op, "Value": low}
    if op.endswith("bt"):
        out["Extent"] = low + rng.choice((0, 1, 5))
    return out


def date_range(rng):
    op = rng.choice(("lt", "lte", "eq", "!eq", "gt", "gte", "bt", "!bt", "gte", "lte"))
    low = rng.randint(FIRST // 10 + 1, LAST // 10) * 10
    out = {"Op": op, "Value": text_of(low)}
    if op.endswith("bt"):
        out["Extent"] = text_of(min(LAST, low + 200))
    return out


def window(rng):
    def end(side):
        if rng.random() < 0.3:
            return {"Coeff": side}
        return {"Days": rng.choice((0, 1, 7, 30, 200)), "Coeff": rng.choice((side, side, -side))}
    out = {"Start": end(-1), "End": end(1)}
    for key in ("UseIndexEnd", "UseEventEnd"):
        if rng.random() < 0.4:
            out[key] = rng.random() < 0.5
    return out


def occurrence(rng, kind, nested):
    out = {"Type": rng.choice((0, 1, 2, 2, 2)), "Count": rng.choice((0, 1, 1, 2)), "IsDistinct": rng.random() < 0.25}
    if out["IsDistinct"]:
        legal = ["START_DATE", "END_DATE"] + (["VISIT_ID"] if kind != "VisitDetail" else [])
        if not nested:
            legal += ["DOMAIN_CONCEPT"] + list(DISTINCT.get(kind, {}))
        out["CountColumn"] = rng.choice(legal)
    return out


def criterion(rng, sets, want, depth=0, kind=None):
    kind = kind or want.get("kind") or rng.choice(list(TYPES))
    c = {}
    if kind != "ObservationPeriod" and not want.get("no_set") and rng.random() < 0.9:
        c["CodesetId"] = sets[0]["id"] if want.get("excluded") else rng.choice(sets)["id"]
    if kind in SOURCE_KEY and rng.random() < (0.9 if want.get("source") else 0.1):
        c[SOURCE_KEY[kind]] = rng.choice(sets)["id"]
        if rng.random() < 0.7:
            c.pop("CodesetId", None)
    if kind != "Death" and rng.random() < (0.9 if want.get("First") else 0.12):
        c["First"] = True
    often = lambda key: 0.95 if want.get(key) else 0.02
    start_key = {"VisitDetail": "VisitDetailStartDate", "ObservationPeriod": "PeriodStartDate"}.get(
        kind, "EraStartDate" if kind in ERAS else "OccurrenceStartDate")
    end_key = {"VisitDetail": "VisitDetailEndDate", "ObservationPeriod": "PeriodEndDate", "ConditionOccurrence": "OccurrenceEndDate",
               "VisitOccurrence": "OccurrenceEndDate", "DeviceExposure": "OccurrenceEndDate"}.get(kind, "EraEndDate" if kind in ERAS else None)
    if rng.random() < often("dates"):
        c[start_key] = date_range(rng)
    if end_key and rng.random() < often("dates"):
        c[end_key] = date_range(rng)
    ages = ("AgeAtStart", "AgeAtEnd") if kind in ERAS + ("ObservationPeriod",) else ("Age",)
    for key in ages:
        if rng.random() < often("age"):
            c[key] = number_range(rng, (20, 30, 40, 50, 60))
    if kind not in ("VisitDetail", "ObservationPeriod") and rng.random() < often("gender"):
        c["Gender"] = concepts(rng, GENDERS)
    if kind in WITH_PROVIDER and rng.random() < often("specialty"):
        c["ProviderSpecialty"] = concepts(rng, SPECIALTIES)
    if kind in WITH_VISIT and rng.random() < often("visit_type"):
        c["VisitType"] = concepts(rng, VISITS)
    if kind == "VisitOccurrence" and rng.random() < often("place"):
        c["PlaceOfService"] = concepts(rng, PLACES)
    for key, column in TYPES[kind][7].items():
        if rng.random() < often(key):
            c[key] = concepts(rng, {"u": UNITS, "v": VALUES}.get(column[0], TYPE_IDS))
            if key.endswith("Type") and key != "PeriodType" and rng.random() < 0.4:
                c[key + "Exclude"] = True
    for key in NUMBERS.get(kind, {}):
        if rng.random() < often(key):
            c[key] = number_range(rng, (0, 1, 2, 5), True)
    for key in INTEGERS.get(kind, {}):
        if rng.random() < often(key):
            c[key] = number_range(rng, (0, 1, 2, 5), True)
    for key in TEXTS.get(kind, {}):
        if rng.random() < often("text"):
            c[key] = {"Text": rng.choice(("b", "a", "abc", "a_c", "%")), "Op": rng.choice(("", "!")) + rng.choice(("eq", "contains", "startsWith", "endsWith"))}
    if kind == "Measurement":
        for key in ("RangeLowRatio", "RangeHighRatio"):
            if rng.random() < often("ratio"):
                c[key] = number_range(rng, (0, 1, 2), True)
        if rng.random() < often("abnormal"):
            c["Abnormal"] = True
    length = {"VisitOccurrence": "VisitLength", "VisitDetail": "VisitDetailLength", "ObservationPeriod": "PeriodLength"}.get(
        kind, "EraLength" if kind in ERAS else None)
    if length and rng.random() < often("length"):
        c[length] = number_range(rng, (0, 1, 7, 400))
    if kind == "ObservationPeriod" and rng.random() < often("user"):
        low = rng.randint(FIRST + 200, LAST - 400)
        c["UserDefinedPeriod"] = {"StartDate": text_of(low)}
        if rng.random() < 0.7:
            c["UserDefinedPeriod"]["EndDate"] = text_of(low + rng.choice((0, 30)))
    if kind not in ("Specimen", "Death") and rng.random() < often("adjust"):
        c["DateAdjustment"] = {"StartWith": rng.choice(("START_DATE", "END_DATE")), "StartOffset": rng.choice((-7, 0, 1)),
                               "EndWith": rng.choice(("START_DATE", "END_DATE")), "EndOffset": rng.choice((-1, 0, 7))}
    if rng.random() < (0.95 if want.get("nested") and depth == 0 else 0.08 / (depth + 1)):
        c["CorrelatedCriteria"] = group(rng, sets, {}, depth + 1)
    if want.get("cs"):
        for key in [k for k in c if isinstance(c[k], list)] + (["Gender", "ProviderSpecialty", "PlaceOfService"] if kind == "VisitDetail" else []):
            c.pop(key + "Exclude", None)
            if c.pop(key, None) or rng.random() < 0.5:
                c[key + "CS"] = {"CodesetId": rng.choice((90, 91, 90, 91, None)), "IsExclusion": rng.random() < 0.4}
    return {kind: c}


def correlated(rng, sets, want, depth):
    # One set in common makes it likely that an event and what surrounds it are of one kind.
    inner = criterion(rng, sets, want.get("inner", {}), depth)
    (kind, body), = inner.items()
    out = {"Criteria": inner, "StartWindow": window(rng), "Occurrence": occurrence(rng, kind, "CorrelatedCriteria" in body),
           "RestrictVisit": rng.random() < (0.9 if want.get("visit") else 0.1),
           "IgnoreObservationPeriod": rng.random() < (0.95 if want.get("ignore") else 0.3)}
    if want.get("end_window") or rng.random() < 0.2:
        out["EndWindow"] = window(rng)
    if want.get("index_end"):
        out["StartWindow"]["UseIndexEnd"] = True
    if want.get("event_start"):
        out["EndWindow"]["UseEventEnd"] = False
    if "occurrence" in want:
        out["Occurrence"] = dict(out["Occurrence"], **want["occurrence"])
    return out


def demographic(rng, want):
    out = {}
    if want.get("demographic_age") or rng.random() < 0.5:
        out["Age"] = number_range(rng, (20, 30, 40, 50, 60))
    if want.get("demographic_gender") or rng.random() < 0.3:
        out["Gender"] = concepts(rng, GENDERS)
    if rng.random() < 0.1:
        out["Race"] = concepts(rng, (91, 92))
    if rng.random() < 0.1:
        out["Ethnicity"] = concepts(rng, (93, 94))
    if rng.random() < 0.15:
        out["OccurrenceStartDate"] = date_range(rng)
    if rng.random() < 0.15:
        out["OccurrenceEndDate"] = date_range(rng)
    return out


def group(rng, sets, want, depth=0):
    out = {"Type": want.get("type") or rng.choice(("ALL", "ALL", "ANY", "AT_LEAST", "AT_MOST")), "CriteriaList": [],
           "DemographicCriteriaList": [], "Groups": []}
    if out["Type"].startswith("AT_"):
        out["Count"] = rng.choice((0, 1, 1, 2))
    for _ in range(rng.choice((1, 1, 2)) if depth < 2 else rng.choice((0, 1))):
        out["CriteriaList"].append(correlated(rng, sets, want, depth))
    if want.get("demographic_age") or want.get("demographic_gender") or rng.random() < 0.2:
        out["DemographicCriteriaList"].append(demographic(rng, want))
    if depth < 2 and rng.random() < (0.9 if want.get("sub") else 0.12):
        out["Groups"].append(group(rng, sets, {}, depth + 1))
        if rng.random() < 0.3:
            out["Groups"].append({"Type": "ANY", "CriteriaList": [], "DemographicCriteriaList": [], "Groups": []})
    return out


def definition(rng, want):
    sets = []
    for i in range(3):
        items = [{"concept": {"CONCEPT_ID": rng.choice(CODES[:9] + VISITS)}, "includeDescendants": rng.random() < 0.7,
                  "isExcluded": False, "includeMapped": rng.random() < (0.9 if want.get("mapped") else 0.15)} for _ in range(rng.randint(1, 3))]
        if rng.random() < (0.95 if want.get("excluded") else 0.3):
            items.append({"concept": {"CONCEPT_ID": rng.choice(CODES[3:12])}, "isExcluded": True, "includeDescendants": rng.random() < 0.5,
                          "includeMapped": False})
        sets.append({"id": 10 * i, "name": "set", "expression": {"items": items}})
    selections = [{"id": i, "name": "selection", "expression": {"items": [
        {"concept": {"CONCEPT_ID": c}, "isExcluded": False, "includeDescendants": False, "includeMapped": False}
        for c in GENDERS + TYPE_IDS + VALUES + UNITS + VISITS + SPECIALTIES + PLACES if rng.random() < 0.6]}}
        for i in (90, 91)] if want.get("cs") else []
    d = {"ConceptSets": sets + selections, "PrimaryCriteria": {
        "CriteriaList": [criterion(rng, sets, want) for _ in range(2 if want.get("several") else rng.choice((1, 1, 1, 2)))],
        "ObservationWindow": {"PriorDays": rng.choice((0, 0, 0, 1, 30)), "PostDays": rng.choice((0, 0, 0, 1, 7))},
        "PrimaryCriteriaLimit": {"Type": want.get("primary_limit") or rng.choice(("All", "All", "First", "Last"))}},
        "QualifiedLimit": {"Type": want.get("qualified_limit") or rng.choice(("All", "First", "First", "Last"))},
        "ExpressionLimit": {"Type": want.get("expression_limit") or rng.choice(("All", "All", "First", "Last"))},
        "InclusionRules": [], "CensoringCriteria": [], "CensorWindow": {},
        "CollapseSettings": {"CollapseType": "ERA", "EraPad": rng.choice((0, 0, 1, 7, 30))}}
    if want.get("additional") or rng.random() < 0.15:
        d["AdditionalCriteria"] = group(rng, sets, want.get("group", {}))
    rules = want.get("rules", rng.choice((0, 0, 0, 1, 2)))
    d["InclusionRules"] = [{"name": "rule", "expression": group(rng, sets, want.get("group", {}))} for _ in range(rules)]
    exit_kind = want.get("exit") or rng.choice((None, "offset", "era"))
    if exit_kind == "offset":
        d["EndStrategy"] = {"DateOffset": {"DateField": rng.choice(("StartDate", "EndDate")), "Offset": rng.choice((-1, 0, 1, 30, 365))}}
    elif exit_kind == "era":
        d["EndStrategy"] = {"CustomEra": {"DrugCodesetId": rng.choice(sets)["id"], "GapDays": rng.choice((0, 7, 30)), "Offset": rng.choice((0, 3))}}
        if rng.random() < 0.3:
            d["EndStrategy"]["CustomEra"]["DaysSupplyOverride"] = rng.choice((0, 10))
    if want.get("censoring") or rng.random() < 0.1:
        d["CensoringCriteria"] = [criterion(rng, sets, {}) for _ in range(rng.choice((1, 2)))]
    if want.get("censor_window") or rng.random() < 0.05:
        d["CensorWindow"] = {"StartDate": text_of(FIRST + 300), "EndDate": text_of(LAST - 300)}
    return d


# ---- features: what definitions of their own ask for, and the rule that is changed ----------------

ONE_RULE = {"rules": 1, "exit": "offset"}
NEAR = {"kind": "ConditionOccurrence", "no_set": True}  # something is found often

FEATURES = {
    "reader ConditionOccurrence": {"kind": "ConditionOccurrence", "exit": "offset"},
    "reader ProcedureOccurrence": {"kind": "ProcedureOccurrence", "exit": "offset"},
    "descendants": {"kind": "ConditionOccurrence"},
    "exclusion": {"kind": "ConditionOccurrence", "excluded": True},
    "First": {"kind": "ConditionOccurrence", "First": True, "ConditionType": True},
    "PrimaryLimit First": {"primary_limit": "First", "expression_limit": "All", "exit": "offset"},
    "ExpressionLimit First": {"primary_limit": "All", "expression_limit": "First", "exit": "offset"},
    "exit DateOffset": {"exit": "offset", "kind": "ConditionOccurrence"},
    "exit period end": {"kind": "ConditionOccurrence"},
    "EraPad": {"exit": "offset", "kind": "ConditionOccurrence", "primary_limit": "All", "expression_limit": "All"},
    "windowed criterion, ALL": dict(ONE_RULE, group={"type": "ALL"}),
    "group ANY": dict(ONE_RULE, group={"type": "ANY", "sub": True}),
    "occurrence 0": dict(ONE_RULE, group={"occurrence": {"Type": 0, "Count": 0, "IsDistinct": False}}),
    "unbounded windows": dict(ONE_RULE, group={"inner": NEAR}),
    "EndWindow": dict(ONE_RULE, group={"end_window": True, "inner": NEAR}),
    "IgnoreObservationPeriod": dict(ONE_RULE, group={"ignore": True, "inner": NEAR}),
    "InclusionRules": {"rules": 2, "exit": "offset"},
    "AdditionalCriteria": {"additional": True, "exit": "offset"},
    "nested CorrelatedCriteria": {"nested": True, "exit": "offset"},
    "several entry criteria": {"several": True, "exit": "offset"},
    "PriorDays and PostDays": {"exit": "offset"},
    "exit CustomEra": {"kind": "DrugExposure", "exit": "era"},
    "demographic Age": dict(ONE_RULE, group={"type": "ALL", "demographic_age": True}),
    "SourceConcept": {"kind": "ConditionOccurrence", "source": True, "exit": "offset"},
    "reader DrugExposure": {"kind": "DrugExposure", "exit": "offset"},
    "reader Observation": {"kind": "Observation", "exit": "offset"},
    "reader VisitOccurrence": {"kind": "VisitOccurrence", "exit": "offset"},
    "reader Measurement": {"kind": "Measurement", "exit": "offset"},
    "ValueAsConcept": {"kind": "Measurement", "ValueAsConcept": True},
    "date ranges": {"kind": "ConditionOccurrence", "dates": True},
    "occurrence n": dict(ONE_RULE, group={"occurrence": {"Type": 2, "Count": 2, "IsDistinct": False}, "inner": NEAR}),
    "group AT_MOST": dict(ONE_RULE, group={"type": "AT_MOST"}),
    "sub-groups": dict(ONE_RULE, group={"type": "ALL", "sub": True}),
    "QualifiedLimit First": {"additional": True, "qualified_limit": "First", "primary_limit": "All", "expression_limit": "All", "exit": "offset"},
    "ValueAsNumber": {"kind": "Measurement", "ValueAsNumber": True},
    "Unit": {"kind": "Measurement", "Unit": True},
    "Range and ratio": {"kind": "Measurement", "ratio": True},
    "Age on a criterion": {"kind": "ConditionOccurrence", "age": True},
    "CensoringCriteria": {"censoring": True, "kind": "ConditionOccurrence"},
    "reader Death": {"kind": "Death", "exit": "offset"},
    "IsDistinct": dict(ONE_RULE, group={"occurrence": {"Type": 0, "Count": 1, "IsDistinct": True, "CountColumn": "START_DATE"}, "inner": NEAR}),
    "RestrictVisit": dict(ONE_RULE, kind="ConditionOccurrence", group={"visit": True, "inner": {"kind": "DrugExposure", "no_set": True}}),
    "UseIndexEnd": dict(ONE_RULE, kind="ConditionOccurrence", group={"type": "ALL", "index_end": True, "inner": NEAR}),
    "EndWindow.UseEventEnd false": dict(ONE_RULE, group={"type": "ALL", "end_window": True, "event_start": True, "inner": NEAR}),
    "group AT_LEAST": dict(ONE_RULE, group={"type": "AT_LEAST", "sub": True}),
    "demographic Gender": dict(ONE_RULE, group={"type": "ALL", "demographic_gender": True}),
    "includeMapped": {"mapped": True, "exit": "offset"},
    "reader Specimen": {"kind": "Specimen", "exit": "offset"},
    "reader DeviceExposure": {"kind": "DeviceExposure", "exit": "offset"},
    "reader DrugEra": {"kind": "DrugEra", "exit": "offset"},
    "reader ObservationPeriod": {"kind": "ObservationPeriod", "exit": "offset"},
    "EraLength": {"kind": "DrugEra", "length": True},
    "Gender on a criterion": {"kind": "ConditionOccurrence", "gender": True},
    "reader ConditionEra": {"kind": "ConditionEra", "exit": "offset"},
    "reader DoseEra": {"kind": "DoseEra", "exit": "offset"},
    "reader VisitDetail": dict(ONE_RULE, kind="VisitDetail", group={"visit": True, "inner": NEAR}),
    "OccurrenceCount": {"kind": "ConditionEra", "OccurrenceCount": True},
    "VisitType": {"kind": "ConditionOccurrence", "visit_type": True},
    "ProviderSpecialty": {"kind": "VisitOccurrence", "specialty": True},
    "UserDefinedPeriod": {"kind": "ObservationPeriod", "user": True},
    "no code set": {"kind": "ConditionOccurrence", "no_set": True},
    # Beyond the ladder.
    "DateAdjustment": {"adjust": True, "exit": "offset"},
    "CensorWindow": {"censor_window": True, "kind": "ConditionOccurrence"},
    "Last": {"primary_limit": "Last", "exit": "offset"},
    "text filters": {"kind": "ConditionOccurrence", "text": True},
    "Exclude": {"kind": "ConditionOccurrence", "ConditionType": True},
    "Abnormal": {"kind": "Measurement", "abnormal": True},
    "PlaceOfService": {"kind": "VisitOccurrence", "place": True},
    "ties of limits": {"primary_limit": "All", "expression_limit": "First", "several": True, "exit": "offset"},
    "best event": {"rules": 2, "several": True, "primary_limit": "All"},
    "best event, lowest rule": {"rules": 2, "kind": "ConditionOccurrence", "no_set": True, "primary_limit": "All",
                                "group": {"type": "ALL", "inner": NEAR}},
    "nested, outside of every period": dict(ONE_RULE, group={"type": "ALL", "ignore": True, "inner": dict(NEAR, nested=True),
                                                             "occurrence": {"Type": 1, "Count": 0, "IsDistinct": False}}),
}
for kind, spec in TYPES.items():  # lists of concepts given as concept sets
    FEATURES["concept sets, " + kind] = dict(dict.fromkeys(spec[7], True), kind=kind, cs=True, gender=True, specialty=True, visit_type=True,
                                             place=True, no_set=True, exit="offset")
PER_FEATURE = 16


def definitions_of(rng):
    out = []
    for name, want in FEATURES.items():
        for _ in range(PER_FEATURE):
            out.append((name, definition(rng, want)))
    return out


# ---- the loops ---------------------------------------------------------------------------------

class Twin:
    def __init__(self, tables, changed=None):
        self.changed = changed
        self.tables = tables
        self.by_person = {}
        for name, rows in tables.items():
            if rows and "person_id" in rows[0]:
                for row in rows:
                    self.by_person.setdefault(row["person_id"], {}).setdefault(name, []).append(row)
        self.valid = {row["concept_id"]: not row["invalid_reason"] for row in tables["concept"]}
        self.pairs = {(row["ancestor_concept_id"], row["descendant_concept_id"]) for row in tables["concept_ancestor"]}
        self.maps = {(row["concept_id_1"], row["concept_id_2"]) for row in tables["concept_relationship"]
                     if row["relationship_id"] == "Maps to" and not row["invalid_reason"]}
        self.specialty = {row["provider_id"]: row["specialty_concept_id"] for row in tables["provider"]}
        self.place = {row["care_site_id"]: row["place_of_service_concept_id"] for row in tables["care_site"]}

    def expand(self, items):
        parts = {False: set(), True: set()}
        for item in items:
            concept = item["concept"]["CONCEPT_ID"]
            own = {concept} if concept in self.valid else set()
            if item["includeDescendants"] and self.changed != "descendants":
                own |= {d for a, d in self.pairs if a == concept and self.valid.get(d)}
            if item["includeMapped"] and self.changed != "includeMapped":
                own |= {a for a, b in self.maps if b in own | {concept}}
            parts[item["isExcluded"]] |= own
        return parts[False] - (set() if self.changed == "exclusion" else parts[True])

    # -- values ---------------------------------------------------------------------------------
    @staticmethod
    def compare(value, r, whole, day=False, loose=False):
        if value is None:
            return False
        read = day_of if day else (lambda x: int(x)) if whole else (lambda x: round(x, 4))
        low, op = read(r["Value"]), r["Op"]
        if op.endswith("bt"):
            high = read(r["Extent"])
            inside_it = low < value < high if loose else low <= value <= high
            return inside_it != op.startswith("!")
        if loose and op in ("gt", "gte", "lt", "lte"):
            op = {"gt": "gte", "gte": "gt", "lt": "lte", "lte": "lt"}[op]
        return {"lt": value < low, "lte": value <= low, "eq": value == low, "!eq": value != low,
                "gt": value > low, "gte": value >= low}[op]

    @staticmethod
    def like(text, pattern):
        reach = {0}
        for p in pattern:
            if p == "%":
                reach = {i for i in range(len(text) + 1) if any(i >= r for r in reach)}
            else:
                reach = {i + 1 for i in reach if i < len(text) and p in ("_", text[i])}
        return len(text) in reach

    @staticmethod
    def one_of(value, listed):
        return value is not None and value in [c["CONCEPT_ID"] for c in listed]

    # -- events ---------------------------------------------------------------------------------
    def events(self, person, wrapped, sets):
        """[(start, end, id, visit, sort, row)] of a criterion."""
        (kind, c), = wrapped.items()
        table, key, concept, source, first, last, rule, columns = TYPES[kind]
        changed = self.changed
        rows = self.by_person[person].get(table, [])
        reader = changed == "reader " + kind
        if "CodesetId" in c:
            rows = [r for r in rows if r[concept] is not None and r[concept] in sets.get(c["CodesetId"], ())]
        elif changed == "no code set" and kind != "ObservationPeriod":
            rows = [r for r in rows if r[concept] is not None]
        if kind in SOURCE_KEY and SOURCE_KEY[kind] in c:
            column = concept if changed == "SourceConcept" else source
            rows = [r for r in rows if r[column] is not None and r[column] in sets.get(c[SOURCE_KEY[kind]], ())]
        if c.get("First") and changed != "First":
            rows = sorted(rows, key=lambda r: (day_of(r[first]), r[key]))[:1]
        out = []
        for r in rows:
            start = day_of(r[first])
            end = day_of(r[last]) if last else None
            if rule == "always" or (rule == "next" and end is None):
                end = start + (0 if reader else 1)
            elif rule == "supply" and end is None:
                supply = r.get("days_supply")
                end = start + (1 if supply is None or reader else supply)
            elif rule == "null" and reader and kind != "VisitDetail":
                end = start
            if "DateAdjustment" in c:
                a = c["DateAdjustment"]
                new = [{"START_DATE": start, "END_DATE": end}[a[k]] for k in ("StartWith", "EndWith")]
                if None in new:
                    continue
                new = (new[0] + a["StartOffset"], new[1] + a["EndOffset"])
                if changed != "DateAdjustment":
                    if new[1] < new[0]:
                        continue
                    start, end = new
            if not self.passes(person, kind, c, r, start, end, sets):
                continue
            sort = start
            user = c.get("UserDefinedPeriod", {})
            if "StartDate" in user:
                start = day_of(user["StartDate"])
            if "EndDate" in user:
                end = day_of(user["EndDate"])
            visit = r[key] if kind == "VisitOccurrence" or (reader and kind == "VisitDetail") else \
                r.get("visit_occurrence_id") if kind in WITH_VISIT or kind == "VisitDetail" else None
            out.append((start, end, r[key], visit, sort, r))
        if c.get("First") and changed == "First":
            out = sorted(out, key=lambda e: (e[0], e[2]))[:1]
        if "CorrelatedCriteria" in c and changed != "nested CorrelatedCriteria":
            kept = []
            for e in out:
                period = self.period_of(person, e[0])
                if not period and changed == "nested, outside of every period":
                    kept.append(e)
                if period and self.holds(person, c["CorrelatedCriteria"], e, period, sets):
                    kept.append(e)
            out = kept
        return out

    def selected(self, person, kind, key, r, selection, sets):
        """An attribute whose concepts are a set's. Visits and places are joined: what has none has no event."""
        if key == "Gender":
            found = [self.by_person[person]["person"][0]["gender_concept_id"]]
        elif key == "ProviderSpecialty":
            found = [self.specialty.get(r.get("provider_id"))]
        elif key == "PlaceOfService":
            found = [self.place[r.get("care_site_id")]] if r.get("care_site_id") in self.place else []
        elif key == "VisitType" and kind in WITH_VISIT:
            found = [v["visit_concept_id"] for v in self.by_person[person].get("visit_occurrence", [])
                     if v["visit_occurrence_id"] == r.get("visit_occurrence_id")]
        else:
            found = [r.get(TYPES[kind][7][key])]
        if selection["CodesetId"] is None:
            return any((v is None) == selection["IsExclusion"] for v in found)
        return any(v is not None and (v in sets[selection["CodesetId"]]) != selection["IsExclusion"] for v in found)

    def passes(self, person, kind, c, r, start, end, sets):
        changed = self.changed
        about = self.by_person[person]["person"][0]
        year = lambda day: None if day is None else (datetime.date.fromordinal(day + DAY0)).year
        length = None if end is None else end - start
        age = lambda day: None if day is None or about["year_of_birth"] is None else year(day) - about["year_of_birth"]
        loose = changed == "date ranges"
        for k, value in c.items():
            if k in ("OccurrenceStartDate", "EraStartDate", "PeriodStartDate", "VisitDetailStartDate"):
                good = self.compare(start, value, False, True, loose)
            elif k in ("OccurrenceEndDate", "EraEndDate", "PeriodEndDate", "VisitDetailEndDate"):
                good = self.compare(end, value, False, True, loose)
            elif k in ("Age", "AgeAtStart"):
                at_end = (kind == "VisitDetail") != (changed == "Age on a criterion")
                good = self.compare(age(end if k == "Age" and at_end else start), value, True, False, changed == "Age on a criterion")
            elif k == "AgeAtEnd":
                good = self.compare(age(end), value, True)
            elif k == "Gender":
                good = changed == "Gender on a criterion" or self.one_of(about["gender_concept_id"], value)
            elif k == "ProviderSpecialty":
                good = changed == "ProviderSpecialty" or self.one_of(self.specialty.get(r.get("provider_id")), value)
            elif k == "PlaceOfService":
                good = changed == "PlaceOfService" or self.one_of(self.place.get(r.get("care_site_id")), value)
            elif k == "VisitType" and kind in WITH_VISIT:
                mine = [v["visit_concept_id"] for v in self.by_person[person].get("visit_occurrence", [])
                        if v["visit_occurrence_id"] == r.get("visit_occurrence_id")]
                good = changed == "VisitType" or any(self.one_of(v, value) for v in mine)
            elif k in TYPES[kind][7]:
                column = r.get(TYPES[kind][7][k])
                exclude = bool(c.get(k + "Exclude")) and changed != "Exclude"
                good = changed == k or (column is not None and self.one_of(column, value) != exclude)
            elif k in NUMBERS.get(kind, {}):
                good = self.compare(r.get(NUMBERS[kind][k]), value, False, False, changed == k)
            elif k in INTEGERS.get(kind, {}):
                good = changed == k or self.compare(r.get(INTEGERS[kind][k]), value, True)
            elif k in TEXTS.get(kind, {}):
                text = r.get(TEXTS[kind][k])
                op = value["Op"].lstrip("!")
                pattern = ("%" if op in ("contains", "endsWith") else "") + value["Text"] + ("%" if op in ("contains", "startsWith") else "")
                if changed == "text filters":
                    good = text is not None and (value["Text"] in text) != value["Op"].startswith("!")
                else:
                    good = text is not None and self.like(text, pattern) != value["Op"].startswith("!")
            elif k in ("RangeLowRatio", "RangeHighRatio"):
                bound, number = r.get("range_low" if k == "RangeLowRatio" else "range_high"), r.get("value_as_number")
                ratio = None if not bound or number is None else number / bound
                if changed == "Range and ratio" and number is not None and bound is not None:
                    ratio = number / bound if bound else 1e9
                good = self.compare(ratio, value, False)
            elif k == "Abnormal":
                v, low, high = r.get("value_as_number"), r.get("range_low"), r.get("range_high")
                good = (v is not None and low is not None and v < low) or (v is not None and high is not None and v > high) or \
                    (r.get("value_as_concept_id") in (4155142, 4155143) and changed != "Abnormal")
            elif k.endswith("CS"):
                good = (changed or "").startswith("concept sets, ") or self.selected(person, kind, k[:-2], r, value, sets)
            elif k in ("VisitLength", "VisitDetailLength", "PeriodLength", "EraLength"):
                extra = 1 if changed == "EraLength" else 0
                good = self.compare(None if length is None else length + extra, value, True)
            elif k == "UserDefinedPeriod" and changed != "UserDefinedPeriod":
                good = all(end is not None and start <= day_of(d) <= end for d in value.values())
            else:
                good = True
            if not good:
                return False
        return True

    def period_of(self, person, day):
        for p in self.by_person[person].get("observation_period", []):
            span = (day_of(p["observation_period_start_date"]), day_of(p["observation_period_end_date"]))
            if span[0] <= day <= span[1]:
                return span
        return None

    # -- groups ---------------------------------------------------------------------------------
    def holds(self, person, g, index, period, sets):
        changed = self.changed
        groups = g["Groups"] if changed != "sub-groups" else []
        members = [lambda c=c: self.correlated(person, c, index, period, sets) for c in g["CriteriaList"]]
        members += [lambda d=d: self.demographic(person, d, index) for d in g["DemographicCriteriaList"]]
        members += [lambda s=s: self.holds(person, s, index, period, sets) for s in groups]
        if not members:
            return True
        met = sum(m() for m in members)
        kind = g["Type"].upper()
        if kind == "ALL" and changed != "windowed criterion, ALL" or kind == "ANY" and changed == "group ANY":
            return met == len(members)
        if kind in ("ALL", "ANY"):
            return met > 0
        if kind == "AT_LEAST":
            return met > g["Count"] if changed == "group AT_LEAST" else met >= g["Count"]
        return met < g["Count"] if changed == "group AT_MOST" else met <= g["Count"]

    def demographic(self, person, d, index):
        about = self.by_person[person]["person"][0]
        when = datetime.date.fromordinal(index[0] + DAY0)
        age = None if about["year_of_birth"] is None else when.year - about["year_of_birth"]
        if self.changed == "demographic Age" and when.month < 7:
            age -= 1  # as if by birthday
        if "Age" in d and not self.compare(age, d["Age"], True):
            return False
        for k, column in (("Gender", "gender_concept_id"), ("Race", "race_concept_id"), ("Ethnicity", "ethnicity_concept_id")):
            if k in d and not (self.changed == "demographic Gender" and k == "Gender") and not self.one_of(about[column], d[k]):
                return False
        return ("OccurrenceStartDate" not in d or self.compare(index[0], d["OccurrenceStartDate"], False, True)) and \
            ("OccurrenceEndDate" not in d or self.compare(index[1], d["OccurrenceEndDate"], False, True))

    def in_window(self, w, index, event, period, ignores, end_default):
        changed = self.changed
        start_from = index[1] if w.get("UseIndexEnd") and changed != "UseIndexEnd" else index[0]
        use_end = w.get("UseEventEnd", end_default)
        if changed == "EndWindow.UseEventEnd false" and end_default:
            use_end = True
        value = event[1] if use_end else event[0]
        for side, is_low in (("Start", True), ("End", False)):
            b = w[side]
            if b.get("Days") is not None:
                if start_from is None:
                    return False
                bound = start_from + b.get("Coeff", 0) * b["Days"]
            elif changed == "unbounded windows":
                bound = index[0]
            elif ignores:
                continue
            else:
                bound = period[0] if b.get("Coeff", 0) == -1 else period[1]
            if value is None or (value < bound if is_low else value > bound):
                return False
        return True

    def correlated(self, person, c, index, period, sets):
        changed = self.changed
        ignores = c["IgnoreObservationPeriod"] and changed != "IgnoreObservationPeriod"
        found = []
        for e in self.events(person, c["Criteria"], sets):
            if not ignores and not period[0] <= e[0] <= period[1]:
                continue
            if not self.in_window(c["StartWindow"], index, e, period, ignores, False):
                continue
            if "EndWindow" in c and changed != "EndWindow" and not self.in_window(c["EndWindow"], index, e, period, ignores, True):
                continue
            if c["RestrictVisit"] and changed != "RestrictVisit" and (e[3] is None or e[3] != index[3]):
                continue
            found.append(e)
        o = c["Occurrence"]
        count = len(found)
        if o["IsDistinct"] and changed != "IsDistinct":
            (kind, _), = c["Criteria"].items()
            column = o.get("CountColumn", "DOMAIN_CONCEPT")
            if column == "START_DATE":
                values = [e[0] for e in found]
            elif column == "END_DATE":
                values = [e[1] for e in found]
            elif column == "VISIT_ID":
                values = [e[3] for e in found]
            elif column == "DOMAIN_CONCEPT":
                values = [e[5][TYPES[kind][2]] for e in found]
            else:
                name = DISTINCT[kind][column]
                values = [{"length": None if e[1] is None else e[1] - e[0], "one": 1, "id": e[2]}.get(name, e[5].get(name)) for e in found]
            count = len({v for v in values if v is not None})
        if changed == "occurrence 0" and count == 0:
            return False
        if changed == "occurrence n" and o["Type"] == 2:
            return count > o["Count"]
        return {0: count == o["Count"], 1: count <= o["Count"], 2: count >= o["Count"]}[o["Type"]]

    # -- the twelve steps -----------------------------------------------------------------------
    def cohort(self, person, d, sets):
        """(episodes, qualified events as (mask), the best event's mask, episodes before the window)"""
        changed = self.changed
        entries = []
        lists = d["PrimaryCriteria"]["CriteriaList"][:1 if changed == "several entry criteria" else None]
        w = d["PrimaryCriteria"]["ObservationWindow"]
        extra = 1 if changed == "PriorDays and PostDays" else 0
        for number, c in enumerate(lists):
            for e in self.events(person, c, sets):
                period = self.period_of(person, e[0])
                if period and period[0] + w["PriorDays"] + extra <= e[0] and e[0] + w["PostDays"] + extra <= period[1]:
                    entries.append((e, period, number))
        kind = d["PrimaryCriteria"]["PrimaryCriteriaLimit"]["Type"]
        back = -1 if kind == "Last" and changed != "Last" else 1
        infinity = 10 ** 9
        entries.sort(key=lambda x: (back * x[0][4], x[0][2], x[0][0], -infinity if x[0][1] is None else x[0][1], x[2]))
        if kind != "All" and not (kind == "First" and changed == "PrimaryLimit First"):
            entries = entries[:1]

        def limit(entries, kind, name):
            if kind == "All" or not entries or (changed == name and kind == "First"):
                return entries
            if changed == "ties of limits":
                entries = entries[::-1]
            best = entries[0]
            for x in entries[1:]:
                if x[0][0] > best[0][0] if kind == "Last" else x[0][0] < best[0][0]:
                    best = x
            return [best]

        if "AdditionalCriteria" in d:
            if changed != "AdditionalCriteria":
                entries = [x for x in entries if self.holds(person, d["AdditionalCriteria"], x[0], x[1], sets)]
            entries = limit(entries, d["QualifiedLimit"]["Type"], "QualifiedLimit First")
        rules = [r["expression"] for r in d["InclusionRules"]]
        masks = []
        for x in entries:
            masks.append(sum(1 << i for i, rule in enumerate(rules) if self.holds(person, rule, x[0], x[1], sets)))
        best = None
        if entries:
            lowest = lambda m: (m & -m if m else 0) * (-1 if changed == "best event, lowest rule" else 1)
            order = sorted(range(len(entries)), key=lambda i: (-bin(masks[i]).count("1"), lowest(masks[i]), entries[i][0][0], i))
            best = masks[order[-1 if changed == "best event" else 0]]
        full = (1 << len(rules)) - 1
        if changed == "InclusionRules":
            included = [x for x, m in zip(entries, masks) if m or not rules]
        else:
            included = [x for x, m in zip(entries, masks) if m == full]
        included = limit(included, d["ExpressionLimit"]["Type"], "ExpressionLimit First")
        episodes = self.exits(person, d, included, sets)
        pad = d["CollapseSettings"]["EraPad"]
        episodes = self.merge(episodes, pad, 0 if changed != "EraPad" else 1)
        uncut = len(episodes) > 0
        cw = d["CensorWindow"] if changed != "CensorWindow" else {}
        if "StartDate" in cw:
            episodes = [(max(a, day_of(cw["StartDate"])), b) for a, b in episodes]
        if "EndDate" in cw:
            episodes = [(a, min(b, day_of(cw["EndDate"]))) for a, b in episodes]
        return [(a, b) for a, b in episodes if a <= b], masks, best, uncut

    @staticmethod
    def merge(spans, pad, strict):
        out = []
        for a, b in sorted(spans):
            if out and out[-1][1] + pad >= a + strict:
                out[-1] = (out[-1][0], max(out[-1][1], b))
            else:
                out.append((a, b))
        return out

    def exits(self, person, d, included, sets):
        changed = self.changed
        strategy = d.get("EndStrategy", {})
        eras = []
        if "CustomEra" in strategy and included:
            s = strategy["CustomEra"]
            spans = []
            for column in ("drug_concept_id", "drug_source_concept_id"):
                for r in self.by_person[person].get("drug_exposure", []):
                    if r[column] is None or r[column] not in sets[s["DrugCodesetId"]]:
                        continue
                    start, end = day_of(r["drug_exposure_start_date"]), day_of(r["drug_exposure_end_date"])
                    if "DaysSupplyOverride" in s:
                        end = start + s["DaysSupplyOverride"]
                    elif end is None:
                        end = start + (r["days_supply"] if r["days_supply"] is not None else 1)
                    spans.append((start, end + s["GapDays"] + s["Offset"]))
            padded = self.merge(spans, 0, 0)
            eras = [(a, b - (0 if changed == "exit CustomEra" else s["GapDays"])) for a, b in padded]
        out = []
        for e, period, _ in included:
            ends = []
            if "DateOffset" in strategy:
                s = strategy["DateOffset"]
                start = e[1] if s["DateField"] == "EndDate" else e[0]
                if start is not None:
                    day = start + s["Offset"]
                    ends.append(day if changed == "exit DateOffset" else min(day, period[1]))
            else:
                ends.append(period[1] if changed != "exit period end" else period[1] - 1)
            ends += [b for a, b in eras if a <= e[0] <= b]
            for c in d["CensoringCriteria"]:
                late = [x[0] for x in self.events(person, c, sets)
                        if (e[0] < x[0] if changed == "CensoringCriteria" else e[0] <= x[0]) and x[0] <= period[1]]
                ends += [min(late)] if late else []
            ends = [x for x in ends if x >= e[0]]
            if ends:
                out.append((e[0], min(ends)))
        return out

    # -- all persons ----------------------------------------------------------------------------
    def answer(self, number, d):
        sets = {s["id"]: self.expand(s["expression"]["items"]) for s in d["ConceptSets"]}
        rows, events, persons, best_of, lost = [], {}, {}, {}, 0
        for person in range(1, PERSONS + 1):
            episodes, masks, best, uncut = self.cohort(person, d, sets)
            rows += [(number, person, text_of(a), text_of(b)) for a, b in episodes]
            lost += uncut and not episodes
            for m in masks:
                events[m] = events.get(m, 0) + 1
            if best is not None:
                best_of[best] = best_of.get(best, 0) + 1
        stats = {"rows": rows, "result": [], "stats": [], "summary": [], "censor": []}
        rules = len(d["InclusionRules"])
        full = (1 << rules) - 1
        for mode, counts in ((0, events), (1, best_of)) if rules else ():
            total = sum(counts.values())
            stats["result"] += [(number, m, mode, n) for m, n in counts.items()]
            stats["summary"].append((number, mode, total, counts.get(full, 0)))
            for r in range(rules):
                stats["stats"].append((number, r, mode, sum(n for m, n in counts.items() if m >> r & 1),
                                       counts.get(full & ~(1 << r), 0), total))
        if d["CensorWindow"]:
            stats["censor"].append((number, lost))
        return {k: sorted(v) for k, v in stats.items()}


def read_table(path, keep):
    with open(path, newline="", encoding="utf-8") as file:
        out = {}
        for row in list(csv.reader(file))[1:]:
            values = tuple(int(v) if "-" not in v or keep else v for v in row)
            out.setdefault(values[0], []).append(values)
        return out


def check(seed, out, folder):
    rng = random.Random(seed)
    tables = make_cdm(rng)
    definitions = definitions_of(rng)
    files = {"rows": "cohorts/cohort.csv", "result": "control/cohort_inclusion_result.csv", "stats": "control/cohort_inclusion_stats.csv",
             "summary": "control/cohort_summary_stats.csv", "censor": "control/cohort_censor_stats.csv"}
    found = {k: read_table(os.path.join(folder, path), k != "rows") for k, path in files.items()}
    same = Twin(tables)
    bad = empty = 0
    answers = {}
    for number, (name, d) in enumerate(definitions, 1):
        answers[number] = same.answer(number, d)
        empty += not answers[number]["rows"]
        for part, expected in answers[number].items():
            if sorted(found[part].get(number, [])) != expected:
                bad += 1
                if bad <= 5:
                    mine = found[part].get(number, [])
                    print("definition %d (%s), %s: missing %s, too many %s" % (
                        number, name, part, sorted(set(expected) - set(mine))[:3], sorted(set(mine) - set(expected))[:3]))
    print("seed %s: %d definitions, %d without a row, %d parts differ" % (seed, len(definitions), empty, bad))
    unseen = []
    for name in FEATURES:
        other = Twin(tables, name)
        for number, (of, d) in enumerate(definitions, 1):
            if of == name and other.answer(number, d) != answers[number]:
                break
        else:
            unseen.append(name)
    print("%d rules changed one at a time, %d not seen: %s" % (len(FEATURES), len(unseen), ", ".join(unseen)))
    return bad > 0 or len(unseen) > 0


def make(seed, out):
    rng = random.Random(seed)
    tables = make_cdm(rng)
    for folder in ("cdm", "definitions"):
        os.makedirs(os.path.join(out, folder))
    for name, rows in tables.items():
        names = list(dict.fromkeys(k for row in rows for k in row))
        shuffled = rows[:]
        rng.shuffle(shuffled)  # the order of rows means nothing
        with open(os.path.join(out, "cdm", name + ".csv"), "w", newline="", encoding="utf-8") as file:
            w = csv.writer(file, lineterminator="\n")
            w.writerow(names)
            w.writerows(["" if row.get(k) is None else row[k] for k in names] for row in shuffled)


def main():
    if sys.argv[1] == "make":
        make(int(sys.argv[2]), sys.argv[3])
        rng = random.Random(int(sys.argv[2]))
        make_cdm(rng)
        for number, (_, d) in enumerate(definitions_of(rng), 1):
            with open(os.path.join(sys.argv[3], "definitions", "%d.json" % number), "w", encoding="utf-8") as file:
                json.dump(d, file)
        return 0
    return 1 if check(int(sys.argv[2]), sys.argv[3], sys.argv[4]) else 0


sys.exit(main())
