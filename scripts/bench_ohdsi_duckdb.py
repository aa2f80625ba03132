#!/usr/bin/env python3
"""Usage: bench_ohdsi_duckdb.py CDM_FOLDER COHORT_CSV THREADS DEFINITION.json...
Runs the SQL of cohort definitions on DuckDB, one after the other as OHDSI's tools do, and compares the rows of
each with those of COHORT_CSV. The SQL is written by ohdsi-circepy, an implementation of Circe in Python that
is not ours; it is translated to DuckDB's by its own copy of SqlRender. Loading the CDM and writing the
SQL are not counted.
Needs the packages duckdb and ohdsi-circepy. Prints a line a definition, then the sum of seconds."""
import collections
import csv
import os
import sys
import time

import duckdb
from circe.api import build_cohort_query, cohort_expression_from_json
from circe.cohortdefinition import BuildExpressionQueryOptions
from circe.sqlrender import render, split_sql, translate

INTEGERS = {"year_of_birth", "days_supply", "refills", "gap_days", "drug_exposure_count", "condition_occurrence_count"}
NUMBERS = {"value_as_number", "range_low", "range_high", "quantity", "dose_value"}
TEXTS = {"unique_device_id", "specimen_source_id", "relationship_id", "domain_id", "vocabulary_id", "concept_class_id"}


def type_of(column):
    if column in TEXTS:
        return "VARCHAR"
    if column in INTEGERS:
        return "INTEGER"
    if column in NUMBERS:
        return "DOUBLE"
    return "BIGINT" if column.endswith("_id") or "_id_" in column else "DATE" if column.endswith("_date") else "VARCHAR"


def load(db, folder):
    for file in sorted(os.listdir(folder)):
        path = os.path.join(folder, file)
        with open(path, newline="", encoding="utf-8") as text:
            names = next(csv.reader(text))
        types = ", ".join("'%s': '%s'" % (n, type_of(n)) for n in names)
        db.execute("CREATE TABLE cdm.%s AS SELECT * FROM read_csv('%s', header = true, columns = {%s})"
                   % (file.removesuffix(".csv"), path, types))


def sql_of(path, number):
    options = BuildExpressionQueryOptions()
    options.cdm_schema = options.vocabulary_schema = "cdm"
    options.target_table, options.result_schema, options.cohort_id = "results.cohort", "results", number
    with open(path, encoding="utf-8") as file:
        expression = cohort_expression_from_json(file.read())
    return [s for s in split_sql(translate(render(build_cohort_query(expression, options)), "duckdb")) if s.strip()]


def rows_by_definition(path, wanted):
    rows = collections.defaultdict(list)
    with open(path, encoding="utf-8") as file:
        next(file)
        for line in file:
            number, row = line.rstrip("\n").split(",", 1)
            if int(number) in wanted:
                rows[int(number)].append(row)
    return rows


def main():
    folder, cohort_csv, threads, paths = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:]
    number_of = {path: int(os.path.basename(path).removesuffix(".json")) for path in paths}
    ours = rows_by_definition(cohort_csv, set(number_of.values()))
    db = duckdb.connect()
    db.execute("SET threads = %d" % threads)
    db.execute("CREATE SCHEMA cdm; CREATE SCHEMA results")
    began = time.time()
    load(db, folder)
    print("DuckDB %s, %d threads, CDM loaded in %.1f s" % (duckdb.__version__, threads, time.time() - began), flush=True)
    db.execute("CREATE TABLE results.cohort (cohort_definition_id BIGINT, subject_id BIGINT, "
               "cohort_start_date DATE, cohort_end_date DATE)")
    seconds, same, failed = 0.0, 0, 0
    for path, number in number_of.items():
        try:
            statements = sql_of(path, number)
            began = time.time()
            for statement in statements:
                db.execute(statement)
        except Exception as problem:  # a definition that the other implementation cannot run is told, not counted
            print("%d: not run: %s" % (number, str(problem).splitlines()[0]), flush=True)
            for (table,) in db.execute("SELECT table_name FROM duckdb_tables() WHERE temporary").fetchall():
                db.execute("DROP TABLE %s" % table)
            failed += 1
            continue
        took = time.time() - began
        found = db.execute("SELECT subject_id || ',' || cohort_start_date || ',' || cohort_end_date FROM results.cohort "
                           "WHERE cohort_definition_id = %d" % number).fetchall()
        equal = sorted(r[0] for r in found) == sorted(ours[number])
        seconds += took
        same += equal
        print("%d: %.2f s, %d rows, %s" % (number, took, len(found),
                                         "the same" if equal else "OTHER than ours (%d rows)" % len(ours[number])), flush=True)
    ran = len(number_of) - failed
    print("%d definitions: %.1f s, %.2f s each; %d with the same rows, %d not run" % (ran, seconds, seconds / max(ran, 1), same, failed))
    return 0


sys.exit(main())
