#!/usr/bin/env python3
"""Times all queries of bench_duckdb/queries on Parcours and on DuckDB, over Parquet sorted by patient and over DuckDB's
own tables. scripts/bench query prepares and calls it.

query.py --parcours BINARY --loader PYTHON --out DIR --people N [--ranks N] [--memory GIB] [--runs N] [--keep]
         [--polars PYTHON]

The sides take turns, everything in the page cache; medians. Engine: inside the process, for DuckDB the better of its
second and third run. The ratio is that of engine times, to the better of DuckDB's two. A query counts when the rows of
all three are the same; one that differs is shown without a ratio and the exit code is 1.

What limits a query: the bytes that it read beside the stored bytes of all columns that it names, and the time in which
Parcours only decodes these columns (a count of each) as a share of the query's engine time."""
import argparse
import json
import math
import os
import re
import shutil
import statistics
import subprocess
import sys

import bench
import check
import report

HERE = os.path.dirname(os.path.abspath(__file__))


def names():
    return sorted(name[:-4] for name in os.listdir(os.path.join(HERE, "queries")) if name.endswith(".sql"))


def prepare(options, ours, theirs):
    """The delivery, the store, the Parquet and DuckDB's tables, unless --keep left them."""
    work = os.path.join(options.out, f"query-{options.people}")
    os.makedirs(work, exist_ok=True)
    delivery, store, parquet, native = (os.path.join(work, name)
                                        for name in ("delivery", "store", "parquet", "native.duckdb"))
    if not os.path.exists(native):
        bench.say(f"== {options.people} people: synth, ingest, Parquet, tables of DuckDB")
        ours.synth(options.people, "core", delivery)
        ours.ingest(delivery, store)
        theirs.load(delivery, parquet)
        theirs.call("native", parquet, native + ".part", *theirs.arguments)
        os.rename(native + ".part", native)
    for folder in (store, parquet):
        bench.settle(folder)
    with open(native, "rb", buffering=0) as file:
        while file.read(1 << 22):
            pass
    return work, store, parquet, native


def is_same(name, csv):
    """Whether the three answers are the same; says which is not."""
    try:
        check.same_rows(name, csv["parcours"], csv["parquet"])
        check.same_rows(name + " (own tables)", csv["parcours"], csv["native"])
    except check.Different as different:
        bench.say(str(different))
        return False
    return True


def counts_of_columns(parcours, store, name):
    """For each table of a query that the plan reads, a query that counts each column that it reads."""
    with open(os.path.join(HERE, "queries", name + ".sql"), encoding="utf-8") as file:
        plan = subprocess.run([parcours, "explain", "--store", store, file.read()], check=True, capture_output=True,
                              text=True).stdout
    columns = {}
    for table, names in re.findall(r"^ *(\w+): .*; columns: (.*)$", plan, re.MULTILINE):
        if not table.startswith("IR_"):  # those are in memory
            columns.setdefault(table, set()).update(set(names.split()) - {"patient", "is_patient"})
    return [f"SELECT {', '.join(f'count({column})' for column in sorted(some))} FROM {table}"
            for table, some in sorted(columns.items()) if some]


def decode_only(options, ours, store, name, csv):
    """Engine time and bytes of reading the columns of a query and doing nothing with them."""
    path = csv + ".sql"
    seconds, read = 0.0, 0
    for text in counts_of_columns(options.parcours, store, name):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        runs = [ours.query_file(store, path, csv, "--unprotected") for _ in range(options.runs)]
        seconds += statistics.median(run["engine"] for run in runs)
        read += runs[0]["bytes_read"]
        os.remove(path)
    return seconds, read


def time_query(options, name, sides, csv):
    sql = f"queries/{name}.sql"
    ours, theirs, places = sides["ours"], sides["theirs"], sides["places"]
    checked = ours.query(places["parcours"], name, csv["parcours"], protected=False)
    for side in ("parquet", "native"):
        theirs.run(places[side], sql, csv[side])
    same = is_same(name, csv)
    os.replace(csv["parcours"], os.path.join(os.path.dirname(csv["parcours"]), name + ".ours.csv"))
    times = {side: [] for side in csv}
    for _ in range(options.runs):
        times["parcours"].append(ours.query(places["parcours"], name, csv["parcours"]))
        for side in ("parquet", "native"):
            times[side].append(theirs.run(places[side], sql, csv[side]))
    row = {"name": name, "same": same, "bytes_read": checked["bytes_read"]}
    row["decode_engine"], row["column_bytes"] = decode_only(options, ours, places["parcours"], name, csv["parcours"])
    for side, all_times in times.items():
        for kind in ("engine", "process"):
            row[f"{side}_{kind}"] = statistics.median(one[kind] for one in all_times)
    row["ratio"] = min(row["parquet_engine"], row["native_engine"]) / row["parcours_engine"]
    row["process_ratio"] = min(row["parquet_process"], row["native_process"]) / row["parcours_process"]
    return row


def polars_lines(options, parquet, work, rows):
    """The queries that polars_side.py has, beside ours: reported, no bar."""
    environment = {**os.environ, "POLARS_MAX_THREADS": str(options.ranks)}
    run = subprocess.run([options.polars, os.path.join(HERE, "polars_side.py"), parquet, work], env=environment,
                         capture_output=True, text=True)
    if run.returncode != 0:
        return ["", "Polars failed: " + (run.stderr.strip().splitlines() or ["no message"])[-1]]
    theirs = json.loads(run.stdout)
    lines = ["", f"| query | Parcours | Polars {theirs['version']}, Parquet | ratio |", "| --- | --- | --- | --- |"]
    for row in rows:
        if row["name"] in theirs["seconds"]:
            csv = [os.path.join(work, row["name"] + end) for end in (".ours.csv", ".csv")]
            seconds = theirs["seconds"][row["name"]]
            try:
                check.same_rows(row["name"], *csv)
                ratio = f"{seconds / row['parcours_engine']:.1f}"
            except check.Different:
                ratio = "differs"
            lines.append(f"| {row['name']} | {row['parcours_engine'] * 1e3:.1f} | {seconds * 1e3:.1f} | {ratio} |")
    return lines


def mean(rows, key):
    return math.exp(statistics.fmean(math.log(row[key]) for row in rows))


def markdown(options, rows):
    """The table of the times in milliseconds."""
    lines = [f"{options.people} people, core columns, {options.ranks} ranks, {options.ranks} threads; ms", "",
             "| query | Parcours | DuckDB, Parquet | DuckDB, own tables | ratio | processes: Parcours | DuckDB, best |"
             " ratio | MB read | MB of its columns | decode only | share |",
             "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
    for row in rows:
        best = min(row["parquet_process"], row["native_process"])
        ratios = [f"{row[key]:.1f}" if row["same"] else "differs" for key in ("ratio", "process_ratio")]
        lines.append(f"| {row['name']} | {row['parcours_engine'] * 1e3:.1f} | {row['parquet_engine'] * 1e3:.1f} | "
                     f"{row['native_engine'] * 1e3:.1f} | {ratios[0]} | {row['parcours_process'] * 1e3:.0f} | "
                     f"{best * 1e3:.0f} | {ratios[1]} | {row['bytes_read'] / 1e6:.1f} | "
                     f"{row['column_bytes'] / 1e6:.1f} | {row['decode_engine'] * 1e3:.1f} | "
                     f"{row['decode_engine'] / row['parcours_engine']:.0%} |")
    good = [row for row in rows if row["same"]]
    if good:
        lines.append(f"| geometric mean of {len(good)} | | | | {mean(good, 'ratio'):.1f} | | | "
                     f"{mean(good, 'process_ratio'):.1f} | | | | |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parcours", required=True)
    parser.add_argument("--loader", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--people", type=int, default=300000)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--memory", type=int, default=8, help="GiB of each side in all")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--polars", help="a Python that has Polars: four queries are timed with it too")
    parser.add_argument("--keep", action="store_true", help="the data stays in --out, and is used again")
    options = parser.parse_args()
    options.parcours = os.path.abspath(options.parcours)
    options.out = os.path.abspath(options.out)
    ours, theirs = bench.Parcours(options), bench.Duck(options)
    rows = []
    try:
        work, store, parquet, native = prepare(options, ours, theirs)
        sides = {"ours": ours, "theirs": theirs, "places": {"parcours": store, "parquet": parquet, "native": native}}
        csv = {side: os.path.join(work, side + ".csv") for side in ("parcours", "parquet", "native")}
        for name in names():
            rows.append(time_query(options, name, sides, csv))
            bench.say(f"{name:24} {rows[-1]['ratio']:6.1f}")
        also = polars_lines(options, parquet, work, rows) if options.polars else []
    except bench.Failed as failure:
        sys.exit(f"bench: {failure}")
    result = {"machine": report.machine(), "people": options.people, "ranks": options.ranks, "queries": rows}
    with open(os.path.join(options.out, "query.json"), "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
    text = markdown(options, rows) + "".join(line + "\n" for line in also)
    with open(os.path.join(options.out, "query.md"), "w", encoding="utf-8") as file:
        file.write(text)
    if not options.keep:
        shutil.rmtree(work)
    bench.say("\n" + text + f"\n{options.out}/query.json, {options.out}/query.md")
    sys.exit(0 if all(row["same"] for row in rows) else 1)


if __name__ == "__main__":
    main()
