#!/usr/bin/env python3
"""T03: people whose BEN_IDT_ANO was made of pseudonym and rank get one of 17 characters in a later IR_BEN_R.

usage: trap_rekey.py make DELIVERY NEW       a delivery of a new IR_BEN_R
       trap_rekey.py check PARCOURS STORE N  the keys of those people have N characters, and their care is theirs
"""
import csv
import os
import subprocess
import sys


def make(old, new):
    os.mkdir(new)
    with open(f"{old}/IR_BEN_R.CSV", encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file, delimiter=";"))
    place = {name: k for k, name in enumerate(header)}
    changed = 0
    for row in rows:
        if row[place["BEN_IDT_TOP"]] == "0":
            row[place["BEN_NIR_ANO"]] = row[place["BEN_IDT_ANO"]] = f"Later{changed:012d}"
            row[place["BEN_IDT_TOP"]] = "1"
            changed += 1
    assert changed > 1
    with open(f"{new}/IR_BEN_R.CSV", "w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";", lineterminator="\n").writerows([header, *rows])


def query(binary, store, text):
    done = subprocess.run([binary, "query", store, text, "--format", "csv", "--quiet", "--unprotected"],
                          check=True, text=True, capture_output=True)
    return list(csv.DictReader(done.stdout.splitlines()))


def check(binary, store, characters):
    people = {row["patient"] for row in query(binary, store, "SELECT patient FROM PERSON WHERE resolved")}
    assert len(people) == 300, f"{len(people)} persons"
    kind = [p for p in people if len(p) == 18 or p.startswith("Later")]
    assert len(kind) > 1 and all(len(p) == characters for p in kind), "keys of another form"
    claims = query(binary, store, "SELECT patient, count(*) AS n FROM ER_PRS_F WHERE patient_status = 'resolved' GROUP BY 1")
    care = {row["patient"]: int(row["n"]) for row in claims}
    assert sum(care.get(p, 0) for p in kind) > 0, "people without their care"
    assert all(p in people for p in care), "care of somebody else"


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(*sys.argv[2:4])
    else:
        check(sys.argv[2], sys.argv[3], int(sys.argv[4]))
