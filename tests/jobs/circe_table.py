#!/usr/bin/env python3
"""Compares a table of statistics with the expected one of a Circe case by the columns that the case names.
usage: circe_table.py FOUND.csv EXPECTED.csv
Exit code 0: the same rows; values compare as numbers where they are."""
import csv
import sys


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def main():
    found, expected = rows(sys.argv[1]), rows(sys.argv[2])
    names = list(expected[0]) if expected else []
    pick = lambda row: tuple(int(row[name]) for name in names)
    if sorted(map(pick, found)) == sorted(map(pick, expected)):
        return 0
    print("found", sorted(map(pick, found)), "expected", sorted(map(pick, expected)))
    return 1


sys.exit(main())
