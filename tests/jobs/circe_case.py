#!/usr/bin/env python3
"""A case of circe-be's own tests as CSV files of the OMOP CDM, and its expected rows.
usage: circe_case.py CASE_FOLDER OUT
CASE_FOLDER holds prep.json and verify.json; beside it lies vocabulary.json, which all cases share.
Writes OUT/cdm/<table>.csv, and for each table of verify.json OUT/expected/<table>.csv, sorted, with
the columns that verify.json names."""
import csv
import json
import os
import sys


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def write(path, rows):
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [["" if row.get(name) is None else row[name] for name in names] for row in rows]
    with open(path, "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(names)
        out.writerows(lines)


def main():
    case, out = sys.argv[1:3]
    for folder in ("cdm", "expected"):
        os.makedirs(os.path.join(out, folder), exist_ok=True)
    tables = {}
    vocabulary = os.path.join(os.path.dirname(case.rstrip("/")), "vocabulary.json")
    for source in (vocabulary, os.path.join(case, "prep.json")):
        for name, rows in load(source).items():
            tables.setdefault(name.split(".")[-1].lower(), []).extend(rows)
    for name, rows in tables.items():
        if rows:
            write(os.path.join(out, "cdm", name + ".csv"), rows)
    for name, rows in load(os.path.join(case, "verify.json")).items():
        rows.sort(key=lambda row: [str(value).zfill(12) for value in row.values()])
        write(os.path.join(out, "expected", name.split(".")[-1] + ".csv"), rows)


main()
