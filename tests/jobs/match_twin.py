"""The sets of tests/jobs/study_match.json, chosen again by the definition from the cohorts that a run wrote.
usage: match_twin.py PERSONS.csv OUT"""
import csv
import datetime
import hashlib
import sys

import h5py

EPOCH = datetime.date(1970, 1, 1)
persons = {r["patient"]: r for r in csv.DictReader(open(sys.argv[1]))}
out = sys.argv[2]
failures = []


def read(name):
    with h5py.File(f"{out}/cohorts/{name}.h5") as f:
        columns = {k: f[k][:] for k in f}
    names = [p.rstrip(b"\0").decode() for p in columns["patient"]]
    rows = []
    for i, name in enumerate(names):
        row = {k: v[i].rstrip(b"\0").decode() if isinstance(v[i], bytes) else v[i] for k, v in columns.items()}
        row["patient"] = name
        rows.append(row)
    return rows


def digest(*words):
    return hashlib.blake2b("|".join(str(w) for w in words).encode(), digest_size=8).digest()


def day_text(day):
    return str(EPOCH + datetime.timedelta(days=int(day)))


def choose(cases, controls, on, near, ratio, reuse, seed):
    used, sets = set(), []
    for case in sorted(cases, key=lambda c: (c[1], digest(seed, c[0], day_text(c[1])))):
        name, day = case
        mine = persons[name]
        fitting = set()
        for other, start, end in controls:
            theirs = persons[other]
            if other == name or not start <= day <= end or (other in used and not reuse):
                continue
            if any(mine[c] == "" or mine[c] != theirs[c] for c in on):
                continue
            if all(mine[c] != "" and theirs[c] != "" and abs(number(mine[c]) - number(theirs[c])) <= n for c, n in near.items()):
                fitting.add(other)
        taken = sorted(fitting, key=lambda o: (digest(seed, name, day_text(day), o), o))[:ratio]
        used.update(taken)
        sets.append((day, name, taken))
    rows = set()
    for index, (day, name, taken) in enumerate(sorted(sets, key=lambda s: s[:2]), 1):
        rows.add((name, day, "case", index))
        rows.update((other, day, "control", index) for other in taken)
    return rows


def number(text):
    return (datetime.date.fromisoformat(text) - EPOCH).days if "-" in text else int(text)


def compare(name, expected):
    found = {(r["patient"], int(r["start_date"]), r["role"], int(r["set_id"])) for r in read(name)}
    if found != expected or len(expected) < 20:
        failures.append(f"{name}: {len(found)} members, expected {len(expected)}: {list(found - expected)[:2]} {list(expected - found)[:2]}")


cases = [(r["patient"], int(r["start_date"])) for r in read("cases")]
controls = [(r["patient"], int(r["start_date"]), int(r["end_date"])) for r in read("at_risk")]
sets = choose(cases, controls, ["sex"], {"birth_year": 2}, 3, True, 42)
compare("sets", sets)
compare("once", choose(cases, controls, ["sex", "BEN_RES_DPT"], {"birth_year": 15, "birth_date": 5000}, 2, False, 7))
again = choose([(s[0], s[1]) for s in sets], controls, ["sex"], {}, 1, True, 0)
first = (datetime.date(2020, 1, 1) - EPOCH).days
found = {(r["patient"], int(r["start_date"]), r["role"]) for r in read("sets_again")}
if found != {r[:3] for r in again if r[1] >= first} or not found:
    failures.append("sets_again: other members")
for line in failures:
    print("FAILED:", line)
sys.exit(len(failures) > 0)
