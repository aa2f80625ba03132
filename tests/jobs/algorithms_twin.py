#!/usr/bin/env python3
"""The shipped libraries of algorithms over a small register of random people, worked out again day by day.

usage: algorithms_twin.py make FOLDER SEED      model.json, in/*.csv and study.json
       algorithms_twin.py compare FOLDER SEED   FOLDER/out/cohorts/*.csv with what this page computes
"""
import csv
import datetime
import json
import os
import random
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
LIBRARY = os.path.join(HERE, "..", "..", "jobs", "library")
FIRST, LAST = datetime.date(2018, 1, 1).toordinal(), datetime.date(2020, 12, 31).toordinal()
DRUGS = ["C10AA01", "C10AA05", "A10BA02", "N06DA02", "R03AC02"]
ACTS = ["JVJF004", "ZZNL050", "DEQP003", "JVJF005"]
OTHERS = ["J189", "S720", "R53", "I10", "C794", "E119", "E115", "K709", "K721", "N189", "B24", "C61", "I219"]
# Patients 37 and 76 of AdhereR's data set med.events (day, class, days), moved to 2018; of patient 76 its pages give
# CMA1 1.4 and CMA7 0.6904109589 in the year from day 182 on.
ADHERER = {
    "P00037": "04/10/2036 A 50, 07/30/2036 A 50, 09/15/2036 A 50, 01/02/2037 B 30, 01/31/2037 B 30, 05/09/2037 B 30, 08/13/2037 B 30, 11/09/2037 B 30",
    "P00076": "12/13/2035 A 30, 01/18/2036 A 30, 01/23/2036 A 60, 04/25/2036 A 60, 08/08/2036 A 60, 10/03/2036 A 60, 11/29/2036 A 60, "
              "12/21/2036 B 30, 01/05/2037 B 30, 07/13/2037 B 30, 10/11/2037 A 30"}
MOVED = datetime.date(2035, 12, 13).toordinal() - datetime.date(2018, 12, 13).toordinal()
# Conditions and the two scores by the published weights.
CHARLSON = {"P00001": (["I219", "E112", "C795"], 9, 7), "P00002": (["K746", "K721"], 3, 4), "P00003": (["E119", "E114"], 2, 1),
            "P00004": (["C509", "C780"], 6, 6), "P00005": (["I500", "J449", "N180", "F00"], 5, 6), "P00006": (["I252", "G819", "B20"], 9, 6)}


def text_of(day):
    return "" if day is None else datetime.date.fromordinal(day).isoformat()


def people(seed):
    """{patient: {table: rows}}; a row begins with its days."""
    dice = random.Random(seed)
    made = {}
    for number in range(1, 401):
        one = {"DELIVERY": [], "STAY": [], "DIAGNOSIS": [], "ACT": []}
        name = f"P{number:05}"
        made[name] = one
        if name in ADHERER:
            for entry in ADHERER[name].split(", "):
                day, kind, days = entry.split()
                date = datetime.datetime.strptime(day, "%m/%d/%Y").date().toordinal() - MOVED
                one["DELIVERY"].append((date, "C10AA01" if kind == "A" else "C10AA05", int(days)))
            continue
        if name in CHARLSON:
            day = FIRST + 400
            one["DELIVERY"].append((day, "C10AA01", 30))
            one["DIAGNOSIS"] += [(day - 10, day - 5, code) for code in CHARLSON[name][0]]
            continue
        span = dice.choice([30, 200, 1000])
        for _ in range(dice.choice([0, 1, 2, 5, 12, 30])):
            one["DELIVERY"].append((FIRST + dice.randrange(1096 if span == 1000 else span), dice.choice(DRUGS), dice.choice([-3, 0, 1, 14, 28, 30, 60, 90])))
        day = FIRST
        for _ in range(dice.choice([0, 0, 1, 3, 8])):
            day += dice.choice([0, 1, 2, 5, 40, 200])
            length = dice.choice([0, 0, 1, 3, 12])
            one["STAY"].append((day, day + length, dice.choice(["MCO", "SSR", "HAD"])))
            for _ in range(dice.choice([0, 1, 2, 4])):
                one["DIAGNOSIS"].append((day, day + length, dice.choice(OTHERS)))
            day += dice.choice([0, length])
        for _ in range(dice.choice([0, 0, 1, 3])):
            one["ACT"].append((FIRST + dice.randrange(1096), dice.choice(ACTS)))
    return made


MODEL = {
    "model": "register", "version": "1", "title": "A register", "delimiter": ",",
    "systems": {"CIM10": "prefix", "ATC": "prefix", "CCAM": "prefix", "KIND": "flat"}, "keys": {}, "derived": [],
    "person": {"identity": ["PEOPLE"], "sex": "SEX", "female": "F", "male": "M", "birth_year": "BIRTH_YEAR", "birth_month": "BIRTH_MONTH",
               "death_date": "DEATH"},
    "tables": {"PEOPLE": {"files": ["people.csv"], "patient": {"path": "identity", "pseudonym": "PSEUDONYM", "rank": "RANK", "person": "PERSON_ID"},
                          "primary": ["PSEUDONYM", "RANK"],
                          "columns": ["PSEUDONYM id(8) patient", "RANK int(2) patient", "PERSON_ID id(8) patient", "SEX code", "BIRTH_YEAR int(4)",
                                      "BIRTH_MONTH int(2)", "DEATH date"]}}}
TABLES = {"DELIVERY": (["DAY"], ["DRUG code system=ATC", "DAYS int(4)"]), "STAY": (["FIRST_DAY", "LAST_DAY"], ["KIND code system=KIND"]),
          "DIAGNOSIS": (["FIRST_DAY", "LAST_DAY"], ["CODE code system=CIM10"]), "ACT": (["DAY"], ["CODE code system=CCAM"])}
SETTINGS = {"cma": ("adherence.json", {"delivery": "delivery", "index": "later"}), "taken": ("exposures.json", {"delivery": "delivery", "gap": 7, "shortest": 10}),
            "users": ("users.json", {"delivery": "delivery", "washout": [-180, -1]}), "seen": ("followup.json", {"care": "any_care", "silent": 150, "lost_after": 45}),
            "care": ("episodes.json", {"stay": "stay"}), "charlson": ("charlson.json", {"index": "first_delivery", "diagnosis": "diagnosis"}),
            "told": ("charlson_union.json", {"index": "first_delivery", "diagnosis": "diagnosis", "delivery": "delivery", "act": "act", "within": [-365, 100]})}
COHORTS = {"cma": "cma.cma", "limited": "taken.limited", "interaction": "taken.interaction", "purchase_count": "taken.purchase_count", "unlimited": "taken.unlimited",
           "new_use": "users.new_use", "incident": "users.incident", "prevalent": "users.prevalent", "naive": "users.naive", "lost": "seen.lost",
           "described": "care.described", "transferred": "care.transferred", "readmission": "care.readmission", "charlson": "charlson.index_score", "by_any": "told.index_score"}

# Queries over timelines and tables; what they give is worked out by `answers`.
QUERIES = {
    "sql_codes": "SELECT code, count(*) AS n, count(DISTINCT patient) AS patients, sum(value) AS days FROM delivery GROUP BY code",
    "sql_before": "SELECT t.DRUG AS code, count(*) AS n, count(DISTINCT d.patient) AS patients, sum(t.DAYS) AS days FROM described d "
                  "JOIN \"DELIVERY\" t ON t.patient = d.patient AND t.DAY < d.start_date WHERE d.records > 1 GROUP BY 1",
    "sql_exists": "SELECT last_code AS code, count(*) AS n, count(DISTINCT patient) AS patients, sum(nights) AS days FROM care.described e "
                  "WHERE EXISTS (SELECT 1 FROM act a WHERE a.patient = e.patient AND a.start_date >= e.start_date) GROUP BY 1",
    "sql_per_patient": "SELECT CAST(least(n, 4) AS text) AS code, count(*) AS n, count(*) AS patients, sum(days) AS days FROM (SELECT patient, "
                       "count(*) AS n, sum(value) AS days FROM delivery GROUP BY patient) x GROUP BY 1",
}


def make(folder, seed):
    os.makedirs(os.path.join(folder, "in"), exist_ok=True)
    model = json.loads(json.dumps(MODEL))
    made = people(seed)
    for table, (days, columns) in TABLES.items():
        model["tables"][table] = {"files": [table.lower() + ".csv"], "patient": {"path": "pair", "pseudonym": "PSEUDONYM", "rank": "RANK"}, "dates": days,
                                  "columns": ["PSEUDONYM id(8) patient", "RANK int(2) patient"] + [d + " date" for d in days] + columns}
        with open(os.path.join(folder, "in", table.lower() + ".csv"), "w", encoding="utf-8") as file:
            file.write(",".join(c.split()[0] for c in model["tables"][table]["columns"]) + "\n")
            for name, one in made.items():
                for row in one[table]:
                    cells = [text_of(v) if i < len(days) else str(v) for i, v in enumerate(row)]
                    file.write(f"{name},1,{','.join(cells)}\n")
    with open(os.path.join(folder, "in", "people.csv"), "w", encoding="utf-8") as file:
        file.write("PSEUDONYM,RANK,PERSON_ID,SEX,BIRTH_YEAR,BIRTH_MONTH,DEATH\n")
        for name in made:
            file.write(f"{name},1,{name},F,1950,1,\n")
    study = {"study": "algorithms", "dates": ["2018-01-01", "2020-12-31"],
             "use": {k: {"file": f, "set": s} for k, (f, s) in SETTINGS.items()},
             "events": {"delivery": {"from": "DELIVERY", "code": "DRUG", "value": "DAYS", "where": "DAYS > 0"}, "stay": {"from": "STAY", "code": "KIND"},
                        "diagnosis": {"from": "DIAGNOSIS", "code": "CODE"}, "act": {"from": "ACT", "code": "CODE"}, "any_care": {"from": ["delivery", "stay", "act"]},
                        "first_delivery": {"from": "delivery", "pick": "first"}, "later": {"from": "first_delivery", "start": "start_date + 182"}},
             "cohorts": {k: {"entry": {"from": t, "dates": [None, None]}} for k, t in COHORTS.items()},
             "statistics": {**{k: {"count": k} for k in COHORTS}, **{k: {"sql": q} for k, q in QUERIES.items()}}, "exports": {k: {"rows": k, "format": "csv"} for k in COHORTS}}
    for name, value in (("model.json", model), ("study.json", study)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            json.dump(value, file, indent=1)


def runs(days):
    """[(first, last)] of a set of days."""
    found = []
    for day in sorted(days):
        if found and found[-1][1] == day - 1:
            found[-1][1] = day
        else:
            found.append([day, day])
    return [tuple(r) for r in found]


def carried(deliveries):
    """The days that supplies cover, each moved behind what is left."""
    days, free = set(), None
    for day, _, supply in deliveries:
        start = day if free is None else max(day, free)
        days.update(range(start, start + supply))
        free = start + supply
    return days


def months_before(day, months):
    date = datetime.date.fromordinal(day)
    year, month = divmod(date.year * 12 + date.month - 1 - months, 12)
    for last in (date.day, 30, 29, 28):
        try:
            return datetime.date(year, month + 1, last).toordinal()
        except ValueError:
            continue


def last_record(rows):
    latest = max(r[0] for r in rows)
    return min(r for r in rows if r[0] == latest)


def adherence(deliveries):
    begin = deliveries[0][0] + 182
    end = begin + 364
    inside = [d for d in deliveries if begin <= d[0] <= end]
    row = dict.fromkeys(["cma%d" % i for i in range(1, 8)])
    row["cma7"] = len([d for d in carried(deliveries) if begin <= d <= end]) / 365
    if inside:
        first, last, total, covered = inside[0][0], last_record(inside), sum(d[2] for d in inside), carried(inside)
        row["cma2"] = total / (end - first + 1)
        row["cma6"] = len([d for d in covered if first <= d <= end]) / (end - first + 1)
        if last[0] > first:
            row["cma1"] = (total - last[2]) / (last[0] - first)
            row["cma5"] = len([d for d in covered if first <= d < last[0]]) / (last[0] - first)
    for capped, free in (("cma3", "cma1"), ("cma4", "cma2")):
        row[capped] = None if row[free] is None else min(1, row[free])
    return begin, end, row


def eras(deliveries, gap):
    """[(first, last, code, records, supplied)] of each code."""
    made = []
    for code in sorted({d[1] for d in deliveries}):
        current = None
        for day, _, supply in [d for d in deliveries if d[1] == code]:
            if current is not None and day <= current[1] + gap + 1:
                current[1] = max(current[1], day + supply - 1)
                current[3] += 1
                current[4] += supply
            else:
                current = [day, day + supply - 1, code, 1, supply]
                made.append(current)
    return [tuple(e) for e in made]


def interactions(made, shortest):
    held = {}
    for a in made:
        held.setdefault((a[2],), set()).update(range(a[0], a[1] + 1))
        for b in made:
            days = range(max(a[0], b[0]), min(a[1], b[1]) + 1)
            if a[2] < b[2] and len(days) >= shortest:
                held.setdefault((a[2], b[2]), set()).update(days)
    rows = []
    for codes, days in held.items():
        larger = set().union(*(d for c, d in held.items() if len(c) == 2 and codes[0] in c)) if len(codes) == 1 else set()
        rows += [(first, last, "+".join(codes), len(codes)) for first, last in runs(days - larger)]
    return sorted(rows)


def unlimited(deliveries):
    rows = []
    for code in {d[1] for d in deliveries}:
        mine = [d[0] for d in deliveries if d[1] == code]
        for day in mine:
            if len({d for d in mine if months_before(day, 6) <= d <= day}) >= 2:
                rows.append((day, code))
                break
    return sorted(rows)


def episodes(stays):
    rows = []
    for first, last, kind in sorted(stays):
        if rows and first <= rows[-1][1] + 1:
            rows[-1][1] = max(rows[-1][1], last)
            rows[-1][2].append((first, last, kind))
        else:
            rows.append([first, last, [(first, last, kind)]])
    return rows


def lost(one):
    care = {d[0] for d in one["DELIVERY"]} | {d[0] for d in one["ACT"]}
    for first, last, _ in one["STAY"]:
        care.update(range(first, last + 1))
    silence = runs(set(range(FIRST, LAST + 1)) - care)
    return [first - 1 + 45 for first, last in silence if last - first + 1 >= 150 and any(c < first - 1 + 45 for c in care)]


def sets_of(name, system):
    """{condition: pattern} of a shipped library."""
    with open(os.path.join(LIBRARY, name), encoding="utf-8") as file:
        codes = json.load(file)["codes"]
    found = {}
    for condition, lists in codes.items():
        found[condition] = [c.split("-") for c in lists.get(system, [])]
    return found


def holds(patterns, code):
    return any(p[0] <= code[:len(p[0])] <= p[-1] for p in patterns)


WEIGHTS = {"myocardial_infarction": (1, 0), "heart_failure": (1, 2), "peripheral_vascular": (1, 0), "cerebrovascular": (1, 0), "dementia": (1, 2),
           "chronic_pulmonary": (1, 1), "rheumatic": (1, 1), "peptic_ulcer": (1, 0), "mild_liver": (1, 2), "diabetes": (1, 0), "diabetes_complicated": (2, 1),
           "hemiplegia": (2, 2), "renal": (2, 1), "cancer": (2, 2), "severe_liver": (3, 4), "metastasis": (6, 6), "aids": (6, 4)}
SEVERER = {"mild_liver": "severe_liver", "diabetes": "diabetes_complicated", "cancer": "metastasis"}


def charlson(day, events, low, high):
    """events: (first, last, condition)."""
    have = {c for first, last, c in events if first <= day + high and last >= day + low}
    counted = [c for c in have if SEVERER.get(c) not in have]
    return tuple(sum(WEIGHTS[c][k] for c in counted) for k in (0, 1))


def told(one, icd, drugs, acts):
    events = [(f, l, c) for f, l, code in one["DIAGNOSIS"] for c, p in icd.items() if holds(p, code)]
    events += [(d, d, c[:-5]) for d, code, _ in one["DELIVERY"] for c, p in drugs.items() if holds(p, code)]
    return events + [(d, d, c[:-4]) for d, code in one["ACT"] for c, p in acts.items() if holds(p, code)]


def expected(made):
    rows = {k: [] for k in COHORTS}
    icd, drugs, acts = (sets_of(f, s) for f, s in (("charlson.json", "CIM10"), ("charlson_union.json", "ATC"), ("charlson_union.json", "CCAM")))
    for name, one in made.items():
        one = {**one, "DELIVERY": sorted(d for d in one["DELIVERY"] if d[2] > 0)}
        deliveries = one["DELIVERY"]
        used = [d[0] for d in deliveries]
        before = any(FIRST - 180 <= d < FIRST for d in used)
        rows["prevalent" if before else "naive"].append((name, FIRST, LAST))
        rows["lost"] += [(name, d, d) for d in lost(one)]
        joined = episodes(one["STAY"])
        for first, last, stays in joined:
            row = (name, first, last, len(stays), last - first, min(stays)[2], last_record(stays)[2])
            rows["described"].append(row)
            if len(stays) > 1:
                rows["transferred"].append(row)
            if any(first - 30 <= other[1] <= first - 1 for other in joined):
                rows["readmission"].append(row)
        if not deliveries:
            continue
        begin, end, cma = adherence(deliveries)
        rows["cma"].append((name, begin, end, *(cma["cma%d" % i] for i in range(1, 8))))
        made_eras = eras(deliveries, 7)
        rows["limited"] += [(name, *e) for e in made_eras]
        rows["purchase_count"] += [(name, e[0], e[0] + e[4] - 1, *e[2:]) for e in made_eras]
        rows["interaction"] += [(name, *r) for r in interactions(made_eras, 10)]
        rows["unlimited"] += [(name, d, None, c) for d, c in unlimited(deliveries)]
        rows["new_use"] += [(name, d[0], d[0], d[1], d[2]) for d in deliveries if not any(d[0] - 180 <= o < d[0] for o in used)]
        rows["incident"].append((name, used[0], used[0], deliveries[0][1]))
        rows["charlson"].append((name, used[0], used[0], *charlson(used[0], told(one, icd, {}, {}), -365, 0)))
        rows["by_any"].append((name, used[0], used[0], *charlson(used[0], told(one, icd, drugs, acts), -365, 100)))
    # No record of a cohort goes beyond the study's last day.
    return {k: [(r[0], r[1], LAST if r[2] is None else min(r[2], LAST), *r[3:]) for r in of if r[1] <= LAST] for k, of in rows.items()}


COLUMNS = {"cma": ["cma%d" % i for i in range(1, 8)], "limited": ["code", "records", "supplied"], "purchase_count": ["code", "records", "supplied"],
           "interaction": ["code", "value"], "unlimited": ["code"], "new_use": ["code", "value"], "incident": ["code"], "prevalent": [], "naive": [], "lost": [],
           "charlson": ["charlson", "charlson_2011"], "by_any": ["charlson", "charlson_2011"]}
DESCRIBED = ["records", "nights", "first_code", "last_code"]


def cell(value):
    if value is None or value == "":
        return ""
    return f"{float(value):.9f}" if re.fullmatch(r"-?[0-9.]+", str(value)) else str(value)


def answers(made):
    """{query: {code: (records, patients, sum)}}"""
    seen = {k: [] for k in QUERIES}
    for name, one in made.items():
        deliveries = [d for d in one["DELIVERY"] if d[2] > 0]
        seen["sql_codes"] += [(d[1], name, d[2]) for d in deliveries]
        if deliveries:
            seen["sql_per_patient"].append((str(min(len(deliveries), 4)), name, sum(d[2] for d in deliveries)))
        for first, last, stays in episodes(one["STAY"]):
            if len(stays) > 1 and first <= LAST:
                seen["sql_before"] += [(d[1], name, d[2]) for d in one["DELIVERY"] if d[0] < first]
            if any(a[0] >= first for a in one["ACT"]):
                seen["sql_exists"].append((last_record(stays)[2], name, last - first))
    return {k: {c: (len([r for r in rows if r[0] == c]), len({r[1] for r in rows if r[0] == c}), sum(r[2] for r in rows if r[0] == c))
                for c in {r[0] for r in rows}} for k, rows in seen.items()}


def compare_queries(folder, made):
    failures = 0
    for name, rows in answers(made).items():
        for part in ("control", "release"):
            with open(os.path.join(folder, "out", part, name + ".csv"), encoding="utf-8") as file:
                got = {r["code"]: (r["n"], r["patients"], r["days"]) for r in csv.DictReader(file)}
            wanted = {c: tuple("s" if part == "release" and r[1] < 11 else str(v) for v in r) for c, r in rows.items()}
            if got != wanted or not got:
                failures += 1
                print(f"FAILED: {part}/{name}: {got}, expected {wanted}")
    return failures


def compare(folder, seed):
    failures = compare_queries(folder, people(seed))
    for name, rows in expected(people(seed)).items():
        with open(os.path.join(folder, "out", "cohorts", name + ".csv"), encoding="utf-8") as file:
            table = list(csv.DictReader(file))
        columns = COLUMNS.get(name, DESCRIBED)
        got = sorted([r["patient"], r["start_date"], r["end_date"], *(cell(r[c]) for c in columns)] for r in table)
        wanted = sorted([r[0], text_of(r[1]), text_of(r[2]), *(cell(v) for v in r[3:])] for r in rows)
        if got != wanted or (not got and name != "prevalent"):
            failures += 1
            print(f"FAILED: {name}: {len(got)} rows, expected {len(wanted)}: {[r for r in got if r not in wanted][:2]} {[r for r in wanted if r not in got][:2]}")
        if name == "cma":
            known = next(r for r in got if r[0] == "P00076")
            if (known[3], known[9]) != ("1.400000000", "0.690410959"):
                failures += 1
                print(f"FAILED: patient 76 of AdhereR: {known}")
        if name == "charlson":
            for patient, (_, old, new) in CHARLSON.items():
                known = next(r for r in got if r[0] == patient)
                if known[3:] != [cell(old), cell(new)]:
                    failures += 1
                    print(f"FAILED: Charlson of {patient}: {known}, expected {old} and {new}")
    return failures


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2], int(sys.argv[3]))
    else:
        sys.exit(compare(sys.argv[2], int(sys.argv[3])) != 0)
