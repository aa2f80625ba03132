#!/usr/bin/env python3
"""The DuckDB side of scripts/bench, one process a call; prints one JSON line.

duck.py load DELIVERY PARQUET THREADS MEMORY        CSV to sorted Parquet, patients resolved
duck.py run PARQUET SQL_FILE THREADS MEMORY RUNS CSV [name=value ...]
                                                    runs the file RUNS times, writes the rows of its last statement
duck.py count PARQUET THREADS MEMORY                rows of each table
"""
import csv
import glob
import json
import os
import shutil
import sys
import time

import duckdb

import delivery

HERE = os.path.dirname(os.path.abspath(__file__))


def connect(threads, memory, scratch):
    connection = duckdb.connect()
    connection.execute(f"SET threads = {threads}")
    connection.execute(f"SET memory_limit = '{memory}'")
    connection.execute(f"SET temp_directory = '{scratch}'")
    connection.execute("SET preserve_insertion_order = false")
    return connection


def load(folder, out, threads, memory):
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    scratch = out + ".scratch"
    connection = connect(threads, memory, scratch)
    began = time.perf_counter()
    views = delivery.views(folder)
    for sql in views.values():
        connection.execute(sql)
    with open(os.path.join(HERE, "load.sql"), encoding="utf-8") as file:
        connection.execute(file.read().replace("{out}", out))
    for name in views:  # what load.sql did not write: the reference tables
        path = f"{out}/{name}.parquet"
        if not os.path.exists(path):
            connection.execute(f"COPY (FROM raw_{name}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
    seconds = time.perf_counter() - began
    shutil.rmtree(scratch, ignore_errors=True)
    return {"seconds": seconds, "version": duckdb.__version__}


def open_parquet(folder, threads, memory):
    connection = connect(threads, memory, folder + ".scratch")
    for path in sorted(glob.glob(os.path.join(folder, "*.parquet"))):
        name = os.path.basename(path).split(".")[0]
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM '{path}'")
    connection.execute("CREATE MACRO band(x, width) AS (x - x % width) || '-' || (x - x % width + width - 1)")
    return connection


def run(folder, sql_file, threads, memory, runs, out, settings):
    connection = open_parquet(folder, threads, memory)
    with open(sql_file, encoding="utf-8") as file:
        text = file.read()
    for name, value in settings.items():
        text = text.replace("{" + name + "}", value)
    seconds = []
    for _ in range(runs):
        began = time.perf_counter()
        rows = connection.execute(text).fetchall()
        seconds.append(time.perf_counter() - began)
    names = [column[0] for column in connection.description]
    with open(out, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)
    return {"seconds": seconds}


def count(folder, threads, memory):
    connection = open_parquet(folder, threads, memory)
    names = [row[0] for row in connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()]
    return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}


def main():
    command, arguments = sys.argv[1], sys.argv[2:]
    if command == "load":
        result = load(arguments[0], arguments[1], int(arguments[2]), arguments[3])
    elif command == "run":
        settings = dict(word.split("=", 1) for word in arguments[6:])
        result = run(arguments[0], arguments[1], int(arguments[2]), arguments[3], int(arguments[4]), arguments[5],
                     settings)
    elif command == "count":
        result = count(arguments[0], int(arguments[1]), arguments[2])
    else:
        sys.exit(__doc__)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
