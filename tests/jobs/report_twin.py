"""The delivery report counted again from the CSV files of a clean delivery, by plain loops.

usage: report_twin.py MODEL.json DELIVERY STORE
"""

import csv
import datetime
import fnmatch
import json
import os
import sys

csv.field_size_limit(1 << 24)


def table_of(model, name):
    for table, spec in model["tables"].items():
        for pattern in spec["files"]:
            for year in ("[0-9][0-9][0-9][0-9]", "[0-9][0-9]"):
                shape = pattern.replace("{yyyy}", year).replace("{yy}", year)
                if fnmatch.fnmatch(name.upper(), shape.upper()):
                    return table
    return None


def columns_of(spec):
    """name: (type, null marks, nomenclature)"""
    out = {}
    for line in spec["columns"]:
        words = line.split(" : ")[0].split()
        attribute = dict(w.split("=", 1) for w in words[2:] if "=" in w)
        out[words[0]] = (words[1], attribute.get("null", "").split(","), attribute.get("codes"))
    return out


def value_of(text, kind, marks):
    """None where it is null; numbers as numbers, so that zero padding makes no difference."""
    text = text.strip(" ")
    if text == "" or text in marks:
        return None
    if kind.startswith("int"):
        number = int(text.split(".")[0].split(",")[0])
        return None if any(m.isdigit() and int(m) == number for m in marks) else number
    return text


def month_of(text):
    for form in ("%Y-%m-%d", "%d/%m/%Y", "%d%b%Y:%H:%M:%S", "%d%b%Y"):
        try:
            return datetime.datetime.strptime(text[:18], form).strftime("%Y-%m")
        except ValueError:
            pass
    raise ValueError("a day of another form")


def shown(count):
    return "1-10" if 1 <= count <= 10 else count


def read_rows(model, folder):
    rows = {}
    for name in sorted(os.listdir(folder)):
        table = table_of(model, name)
        if table is None:
            continue
        with open(os.path.join(folder, name), encoding="utf-8-sig", newline="") as file:
            rows.setdefault(table, []).extend(csv.DictReader(file, delimiter=model["delimiter"]))
    return rows


def main():
    model_file, folder, store = sys.argv[1:]
    model = json.load(open(model_file, encoding="utf-8"))
    with open(os.path.join(store, "reports", "0000.json"), encoding="utf-8") as file:
        report = json.load(file)["tables"]
    rows = read_rows(model, folder)
    wrong = []
    checked = 0

    def compare(what, found, expected):
        nonlocal checked
        checked += 1
        if found != expected:
            wrong.append(f"{what}: {found}, expected {expected}")

    compare("tables", sorted(report), sorted(rows))
    for table, lines in rows.items():
        spec = model["tables"][table]
        told = report[table]
        compare(f"{table} rows", told["rows_stored"], len(lines))
        for name, (kind, marks, codes) in columns_of(spec).items():
            if name not in told["nulls"]:
                continue
            values = [value_of(line.get(name) or "", kind, marks) for line in lines]
            compare(f"{table}.{name} nulls", told["nulls"][name], sum(v is None for v in values))
            if name not in told["outside_nomenclature"]:
                continue
            there, column = codes.split(".")
            listed = {value_of(r[column], *columns_of(model["tables"][there])[column][:2]) for r in rows[there]}
            outside = sum(v is not None and v not in listed for v in values)
            compare(f"{table}.{name} outside", told["outside_nomenclature"][name], shown(outside))
        for key, column in (("flow_months", spec.get("flow")), ("care_months", (spec.get("dates") or [None])[0])):
            if column is None:
                continue
            months = {}
            for line in lines:
                text = (line.get(column) or "").strip()
                if text and text != "1600-01-01":
                    month = month_of(text)
                    months[month] = months.get(month, 0) + 1
            compare(f"{table} {key}", told[key], {m: shown(n) for m, n in sorted(months.items())})
    print("\n".join(wrong[:20]) or f"{checked} counts agree")
    return 1 if wrong else 0


sys.exit(main())
