"""The tables of a run, and what it was run on."""
import os
import platform
import re
import statistics
import subprocess

import duckdb

TITLES = {
    "atc_year": "lines, boxes and patients per ATC code and year",
    "amount": "sum of one amount, valid claims",
    "nine_keys": "drug lines to claims on the nine columns of the key",
    "place_sex_age": "département, sex and age band of claims",
    "first_use": "first metformin after a year without (jobs/new_metformin.json)",
    "diabetes": "the diabetes study (jobs/diabetes.json)",
    "map": "the disease map (jobs/cartographie/carte.json; DuckDB: 72 fifths of five cohorts' statements)",
}


def log_lines(log, event):
    """The key=value fields of each line of that event in a text log."""
    found = []
    for line in log.splitlines():
        words = line.split()
        if event in words[:5]:
            found.append(dict(word.split("=", 1) for word in words if "=" in word))
    return found


def first_match(path, pattern):
    try:
        with open(path, encoding="utf-8") as file:
            match = re.search(pattern, file.read(), re.MULTILINE)
    except OSError:
        return "unknown"
    return match.group(1).strip() if match else "unknown"


def machine():
    memory = first_match("/proc/meminfo", r"^MemTotal:\s+(\d+)")
    return {"cpu": first_match("/proc/cpuinfo", r"^model name\s*:\s*(.*)$"), "cores": os.cpu_count(),
            "memory_gib": round(int(memory) / 1024 / 1024, 1) if memory.isdigit() else memory,
            "system": first_match("/etc/os-release", r'^PRETTY_NAME="?([^"\n]*)'), "kernel": platform.release()}


def said(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def versions(parcours, loader):
    return {"parcours": said(parcours, "--version"), "duckdb": duckdb.__version__,
            "duckdb_load": said(loader, "-c", "import duckdb; print(duckdb.__version__)")}


def median(runs, key):
    return statistics.median(run[key] for run in runs)


def seconds(value):
    if value < 1:
        return f"{value * 1e3:.0f} ms"
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} s"


def spread(runs, key):
    low, high = min(run[key] for run in runs), max(run[key] for run in runs)
    return f"{seconds(median(runs, key))} ({seconds(low)} to {seconds(high)})" if len(runs) > 1 else seconds(low)


def ratio(ours, theirs):
    return f"{theirs / ours:.2f}" if ours > 0 else "-"


def delivery_lines(delivery):
    load, work = delivery["load"], delivery["work"]
    columns = "core columns" if delivery["columns"] == "core" else "all columns"
    gigabytes = delivery["csv_bytes"] / 1e9
    yield f"### {delivery['people']:,} people, {columns}: {gigabytes:.2f} GB of CSV, {delivery['rows']:,} rows"
    yield ""
    yield f"Made by `parcours synth` in {seconds(delivery['synth'][0])}."
    yield ""
    yield "| whole process | Parcours | DuckDB | DuckDB / Parcours |"
    yield "| --- | --- | --- | --- |"
    ours, theirs = load["parcours"], load["duckdb"]
    yield (f"| CSV to store, CSV to Parquet | {spread(ours, 'process')} | {spread(theirs, 'process')} | "
           f"{ratio(median(ours, 'process'), median(theirs, 'process'))} |")
    for name, runs in work.items():
        ours, theirs = runs["parcours"], runs["duckdb"]
        yield (f"| {TITLES[name]} | {spread(ours, 'process')} | {spread(theirs, 'process')} | "
               f"{ratio(median(ours, 'process'), median(theirs, 'process'))} |")
    yield (f"| bytes stored | {delivery['store_bytes'] / 1e6:.1f} MB | {delivery['parquet_bytes'] / 1e6:.1f} MB | "
           f"{ratio(delivery['store_bytes'], delivery['parquet_bytes'])} |")
    yield ""
    yield "| engine only | Parcours | DuckDB, warm | DuckDB / Parcours | DuckDB, first |"
    yield "| --- | --- | --- | --- | --- |"
    for name, runs in work.items():
        ours, theirs = runs["parcours"], runs["duckdb"]
        yield (f"| {TITLES[name]} | {spread(ours, 'engine')} | {spread(theirs, 'engine')} | "
               f"{ratio(median(ours, 'engine'), median(theirs, 'engine'))} | {seconds(median(theirs, 'first'))} |")
    phases = load["parcours"][-1]["phases"]
    yield ""
    yield ("Ingest by phase: " + ", ".join(f"{name} {seconds(value)}" for name, value in phases.items())
           + f"; at most {load['parcours'][-1]['peak_mib_per_rank']} MiB of budget a rank.")
    yield ""


def markdown(run):
    machine_, versions_ = run["machine"], run["versions"]
    lines = [f"{machine_['cpu']}, {machine_['cores']} cores, {machine_['memory_gib']} GiB; {machine_['system']}, "
             f"Linux {machine_['kernel']}. {versions_['parcours']}; DuckDB {versions_['duckdb']} (the Parquet: "
             f"{versions_['duckdb_load']}). {run['ranks']} ranks against "
             f"{run['ranks']} threads, {run['memory_gib']} GiB of memory each side in all, page cache warm.", ""]
    for delivery in run["deliveries"]:
        lines += delivery_lines(delivery)
    return "\n".join(lines)
