#!/usr/bin/env python3
"""Usage: scripts/bench ingest [--people 5000,20000,80000] [--ranks 1,2,4] [--memory SIZE] [--columns core|all]
                          [--delivery DIR] [--parcours BINARY] [--out DIR]

How the ingest grows: deliveries of 1, 4 and 16 times as many people, each on 1, 2 and 4 ranks, with --memory (2G) a
rank; or one --delivery that is there. For each load: time, CSV a second, the most memory that a rank took by its own
count and by the system's, what was spilled, what ranks sent to each other, and the phases. Stores of one delivery must
be the same bytes on any number of ranks. DIR (build/bench_ingest) keeps ingest.json and ingest.md; deliveries and
stores are removed. 80,000 people with core columns need 9 GB of disk.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PHASES = ["plan", "read", "dictionaries", "identity", "resolve", "write", "finish"]


def die(text):
    sys.exit(f"bench ingest: {text}")


def numbers(text):
    try:
        found = [int(word) for word in text.split(",")]
    except ValueError:
        found = [0]
    if min(found) < 1:
        raise argparse.ArgumentTypeError(f"'{text}': expected numbers above 0, as 1,2,4")
    return found


def options():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[0].removeprefix("Usage: "))
    parser.add_argument("--people", type=numbers, default=[5000, 20000, 80000])
    parser.add_argument("--ranks", type=numbers, default=[1, 2, 4])
    parser.add_argument("--memory", default="2G")
    parser.add_argument("--columns", choices=["core", "all"], default="core")
    parser.add_argument("--delivery")
    parser.add_argument("--parcours", default=os.path.join(TOP, "build", "release", "bin", "parcours"))
    parser.add_argument("--out", default=os.path.join(TOP, "build", "bench_ingest"))
    chosen = parser.parse_args()
    if not os.access(chosen.parcours, os.X_OK):
        die(f"'{chosen.parcours}' is not there: build it (cmake --preset release && cmake --build build/release)")
    return chosen


def run(command):
    began = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        die(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout[-2000:]}")
    return time.perf_counter() - began, done.stdout


def events(log, name):
    """The key=value fields of each line of that event."""
    lines = [line.split() for line in log.splitlines()]
    return [dict(word.split("=", 1) for word in line if "=" in word) for line in lines if name in line[:5]]


def tree_bytes(folder):
    return sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(folder) for name in names)


def warm(folder):
    """What will be read is in the page cache, as far as it fits."""
    for at, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(at, name), "rb", buffering=0) as file:
                while file.read(1 << 22):
                    pass


def load(chosen, delivery, ranks):
    """One ingest: its figures and the text of its manifest, which names the digest of every file."""
    store = os.path.join(chosen.out, "store")
    shutil.rmtree(store, ignore_errors=True)
    os.sync()
    warm(delivery)
    over = ["--oversubscribe"] if ranks > (os.cpu_count() or 1) else []
    seconds, log = run(["mpirun", *over, "--quiet", "-n", str(ranks), chosen.parcours, "ingest", "--model", "snds", "--in",
                        delivery, "--store", store, "--memory", chosen.memory, "--progress", "never"])
    memory, sent = events(log, "ingest_memory")[-1], events(log, "ingest_sent")[-1]
    fields = events(log, "ingest_fields")[-1]
    with open(os.path.join(store, "store.json"), encoding="utf-8") as file:
        manifest = file.read()
    figures = {"ranks": ranks, "seconds": seconds, "csv_bytes": tree_bytes(delivery),
               "store_bytes": tree_bytes(os.path.join(store, "shards")),
               "memory": {key: int(memory[key]) for key in ("peak_mib", "limit_mib", "resident_mib", "spilled_mib")},
               "fields": int(fields["fields"]),
               "sent_mib": {"most": int(sent["most_mib"]), "all": int(sent["all_mib"])},
               "phases": {phase["phase"]: {key: float(phase[key]) for key in ("seconds", "sent_mib", "resident_mib")}
                          for phase in events(log, "ingest_phase")}}
    shutil.rmtree(store)
    return figures, manifest


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def markdown(chosen, points):
    rows = []
    for label, loads in points:
        for one in loads:
            memory, gigabytes = one["memory"], one["csv_bytes"] / 1e9
            rows.append([label, str(one["ranks"]), f"{gigabytes:.2f} GB", f"{one['seconds']:.1f} s",
                         f"{1e3 * gigabytes / one['seconds']:.0f} MB/s", f"{one['store_bytes'] / 1e6:.0f} MB",
                         f"{memory['peak_mib']} MiB", f"{memory['resident_mib']} MiB", f"{memory['spilled_mib']} MiB",
                         f"{one['sent_mib']['most']} MiB", f"{one['sent_mib']['all']} MiB"])
    text = f"Ingest with `--memory {chosen.memory}` a rank. Memory and bytes sent are of the rank with most, but for the " \
           "last column.\n\n"
    text += table(["people", "ranks", "CSV", "time", "CSV a second", "shards", "counted", "resident", "spilled", "sent",
                   "sent by all"], rows)
    text += "\nThe phase that reads (parse, typing, hashing, putting rows aside; CSV in the page cache):\n\n"
    rows = []
    for label, loads in points:
        for one in loads:
            seconds = max(one["phases"]["read"]["seconds"], 0.01)
            rows.append([label, str(one["ranks"]), f"{one['fields'] / 1e6:.0f} million", f"{one['fields'] / seconds / 1e6:.0f} million",
                         f"{one['csv_bytes'] / seconds / 1e9:.2f} GB/s"])
    text += table(["people", "ranks", "fields", "fields a second", "CSV"], rows)
    rows = [[label, str(one["ranks"]), *(f"{one['phases'].get(name, {}).get('seconds', 0):.2f}" for name in PHASES)]
            for label, loads in points for one in loads]
    return text + "\nSeconds by phase:\n\n" + table(["people", "ranks", *PHASES], rows)


def main():
    chosen = options()
    chosen.out = os.path.abspath(chosen.out)
    os.makedirs(chosen.out, exist_ok=True)
    points = []
    for people in chosen.people if chosen.delivery is None else [None]:
        delivery = os.path.abspath(chosen.delivery) if people is None else os.path.join(chosen.out, "delivery")
        if people is not None:
            shutil.rmtree(delivery, ignore_errors=True)
            run(["mpirun", "--quiet", "-n", "2", chosen.parcours, "synth", "--patients", str(people), "--years", "2018:2020",
                 "--seed", "1", "--columns", chosen.columns, "--out", delivery])
        loads, first = [], None
        for ranks in chosen.ranks:
            print(f"== {people or delivery}: {ranks} ranks", flush=True)
            figures, manifest = load(chosen, delivery, ranks)
            first = first or manifest
            if manifest != first:
                die(f"the store differs between {chosen.ranks[0]} and {ranks} ranks")
            loads.append(figures)
        points.append((f"{people:,}" if people else os.path.basename(delivery), loads))
        if people is not None:
            shutil.rmtree(delivery)
    text = markdown(chosen, points)
    for name, content in (("ingest.json", json.dumps(points, indent=1)), ("ingest.md", text)):
        with open(os.path.join(chosen.out, name), "w", encoding="utf-8") as file:
            file.write(content)
    print("\n" + text)


if __name__ == "__main__":
    main()
