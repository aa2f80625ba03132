#!/usr/bin/env python3
"""People that no register should have, and what a study must make of them.

usage: hostile_case.py make FOLDER      model.json, in/*.csv, study.json
       hostile_case.py check FOLDER     FOLDER/out
"""
import csv
import datetime
import json
import os
import sys

from algorithms_twin import MODEL, TABLES

FIRST = datetime.date(2018, 1, 1)
MANY = 100000
STUDY = {
    "study": "hostile", "dates": ["2018-01-01", "2020-12-31"],
    "events": {"delivery": {"from": "DELIVERY", "code": "DRUG", "value": "DAYS"}, "stay": {"from": "STAY", "code": "KIND"},
               "apart": {"from": "delivery", "apart": 30}},
    "exposures": {"covered": {"from": "delivery", "supply": "value", "carry": "all"}, "era": {"from": "delivery", "supply": "value", "gap": 14, "per": "code"},
                  "pair": {"from": "era", "per": "code", "combine": {"most": 2, "shortest": 1}}},
    "periods": {"month": {"every": "month"}, "whole": {"from": ["delivery", "stay"], "gap": None}, "silence": {"subtract": ["study", "any_care"]},
                "taken_inside": {"intersect": ["covered", "stay"]}, "any_care": {"from": ["delivery", "stay"], "gap": 0}},
    "cohorts": {
        "deliveries": {"entry": {"from": "delivery", "dates": [None, None]},
                       "measures": {"observed": {"some": "observation", "days": [0, 0], "date": "overlap"}, "dead": {"some": "death", "days": [None, -1]},
                                    "years": {"take": "age"}, "days": {"days_of": "covered", "days": [0, 1095]}, "all": {"count": "delivery"},
                                    "share": {"share_of": "stay", "days": [-10, 10]}}},
        # Looks from each of very many records at all of them: n log n, or this does not end.
        "looks": {"entry": {"from": "delivery", "dates": [None, None]},
                  "measures": {"raw": {"days_of": "delivery", "days": [-30, 30]}, "raw_share": {"share_of": "delivery", "days": [-9, 0]},
                               "alike": {"count": "delivery", "same": "code", "days": [0, 0]}, "alike_days": {"days_of": "delivery", "same": ["code", "value"], "days": [-400, 0]},
                               "days": {"count": "delivery", "distinct": "start_date", "days": [-6, 0]}, "held": {"covered_by": "delivery", "days": [0, 0]},
                               "inside": {"count": "delivery", "during": "delivery"}, "touched": {"some": "delivery", "days": [1, 1], "date": "overlap"}}},
        "stays": {"entry": {"from": "stay", "dates": [None, None]}},
        "living": {"entry": {"from": "study"}, "require": [{"title": "born", "age": [0, None]}, {"title": "alive", "none": "death", "days": [None, 0]}],
                   "exit": ["death", {"end_of": "observation"}, {"start_of": "stay", "days": [1, None]}]}},
    "statistics": {"flow": {"attrition": "living"}, "rate": {"incidence": "delivery", "in": "living", "clean": 30, "split": ["year", "covered"], "by": ["year", "covered"]},
                   "curve": {"survival": "stay", "in": "living", "competing": ["death"]}, "share": {"prevalence": "taken_inside", "in": "living", "by": ["sex"]},
                   "table": {"summary": ["days", "years", "share"], "in": "deliveries"}, "pairs": {"overlap": ["delivery", "stay", "silence", "whole", "pair", "apart"]},
                   "months": {"count": "month", "in": "living", "by": ["year(start_date)"]},
                   "lines": {"sql": "SELECT year(start_date) AS y, count(*) AS n FROM delivery GROUP BY 1"}},
    "exports": {"d": {"rows": "deliveries", "format": "csv"}, "l": {"rows": "looks", "format": "csv"}, "s": {"rows": "stays", "format": "csv"}, "cox": {"intervals": "living", "split": ["covered"], "outcomes": ["delivery"], "format": "csv"},
                "grid": {"buckets": "living", "days": 30, "features": ["era"], "per": "code", "mark": "covered", "outcomes": ["stay"]}}}
STUDY["cohorts"]["deliveries"]["measures"]["number"] = STUDY["cohorts"]["deliveries"]["measures"].pop("all")


def day(i):
    return (FIRST + datetime.timedelta(days=i)).isoformat()


def people():
    """{patient: (birth year, death, deliveries, stays)}"""
    made = {"PNONE": (1950, "", [], []), "PMANY": (1950, "", [(day(i % 1096), "C10AA01", 1) for i in range(MANY)], []),
            "PUNBORN": (2030, "", [("2019-06-01", "C10AA01", 30)], []), "PDEAD": (1900, "1990-05-05", [("2019-06-01", "C10AA01", 30)], []),
            "POPEN": (1950, "", [], [("2019-03-01", "", "MCO"), ("2019-03-01", "2019-03-01", "SSR")]),
            "PBACK": (1950, "", [], [("2019-05-01", "2019-04-01", "MCO")]), "PNODAY": (1950, "", [("", "C10AA01", 30)], [("", "2019-04-01", "MCO")]),
            "PFAR": (1950, "", [("1900-01-01", "C10AA01", 2147483), ("2999-12-31", "C10AA01", 2147483)], []),
            "PNULL": (1950, "", [("2019-06-01", "", ""), ("2019-06-01", "", ""), ("2019-06-01", "C10AA01", -5), ("2019-06-01", "C10AA01", 0)], [])}
    for i in range(30):
        made[f"P{i:03}"] = (1940 + i, "2020-06-01" if i % 7 == 0 else "", [(day(30 * k + i), "C10AA05" if k % 3 else "C10AA01", 28) for k in range(20)],
                            [(day(100 + i), day(110 + i), "MCO")])
    return made


def make(folder):
    os.makedirs(os.path.join(folder, "in"), exist_ok=True)
    model = json.loads(json.dumps(MODEL))
    made = people()
    for table in ("DELIVERY", "STAY"):
        days, columns = TABLES[table]
        model["tables"][table] = {"files": [table.lower() + ".csv"], "patient": {"path": "pair", "pseudonym": "PSEUDONYM", "rank": "RANK"}, "dates": days,
                                  "columns": ["PSEUDONYM id(8) patient", "RANK int(2) patient"] + [d + " date" for d in days] +
                                             [c.replace("int(4)", "int(8)") for c in columns]}
        with open(os.path.join(folder, "in", table.lower() + ".csv"), "w", encoding="utf-8") as file:
            file.write(",".join(c.split()[0] for c in model["tables"][table]["columns"]) + "\n")
            for name, one in made.items():
                for row in one[2 if table == "DELIVERY" else 3]:
                    file.write(f"{name},1,{','.join(str(v) for v in row)}\n")
    with open(os.path.join(folder, "in", "people.csv"), "w", encoding="utf-8") as file:
        file.write("PSEUDONYM,RANK,PERSON_ID,SEX,BIRTH_YEAR,BIRTH_MONTH,DEATH\n")
        for name, one in made.items():
            file.write(f"{name},1,{name},F,{one[0]},1,{one[1]}\n")
    for name, value in (("model.json", model), ("study.json", STUDY)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            json.dump(value, file, indent=1)


def check(folder):
    out = os.path.join(folder, "out")
    rows, stays, looks = {}, {}, {}
    for name, kept in (("d", rows), ("s", stays), ("l", looks)):
        with open(os.path.join(out, "cohorts", name + ".csv"), encoding="utf-8") as file:
            for row in csv.DictReader(file):
                kept.setdefault(row["patient"], []).append(row)
    for name, (_, _, deliveries, _) in people().items():
        wanted = [d for d in deliveries if d[0] != "" and d[0] <= "2020-12-31"]
        assert len(rows.get(name, [])) == len(wanted), (name, len(rows.get(name, [])), len(wanted))
    one = {name: of[0] for name, of in rows.items()}
    assert all(r["number"] == str(MANY) and r["days"] == "1096" for r in rows["PMANY"]), one["PMANY"]
    for row in looks["PMANY"]:
        at = (datetime.date.fromisoformat(row["start_date"]) - FIRST).days
        here = MANY // 1096 + (at < MANY % 1096)  # deliveries of a day
        wanted = (min(at, 30) + min(1095 - at, 30) + 1, min(at, 9) + 1, here, min(at, 400) + 1, min(at, 6) + 1, "true", here, "true" if at < 1095 else "false")
        found = tuple(int(row[c]) for c in ("raw", "alike", "alike_days", "days", "inside"))
        assert found[:1] + (round(10 * float(row["raw_share"])),) + found[1:4] + (row["held"], found[4], row["touched"]) == wanted, (row, wanted)
    assert (one["PUNBORN"]["years"], one["PUNBORN"]["observed"], one["PUNBORN"]["dead"]) == ("-11", "false", "false"), one["PUNBORN"]
    assert (one["PDEAD"]["years"], one["PDEAD"]["observed"], one["PDEAD"]["dead"]) == ("119", "false", "true"), one["PDEAD"]
    assert (one["PFAR"]["days"], one["PFAR"]["observed"]) == ("1096", "false"), one["PFAR"]
    assert [(r["days"], r["number"]) for r in rows["PNULL"]] == [("0", "4")] * 4, rows["PNULL"]
    assert sorted((r["code"], r["end_date"]) for r in stays["POPEN"]) == [("MCO", "2020-12-31"), ("SSR", "2019-03-01")], stays["POPEN"]
    assert "PBACK" not in stays and "PNODAY" not in stays
    with open(os.path.join(out, "manifest.json"), encoding="utf-8") as file:
        left = {e["event"]: (e["no_first_day"], e["ends_before_it_starts"], e["no_supply"]) for e in json.load(file)["rows_without_record"]}
    assert left["delivery"] == (1, 0, 0) and left["stay"] == (1, 1, 0) and left["covered"] == (0, 0, 4), left
    with open(os.path.join(out, "control", "flow.csv"), encoding="utf-8") as file:
        flow = {r["title"]: int(r["patients_lost"] or 0) for r in csv.DictReader(file)}
    assert flow["born"] == 1 and flow["alive"] == 1, flow


if __name__ == "__main__":
    {"make": make, "check": check}[sys.argv[1]](sys.argv[2])
