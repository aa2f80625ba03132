#!/usr/bin/env python3
"""Times Parcours and DuckDB side by side on the same synthetic deliveries. scripts/bench prepares and calls it.

bench.py --parcours BINARY --loader PYTHON --out DIR --delivery PEOPLE:core|all [...] [--ranks N] [--memory GIB]
         [--runs N] [--load-runs N] [--keep]

The python that runs this has the DuckDB that answers queries, PYTHON the DuckDB that makes the Parquet.

Both sides get the same cores (ranks, threads) and the same memory in all. Before a time counts, the answers are
compared. Short things are run in turn, Parcours, DuckDB, Parcours ..., and the median is shown.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import time

import check
import report

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
YEARS = (2018, 2020)
STUDIES = {"new_metformin": [f"year={YEARS[1]}"],
           "diabetes": [f"year={YEARS[1]}", f"first_year={YEARS[0]}", f"last_year={YEARS[1]}"],
           "cartographie/carte": [f"first_year={YEARS[1]}", f"last_year={YEARS[1]}"]}
MAP_SHARE = 72 / 5  # map.sql holds five of the map's cohorts, one statement each: its times stand for 72
QUERIES = ["atc_year", "amount", "nine_keys", "place_sex_age"]
IN_PROCESS_RUNS = 3  # of DuckDB: the first, then two with everything warm in the same process


class Failed(Exception):
    pass


def timed(command):
    """Runs it: wall seconds and its two outputs."""
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=TOP) as process:
        out, err = process.communicate()
    seconds = time.perf_counter() - began
    if process.returncode != 0:
        raise Failed(f"{' '.join(command)[:300]}\nfailed with exit code {process.returncode}:\n{err[-2000:]}")
    return seconds, out, err


def tree_bytes(folder):
    return sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(folder) for name in names)


class Parcours:
    def __init__(self, options):
        self.options = options
        over = ["--oversubscribe"] if options.ranks > (os.cpu_count() or 1) else []
        self.launch = ["mpirun", *over, "--quiet", "-n", str(options.ranks), options.parcours]
        self.memory = ["--memory", f"{options.memory * 1024 // options.ranks}M", "--progress", "never"]

    def call(self, *arguments):
        return timed([*self.launch, *arguments, *self.memory])

    def synth(self, people, columns, out):
        shutil.rmtree(out, ignore_errors=True)
        return self.call("synth", "--patients", str(people), "--years", f"{YEARS[0]}:{YEARS[1]}", "--seed", "1",
                         "--columns", columns, "--out", out)[0]

    def ingest(self, delivery, store):
        shutil.rmtree(store, ignore_errors=True)
        seconds, _, log = self.call("ingest", "--model", "snds", "--in", delivery, "--store", store)
        phases = {fields["phase"]: float(fields["seconds"]) for fields in report.log_lines(log, "ingest_phase")}
        peak = [int(fields["peak_mib"]) for fields in report.log_lines(log, "ingest_memory")]
        return {"process": seconds, "phases": phases, "peak_mib_per_rank": max(peak, default=0)}

    def query(self, store, name, csv, protected=True):
        gate = [] if protected else ["--unprotected"]
        return self.query_file(store, os.path.join(HERE, "queries", name + ".sql"), csv, *gate)

    def query_file(self, store, path, csv, *options):
        seconds, _, log = self.call("query", store, "--file", path, "--out", csv, *options)
        fields = report.log_lines(log, "query")[-1]
        engine = sum(float(fields[part]) for part in ("open_ms", "scan_ms", "reduce_ms", "finish_ms")) / 1e3
        return {"process": seconds, "engine": engine, "bytes_read": int(fields["bytes_read"])}

    def study(self, store, name, out):
        shutil.rmtree(out, ignore_errors=True)
        settings = [word for setting in STUDIES[name] for word in ("--set", setting)]
        path = os.path.join(TOP, "jobs", name + ".json")
        seconds, _, _ = self.call("run", path, "--store", store, "--out", out, *settings)
        with open(os.path.join(out, "manifest.json"), encoding="utf-8") as file:
            manifest = json.load(file)
        return {"process": seconds, "engine": sum(manifest["seconds"].values()), "stages": manifest["seconds"],
                "bytes_read": manifest["read"]["bytes"]}


class Duck:
    def __init__(self, options):
        self.arguments = [str(options.ranks), f"{options.memory}GiB"]

        self.loader = options.loader

    def call(self, *arguments, python=sys.executable):
        seconds, out, _ = timed([python, os.path.join(HERE, "duck.py"), *arguments])
        return seconds, json.loads(out)

    def load(self, delivery, parquet):
        seconds, result = self.call("load", delivery, parquet, *self.arguments, python=self.loader)
        return {"process": seconds, "engine": result["seconds"], "version": result["version"]}

    def count(self, parquet):
        return self.call("count", parquet, *self.arguments)[1]

    def run(self, parquet, sql, csv, times=1):
        cohorts = csv + ".cohorts"  # where a study leaves its files, as ours does
        os.makedirs(cohorts, exist_ok=True)
        years = [f"first_year={YEARS[0]}", f"last_year={YEARS[1]}", f"year={YEARS[1]}", f"cohorts={cohorts}"]
        seconds, result = self.call("run", parquet, os.path.join(HERE, sql), *self.arguments, str(IN_PROCESS_RUNS), csv,
                                    *years)
        runs = [times * run for run in result["seconds"]]
        started = seconds - sum(result["seconds"])
        return {"process": started + runs[0], "engine": min(runs[1:]), "first": runs[0]}


def settle(folder):
    """What was written is on disk and what will be read is in the page cache, as far as it fits."""
    os.sync()
    for at, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(at, name), "rb", buffering=0) as file:
                while file.read(1 << 22):
                    pass


def say(text):
    print(text, flush=True)


def in_turn(runs, ours, theirs, folder=None):
    """Each side `runs` times, one after the other; with a folder, that is settled before each."""
    times = {"parcours": [], "duckdb": []}
    for _ in range(runs):
        for side, work in (("parcours", ours), ("duckdb", theirs)):
            if folder is not None:
                settle(folder)
            times[side].append(work())
    return times


def bench_delivery(options, people, columns):
    """One delivery: everything about it, as a dictionary."""
    work = os.path.join(options.out, f"{people}-{columns}")
    os.makedirs(work, exist_ok=True)
    delivery, store, parquet = (os.path.join(work, name) for name in ("delivery", "store", "parquet"))
    ours, theirs = Parcours(options), Duck(options)
    result = {"people": people, "columns": columns}

    say(f"\n== {people} people, {columns} columns: synth")
    result["synth"] = [ours.synth(people, columns, delivery)]
    result["csv_bytes"] = tree_bytes(delivery)
    say(f"== {people} people, {columns} columns: CSV to store, CSV to Parquet ({result['csv_bytes'] / 1e9:.2f} GB)")
    result["load"] = in_turn(options.load_runs, lambda: ours.ingest(delivery, store),
                             lambda: theirs.load(delivery, parquet), delivery)
    settle(store)
    settle(parquet)
    result["store_bytes"] = tree_bytes(os.path.join(store, "shards")) + sum(
        os.path.getsize(os.path.join(store, name)) for name in os.listdir(store) if name.endswith((".h5", "store.json")))
    result["parquet_bytes"] = tree_bytes(parquet)
    result["rows"] = check.rows(os.path.join(store, "store.json"), theirs.count(parquet))

    result["work"] = {}
    csv = [os.path.join(work, "parcours.csv"), os.path.join(work, "duckdb.csv")]
    for name in QUERIES:
        say(f"== {people} people, {columns} columns: query {name}")
        ours.query(store, name, csv[0], protected=False)
        theirs.run(parquet, f"queries/{name}.sql", csv[1])
        check.same_rows(name, *csv)
        os.remove(csv[0])
        result["work"][name] = in_turn(options.runs, lambda n=name: ours.query(store, n, csv[0]),
                                       lambda n=name: theirs.run(parquet, f"queries/{n}.sql", csv[1]))
    studies = [("first_use", "new_metformin", check.first_use, 1), ("diabetes", "diabetes", check.diabetes, 1)]
    if columns == "core":  # the SQL of the map reads no hospital drugs
        studies.append(("map", "cartographie/carte", check.disease_map, MAP_SHARE))
    for name, study, look, times in studies:
        say(f"== {people} people, {columns} columns: study {study}")
        sql = "study.sql" if name == "diabetes" else f"{name}.sql"
        out = os.path.join(work, name)
        ours.study(store, study, out)
        theirs.run(parquet, sql, csv[1])
        look(os.path.join(out, "control"), csv[1], os.path.join(delivery, "truth.json"))
        result["work"][name] = in_turn(options.runs, lambda s=study, o=out: ours.study(store, s, o),
                                       lambda s=sql, t=times: theirs.run(parquet, s, csv[1], t))
    if not options.keep:
        shutil.rmtree(work)
    return result


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parcours", required=True)
    parser.add_argument("--loader", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--delivery", action="append", required=True, metavar="PEOPLE:core|all")
    parser.add_argument("--ranks", type=int, default=2, help="ranks, and threads of DuckDB")
    parser.add_argument("--memory", type=int, default=8, help="GiB of each side in all")
    parser.add_argument("--runs", type=int, default=5, help="of each query and study")
    parser.add_argument("--load-runs", type=int, default=1, help="of ingest")
    parser.add_argument("--keep", action="store_true", help="deliveries, stores and Parquet stay in --out")
    return parser.parse_args()


def main():
    options = read_options()
    options.out = os.path.abspath(options.out)
    options.parcours = os.path.abspath(options.parcours)
    os.makedirs(options.out, exist_ok=True)
    run = {"machine": report.machine(), "versions": report.versions(options.parcours, options.loader),
           "ranks": options.ranks, "memory_gib": options.memory, "command": " ".join(sys.argv[1:]), "deliveries": []}
    try:
        for delivery in options.delivery:
            people, columns = delivery.split(":")
            run["deliveries"].append(bench_delivery(options, int(people), columns))
            with open(os.path.join(options.out, "bench.json"), "w", encoding="utf-8") as file:
                json.dump(run, file, indent=1)
    except (Failed, check.Different) as failure:
        sys.exit(f"bench: {failure}")
    text = report.markdown(run)
    with open(os.path.join(options.out, "bench.md"), "w", encoding="utf-8") as file:
        file.write(text)
    say("\n" + text + f"\n{options.out}/bench.json, {options.out}/bench.md")


if __name__ == "__main__":
    main()
