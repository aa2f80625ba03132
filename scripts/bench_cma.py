#!/usr/bin/env python3
"""Data, studies and check of scripts/bench_cma.

usage: bench_cma.py make PATIENTS     in/*.csv, model.json, cma7.json, all.json in the current folder
       bench_cma.py check OUT N       the cohort of `all` for the first N patients beside a loop over their deliveries
"""
import csv
import datetime
import itertools
import json
import random
import sys

FIRST = datetime.date(2018, 1, 1)
MODEL = {
    "model": "dispensing", "version": "1", "title": "Dispensings", "delimiter": ",", "systems": {"ATC": "prefix"}, "keys": {}, "derived": [],
    "person": {"identity": ["PEOPLE"], "sex": "SEX", "female": "F", "male": "M", "birth_year": "BIRTH_YEAR", "birth_month": "BIRTH_MONTH",
               "death_date": "DEATH"},
    "tables": {
        "PEOPLE": {"files": ["people.csv"], "patient": {"path": "identity", "pseudonym": "PSEUDONYM", "rank": "RANK", "person": "PERSON_ID"},
                   "primary": ["PSEUDONYM", "RANK"],
                   "columns": ["PSEUDONYM id(8) patient", "RANK int(2) patient", "PERSON_ID id(8) patient", "SEX code", "BIRTH_YEAR int(4)",
                               "BIRTH_MONTH int(2)", "DEATH date"]},
        "DELIVERY": {"files": ["delivery.csv"], "patient": {"path": "pair", "pseudonym": "PSEUDONYM", "rank": "RANK"}, "dates": ["DAY"],
                     "columns": ["PSEUDONYM id(8) patient", "RANK int(2) patient", "DAY date", "DRUG code system=ATC", "DAYS int(4)"]}}}
DELIVERY = {"delivery": {"from": "DELIVERY", "code": "DRUG", "value": "DAYS"}}
CMA7 = {"study": "cma7", "events": DELIVERY, "exposures": {"covered": {"from": "delivery", "supply": "value", "carry": "all"}},
        "cohorts": {"first": {"entry": {"from": "delivery", "pick": "first"}, "measures": {"cma7": {"share_of": "covered", "days": [0, 364]}}}},
        "statistics": {"adherence": {"summary": ["cma7"], "in": "first"}}}
ALL = {"study": "cma", "use": {"cma": {"file": "adherence.json", "set": {"delivery": "delivery", "index": "delivery"}}}, "events": DELIVERY,
       "cohorts": {"first": {"entry": {"from": "cma.cma"}}},
       "statistics": {"adherence": {"summary": ["cma%d" % i for i in range(1, 8)], "in": "first"}},
       "exports": {"rows": {"rows": "first", "format": "csv"}}}


def make(patients):
    dice = random.Random(1)
    day_text = [(FIRST + datetime.timedelta(days=i)).isoformat() for i in range(731)]
    drugs = ["C10AA01", "C10AA05", "C10AA07"]
    with open("in/people.csv", "w", encoding="utf-8") as people, open("in/delivery.csv", "w", encoding="utf-8") as deliveries:
        people.write("PSEUDONYM,RANK,PERSON_ID,SEX,BIRTH_YEAR,BIRTH_MONTH,DEATH\n")
        deliveries.write("PSEUDONYM,RANK,DAY,DRUG,DAYS\n")
        for number in range(patients):
            name = f"P{number:07}"
            people.write(f"{name},1,{name},F,1950,1,\n")
            drug = drugs[number % 3]
            for _ in range(8):
                deliveries.write(f"{name},1,{day_text[int(dice.random() * 731)]},{drug},{30 + 30 * (number % 2)}\n")
    for name, value in (("model.json", MODEL), ("cma7.json", CMA7), ("all.json", ALL)):
        with open(name, "w", encoding="utf-8") as file:
            json.dump(value, file, indent=1)


def check(out, count):
    supplies = {}
    with open("in/delivery.csv", encoding="utf-8") as file:
        for row in itertools.takewhile(lambda r: int(r["PSEUDONYM"][1:]) < count, csv.DictReader(file)):
            supplies.setdefault(row["PSEUDONYM"], []).append((datetime.date.fromisoformat(row["DAY"]).toordinal(), int(row["DAYS"])))
    with open(f"{out}/cohorts/rows.csv", encoding="utf-8") as file:
        got = {r["patient"]: float(r["cma7"]) for r in csv.DictReader(file)}
    for name, rows in supplies.items():
        rows.sort()
        begin, free, covered = rows[0][0], rows[0][0], 0
        for day, days in rows:
            start = max(day, free)
            free = start + days
            covered += max(0, min(free, begin + 365) - start)
        assert abs(got[name] - covered / 365) < 1e-9, (name, got[name], covered / 365)
    print(f"cma7 of {len(supplies)} patients is that of the loop")


if __name__ == "__main__":
    {"make": lambda a: make(int(a[0])), "check": lambda a: check(a[0], int(a[1]))}[sys.argv[1]](sys.argv[2:])
