#!/usr/bin/env python3
"""The DuckDB side of scripts/bench, one process a call; prints one JSON line.

duck.py load DELIVERY PARQUET THREADS MEMORY        CSV to sorted Parquet, patients resolved
duck.py run PARQUET SQL_FILE THREADS MEMORY RUNS CSV [name=value ...]
                                                    runs the file RUNS times, writes the rows of its last statement
duck.py native PARQUET FILE THREADS MEMORY          tables of DuckDB's own, in one file, from the Parquet
duck.py count PARQUET THREADS MEMORY                rows of each table

PARQUET of run may be such a file.
"""
import csv
import glob
import json
import os
import re
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


SORTED = re.compile(r"COPY \((.*)ORDER BY patient, event_date\s*\) TO '\{out\}/(\w+)\.parquet'", re.DOTALL)
SORTED_SHARE = 0.65  # of the memory: the CSV bytes that DuckDB 1.5.6 sorts at once; beyond it ends out of memory


class Loader:
    """Runs the statements of load.sql. What is too large to be sorted at once is first dealt out into slices of the
    patients' hash, on disk, and each slice is sorted: the files of a table, in order, are sorted as a whole."""

    def __init__(self, connection, out, scratch, csv_bytes, memory_bytes):
        self.connection, self.out, self.scratch = connection, out, scratch
        self.csv_bytes = csv_bytes  # by table
        self.most_bytes = SORTED_SHARE * memory_bytes

    def place(self, statement):
        """The statement with the names of files: of a table in slices all of them."""
        for folder in glob.glob(f"{self.out}/*/"):
            name = os.path.basename(folder[:-1])
            statement = statement.replace("FROM '{out}/" + name + ".parquet'", f"FROM '{folder}*.parquet'")
        return statement.replace("{out}", self.out)

    def run(self, statement):
        match = SORTED.search(statement)
        bits = 0
        while match and self.csv_bytes.get(match[2], 0) > self.most_bytes * 2 ** bits:
            bits += 1
        if bits == 0:
            self.connection.execute(self.place(statement))
            return
        body, name = self.place(match[1]), match[2]
        dealt = os.path.join(self.scratch, name)
        os.makedirs(dealt)
        os.makedirs(os.path.join(self.out, name))
        last = 2 ** bits  # rows of nobody
        self.connection.execute(f"COPY (SELECT *, COALESCE(patient >> {64 - bits}, {last}) AS slice FROM ({body})) "
                                f"TO '{dealt}' (FORMAT parquet, PARTITION_BY (slice), OVERWRITE_OR_IGNORE)")
        for number in range(last + 1):
            part = os.path.join(dealt, f"slice={number}")
            if not os.path.isdir(part):
                continue
            self.connection.execute(
                f"COPY (SELECT * EXCLUDE (slice) FROM read_parquet('{part}/*.parquet', hive_partitioning = true) "
                f"ORDER BY patient, event_date) "
                f"TO '{self.out}/{name}/{number:03d}.parquet' (FORMAT parquet, COMPRESSION zstd)")
        shutil.rmtree(dealt)


def size_in_bytes(text):
    return int(text[:-3]) << {"MiB": 20, "GiB": 30}[text[-3:]]


def load(folder, out, threads, memory):
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    scratch = out + ".scratch"
    os.makedirs(scratch, exist_ok=True)
    connection = connect(threads, memory, scratch)
    began = time.perf_counter()
    views, others, csv_bytes = delivery.views(folder)
    for sql in views.values():
        connection.execute(sql)
    loader = Loader(connection, out, scratch, csv_bytes, size_in_bytes(memory))
    with open(os.path.join(HERE, "load.sql"), encoding="utf-8") as file:
        for statement in file.read().split(";\n"):
            if statement.strip():
                loader.run(statement)
    for statement in others:  # the tables of patients that load.sql does not name
        loader.run(statement)
    for name in views:  # what is left: the reference tables
        if not os.path.exists(f"{out}/{name}.parquet") and not os.path.exists(f"{out}/{name}"):
            connection.execute(f"COPY (FROM raw_{name}) TO '{out}/{name}.parquet' (FORMAT parquet, COMPRESSION zstd)")
    seconds = time.perf_counter() - began
    shutil.rmtree(scratch, ignore_errors=True)
    return {"seconds": seconds, "version": duckdb.__version__}


BAND = "CREATE TEMP MACRO band(x, width) AS (x - x % width) || '-' || (x - x % width + width - 1)"


def open_parquet(folder, threads, memory):
    connection = connect(threads, memory, folder + ".scratch")
    if os.path.isfile(folder):
        connection.execute(f"ATTACH '{folder}' AS native (READ_ONLY)")
        connection.execute("USE native")
        connection.execute(BAND)
        return connection
    for path in sorted(glob.glob(os.path.join(folder, "*"))):
        name = os.path.basename(path).split(".")[0]
        files = path + "/*.parquet" if os.path.isdir(path) else path
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM '{files}'")
    connection.execute(BAND)
    return connection


def make_native(folder, path, threads, memory):
    connection = open_parquet(folder, threads, memory)
    connection.execute("SET preserve_insertion_order = true")  # sorted as the Parquet is
    connection.execute(f"ATTACH '{path}' AS native")
    names = connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
    for (name,) in names:
        connection.execute(f"CREATE TABLE native.{name} AS FROM {name}")
    connection.execute("DETACH native")
    return {"tables": len(names)}


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
    elif command == "native":
        result = make_native(arguments[0], arguments[1], int(arguments[2]), arguments[3])
    elif command == "count":
        result = count(arguments[0], int(arguments[1]), arguments[2])
    else:
        sys.exit(__doc__)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
