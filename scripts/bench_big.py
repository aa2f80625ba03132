#!/usr/bin/env python3
"""Usage: scripts/bench big [--people N] [--slice N] [--year Y] [--out DIR] [--ranks N] [--memory SIZE] [--shards N]
                        [--map] [--keep] [--parcours BINARY]

The largest population that fits a disk: N people (5,000,000), one year, core columns. Made in slices of people (250,000),
cut by the month of flow and packed with zstd, so that the CSV never lies on the disk as a whole; loaded month by month
with --append, each month's files deleted when they are in the store; then studied once (jobs/diabetes.json, whose count
must be the generator's; with --map the disease map too). Stopped, it goes on with the slice or month that it was at.

DIR (build/bench_big) keeps big.json (each month, each study), big.md and the store. 5 million people need 30 GB of disk.
The thirteenth delivery has all flows of the year after, stays and causes of death.
"""
import argparse
import concurrent.futures
import json
import mmap
import os
import re
import resource
import shutil
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LAST = 13  # the delivery behind the twelve months
ROW_BYTES = 64 << 10  # no row is longer


def die(text):
    sys.exit(f"bench big: {text}")


def options():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[0].removeprefix("Usage: "))
    parser.add_argument("--people", type=int, default=5000000)
    parser.add_argument("--slice", type=int, default=250000)
    parser.add_argument("--year", type=int, default=2019)
    parser.add_argument("--out", default=os.path.join(TOP, "build", "bench_big"))
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--memory", default="6G")
    parser.add_argument("--shards", type=int)
    parser.add_argument("--map", action="store_true")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--parcours", default=os.path.join(TOP, "build", "release", "bin", "parcours"))
    chosen = parser.parse_args()
    if chosen.people < 1 or chosen.slice < 1:
        die("--people and --slice need numbers above 0")
    if chosen.shards is None:  # some 10,000 people a shard, as of a national store
        chosen.shards = 16
        while chosen.shards * 10000 < chosen.people:
            chosen.shards *= 2
    return chosen


def run(chosen, words):
    """Wall and processor seconds (of all ranks) and the log of a command on all ranks."""
    env = dict(os.environ)
    if os.getuid() == 0:
        env.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    over = ["--oversubscribe"] if chosen.ranks > (os.cpu_count() or 1) else []
    command = ["mpirun", *over, "--quiet", "-n", str(chosen.ranks), chosen.parcours, *words, "--progress", "never"]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env, check=False)
    if done.returncode != 0:
        die(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"wall_s": time.monotonic() - began, "user_s": after.ru_utime - before.ru_utime,
            "system_s": after.ru_stime - before.ru_stime}, done.stdout


def events(log, name):
    lines = [line.split() for line in log.splitlines()]
    return [dict(word.split("=", 1) for word in line if "=" in word) for line in lines if name in line[:5]]


def tree_bytes(folder):
    return sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(folder) for name in names)


def pack(view, begin, end, header, path):
    """Bytes begin to end of a CSV, behind `header`, as a .zst file."""
    with open(path + ".part", "wb") as out:
        zstd = subprocess.Popen(["zstd", "-1", "-q", "-c"], stdin=subprocess.PIPE, stdout=out)
        zstd.stdin.write(header)
        for at in range(begin, end, 1 << 20):
            zstd.stdin.write(view[at:min(at + (1 << 20), end)])
        zstd.stdin.close()
        if zstd.wait() != 0:
            die(f"zstd could not write '{path}'")
    os.rename(path + ".part", path)


def month_at(view, at, end, column):
    """The first row that begins at or behind `at` (which is not 0): where, and its month of flow; the end: none."""
    begin = view.find(b"\n", at - 1, end) + 1
    if begin == 0 or begin >= end:
        return end, None
    row = view[begin:min(begin + ROW_BYTES, end)].split(b"\n", 1)[0]
    return begin, row.split(b";")[column][:7].decode()


def first_row_behind(view, begin, end, column, month):
    """Rows stand by month of flow: where those begin whose month is above `month`, by bisection."""
    low, high = begin, end
    while low < high:
        middle = (low + high) // 2
        row, found = month_at(view, middle, end, column)
        if found is None or found > month:
            high = middle
        else:
            low = row + 1
    return month_at(view, low, end, column)[0]


def cut(chosen, folder, name, number, pool):
    """One file of a slice to the deliveries that its rows belong to."""
    path = os.path.join(folder, name)
    with open(path, "rb") as file:
        if os.path.getsize(path) == 0:
            return []
        view = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    head = view.find(b"\n") + 1
    stem = name.removesuffix(".CSV")

    def place(delivery, part, begin, header):
        target = os.path.join(chosen.out, "deliveries", f"{delivery:02d}")
        os.makedirs(target, exist_ok=True)
        return pool.submit(pack, view, begin[0], begin[1], header, os.path.join(target, part))

    if name.startswith("ER_"):
        header = view[:head]
        column = header.decode("utf-8-sig").strip().split(";").index("FLX_DIS_DTD")
        jobs, at = [], head
        for delivery in range(1, LAST + 1):
            month = f"{chosen.year}-{delivery:02d}" if delivery < LAST else "9999-99"
            end = first_row_behind(view, at, len(view), column, month) if at < len(view) else at
            if end > at:
                jobs.append(place(delivery, f"{stem}_{number:04d}.CSV.zst", (at, end), header))
            at = end
        return jobs
    late = name.startswith(("T_", "KI_"))
    patients = late or name in ("IR_BEN_R.CSV", "IR_BEN_R_ARC.CSV", "IR_IMB_R.CSV")
    if not patients:  # nomenclatures are whole in each slice
        return [place(1, f"{name}.zst", (0, len(view)), b"")] if number == 1 else []
    # One file of all slices, put together when all are there: frames of zstd behind each other are one file.
    return [place(LAST if late else 1, f"{name}.zst.{number:04d}", (0 if number == 1 else head, len(view)), b"")]


def make(chosen, state):
    slices = max(1, -(-chosen.people // chosen.slice))
    csv = os.path.join(chosen.out, "csv")
    for number in range(len(state["slices"]) + 1, slices + 1):
        shutil.rmtree(csv, ignore_errors=True)
        began = time.monotonic()
        made, _ = run(chosen, ["synth", "--patients", str(chosen.people), "--years", str(chosen.year), "--seed", "1",
                               "--slice", f"{number}/{slices}", "--out", csv])
        with open(os.path.join(csv, "truth.json"), encoding="utf-8") as file:
            truth = json.load(file)
        csv_bytes = tree_bytes(csv)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for job in [job for name in sorted(os.listdir(csv)) if name.endswith(".CSV")
                        for job in cut(chosen, csv, name, number, pool)]:
                job.result()
        shutil.rmtree(csv)
        state["slices"].append({**made, "all_s": time.monotonic() - began, "csv_bytes": csv_bytes,
                                "patients": truth["patients"], "diabetes": truth["cohorts"]["diabete"][str(chosen.year)]})
        keep(chosen, state)
        print(f"== slice {number} of {slices}: {state['slices'][-1]['all_s']:.0f} s", flush=True)


def put_together(folder):
    parts = sorted(name for name in os.listdir(folder) if re.search(r"\.zst\.\d+$", name))
    for name in sorted({name.rsplit(".", 1)[0] for name in parts}):
        with open(os.path.join(folder, name + ".part"), "wb") as out:
            for part in (part for part in parts if part.rsplit(".", 1)[0] == name):
                with open(os.path.join(folder, part), "rb") as piece:
                    shutil.copyfileobj(piece, out, 1 << 20)
        os.rename(os.path.join(folder, name + ".part"), os.path.join(folder, name))
    for part in parts:
        os.remove(os.path.join(folder, part))


def load(chosen, state):
    store = os.path.join(chosen.out, "store")
    for delivery in range(len(state["months"]) + 1, LAST + 1):
        folder = os.path.join(chosen.out, "deliveries", f"{delivery:02d}")
        if not os.path.isdir(folder):  # no flow in this month
            state["months"].append(None)
            keep(chosen, state)
            continue
        put_together(folder)
        first = not os.path.exists(os.path.join(store, "store.json"))
        words = ["--model", "snds", "--shards", str(chosen.shards)] if first else ["--append"]
        took, log = run(chosen, ["ingest", "--in", folder, "--store", store, "--memory", chosen.memory, "--resume", *words])
        memory = events(log, "ingest_memory")
        state["months"].append({
            **took, "delivery_bytes": tree_bytes(folder), "store_bytes": tree_bytes(store),
            "rows_after": sum(int(t["rows_read"]) for t in events(log, "ingest_table") if t["table"] != "PERSON"),
            "memory": {key: int(value) for key, value in (memory[-1] if memory else {}).items() if value.isdigit()},
            "phases": {p["phase"]: float(p["seconds"]) for p in events(log, "ingest_phase")}})
        keep(chosen, state)
        shutil.rmtree(folder)
        print(f"== delivery {delivery} of {LAST}: {took['wall_s']:.0f} s", flush=True)


def study(chosen, state):
    studies = ["diabetes", *(["cartographie/carte"] if chosen.map else [])]
    for name in studies:
        if name in state["studies"]:
            continue
        out = os.path.join(chosen.out, "run")
        shutil.rmtree(out, ignore_errors=True)
        took, log = run(chosen, ["run", os.path.join(TOP, "jobs", name + ".json"), "--store",
                                 os.path.join(chosen.out, "store"), "--out", out, "--memory", chosen.memory])
        said = {key: float(value) for key, value in events(log, "study")[-1].items() if re.fullmatch(r"[0-9.]+", value)}
        if name == "diabetes":
            with open(os.path.join(out, "control", "years.csv"), encoding="utf-8") as file:
                found = next((int(row.split(",")[2]) for row in file if row.startswith(f"{chosen.year},")), 0)
            planted = sum(one["diabetes"] for one in state["slices"])
            if found != planted:
                die(f"the study finds {found} people with diabetes, the generator made {planted}")
            said["cases"] = found
        state["studies"][name] = {**took, **said}
        keep(chosen, state)
        shutil.rmtree(out)


def keep(chosen, state):
    path = os.path.join(chosen.out, "big.json")
    with open(path + ".part", "w", encoding="utf-8") as file:
        json.dump(state, file, indent=1)
    os.rename(path + ".part", path)


def markdown(chosen, state):
    people = state["people"]
    text = [f"{people:,} people, {chosen.year}, core columns: {sum(s['csv_bytes'] for s in state['slices']) / 1e9:.1f} GB of CSV, "
            f"made and packed in {sum(s['all_s'] for s in state['slices']):.0f} s. {state['ranks']} ranks, "
            f"{state['memory']} each, {state['shards']} shards.", "",
            "| delivery | rows | packed | wall | processor, user + system | rows a second and rank | store after | rank with most: "
            "counted, resident |", "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    months = [(n, m) for n, m in enumerate(state["months"], 1) if m is not None]
    before = 0
    for number, m in months:
        m["rows"], before = m["rows_after"] - before, m["rows_after"]
        rate = m["rows"] / m["wall_s"] / state["ranks"]
        text.append(f"| {number} | {m['rows']:,} | {m['delivery_bytes'] / 1e6:.0f} MB | {m['wall_s']:.1f} s | {m['user_s']:.1f} + "
                    f"{m['system_s']:.1f} s | {rate:,.0f} | {m['store_bytes'] / 1e6:.0f} MB | "
                    f"{m['memory'].get('peak_mib', 0)}, {m['memory'].get('resident_mib', 0)} MiB |")
    rows, wall = sum(m["rows"] for _, m in months), sum(m["wall_s"] for _, m in months)
    user = sum(m["user_s"] + m["system_s"] for _, m in months)
    text += [f"| all | {rows:,} | | {wall:.1f} s | {user:.1f} s | {rows / wall / state['ranks']:,.0f} | | |", "",
             f"A million people: {user / people * 1e6:.0f} s of processor; a million rows: {user / rows * 1e6:.2f} s."]
    for name, s in state["studies"].items():
        text.append(f"{name}: {s['open_s'] + s['scan_s'] + s['reduce_s'] + s['write_s']:.2f} s in the engine ({s['wall_s']:.2f} s in "
                    f"all), scan {s['scan_cpu_s']:.2f} s of processor, {s['scan_cpu_s'] / people * 1e6:.2f} s a million people, "
                    f"{s['bytes'] / people:.0f} bytes read a person.")
    return "\n".join(text) + "\n"


def main():
    chosen = options()
    chosen.out = os.path.abspath(chosen.out)
    os.makedirs(chosen.out, exist_ok=True)
    about = {"people": chosen.people, "slice": chosen.slice, "year": chosen.year, "shards": chosen.shards,
             "ranks": chosen.ranks, "memory": chosen.memory}
    path = os.path.join(chosen.out, "big.json")
    state = {**about, "slices": [], "months": [], "studies": {}}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            state = json.load(file)
        if any(state[key] != about[key] for key in ("people", "slice", "year", "shards")):
            die(f"'{path}' is of another run; give --out another folder, or remove it")
    make(chosen, state)
    load(chosen, state)
    study(chosen, state)
    text = markdown(chosen, state)
    with open(os.path.join(chosen.out, "big.md"), "w", encoding="utf-8") as file:
        file.write(text)
    if not chosen.keep:
        shutil.rmtree(os.path.join(chosen.out, "store"))
    print("\n" + text)


if __name__ == "__main__":
    main()
