#!/usr/bin/env python3
"""What a clean delivery with all columns promises, checked from the model alone: every row of a table
with a parent has its parent, keys are unique, and the rows of a person name her.

usage: synth_tables.py DELIVERY MODEL
"""
import csv
import json
import os
import re
import sys

ROWLESS = {"ER_ANO_F"}  # tables whose rows may repeat in all columns


def year_of(pattern, name):
    """The year in a file's name (0: none), or None when the pattern is another table's."""
    text = re.escape(pattern).replace(r"\{yyyy\}", r"(?P<y>\d{4})").replace(r"\{yy\}", r"(?P<y>\d\d)")
    found = re.fullmatch(text.replace(r"\*", ".*"), name)
    return None if found is None else int(found.groupdict().get("y") or 0) % 100


def read(folder, tables):
    """{table: [(year, {column: text})]}"""
    rows = {name: [] for name in tables}
    for file in sorted(os.listdir(folder)):
        for name, table in tables.items():
            years = [y for y in (year_of(p, file) for p in table["files"]) if y is not None]
            if not years:
                continue
            with open(os.path.join(folder, file), encoding="utf-8", newline="") as text:
                rows[name] += [(years[0], row) for row in csv.DictReader(text, delimiter=";")]
            break
    return rows


def key_of(columns, year, row):
    return tuple(year if column == "file_year" else row[column].lstrip("0") for column in columns)


def main():
    folder, model_path = sys.argv[1:3]
    with open(model_path, encoding="utf-8") as file:
        model = json.load(file)
    tables = model["tables"]
    rows = read(folder, tables)
    keys, children, filled = {}, 0, 0
    for name, table in tables.items():
        filled += bool(rows[name])
        if not table.get("primary") or name in ROWLESS:
            continue
        keys[name] = {key_of(table["primary"], *row) for row in rows[name]}
        assert len(keys[name]) == len(rows[name]), f"{name}: a key twice"
    for name, table in tables.items():
        patient = table.get("patient", {})
        if patient.get("path") == "key":
            parent = model["keys"][patient["parent"]]["table"]
            for row in rows[name]:
                assert key_of(tables[parent]["primary"], *row) in keys[parent], f"{name}: a row without its {parent}"
                children += 1
    persons = {row["BEN_IDT_ANO"] for table in ("IR_BEN_R", "IR_BEN_R_ARC") for _, row in rows[table]}
    for name, table in tables.items():
        patient = table.get("patient", {})
        if patient.get("path") == "direct":
            assert all(row[patient["person"]] in persons | {""} for _, row in rows[name]), f"{name}: an unknown person"
    print(f"{os.path.basename(folder)}: {filled} of {len(tables)} tables have rows, {children} rows have their parent")
    assert filled >= len(tables) - 8, "tables without rows"


if __name__ == "__main__":
    main()
