#!/usr/bin/env python3
"""Usage: faults.py BIN_DIR [--quick] [--list] [NAME-PATTERN]

What goes wrong on a cluster, one row a case in CASES: what is done, to which command, on how many ranks, and what must
follow: it ends within the seconds stated, with one of the exit codes, with one sentence that says what it should; and the
same command with --resume, on another number of ranks and without the fault, gives the bytes of a store or result that
was left alone. --quick: the cases marked q. docs/faults.md explains them.
"""
import argparse, filecmp, glob, os, re, shutil, signal, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
STUDY = os.path.join(TOP, "jobs", "diabetes.json")
SQL = "SELECT sex, count(*) AS n FROM ER_PHA_F d JOIN PERSON p USING (patient) WHERE d.PHA_ACT_QSN > 0 GROUP BY sex"
PATIENCE = 3  # seconds of --patience in the cases of a file system that hangs
KILLED = (137, 1)  # mpirun's code when a rank was killed: 128 + 9; 1 from some versions
LOST = (205, 9, 1, 137)  # mpirun's codes when it lost a host


def fault(call, path, does, at=0, rank="", us=0):
    return {"PC_FAULT_CALL": call, "PC_FAULT_PATH": path, "PC_FAULT_DOES": does, "PC_FAULT_AT": str(at),
            "PC_FAULT_RANK": str(rank), "PC_FAULT_US": str(us)}


# Where things lie: parts of the store, spools of the ingest, the delivery, a run's states and results.
DELIVERY, SPOOL, PART, STATE, RELEASE = "/delivery/", "/spool.", "/part-", "/checkpoint/", "/release/"
FULL = "No space left"
# name, command, ranks, fault, exit codes, what it says, seconds at most, marks. Marks: q quick; p with --patience;
# d the store is damaged by the function of that name; u cannot be resumed; t has a small file system of its own; n is
# not hurt at all in the end: exit code 0 and the right bytes at once; s slow reads, so that there are states;
# w the work is larger than memory; m stopped for a minute; v the scratch folder vanishes while a rank is stopped;
# 2 on two hosts, to whose network happens what the name says; l two ranks are taken for a node: the first one passes on
# what goes to other nodes.
CASES = [
    ("ingest-killed-reading", "ingest", 2, fault("read", DELIVERY, "die", 12, 1), KILLED, None, 15, "q"),
    ("ingest-killed-spooling", "ingest", 2, fault("write", SPOOL, "die", 3, 1), KILLED, None, 15, "w"),
    ("ingest-killed-writing-part", "ingest", 2, fault("write", PART, "die", 90, 0), KILLED, None, 15, "q"),
    ("ingest-killed-naming-manifest", "ingest", 2, fault("rename", "/store.json", "die", 1, 0), KILLED, None, 15, ""),
    ("ingest-read-fails", "ingest", 2, fault("read", DELIVERY, "EIO", 9, 1), (1,), r"\.CSV.*Input/output error", 15, "q"),
    ("ingest-read-stale-handle", "ingest", 3, fault("read", DELIVERY, "ESTALE", 9, 0), (1,), r"\.CSV.*[Ss]tale", 15, ""),
    ("ingest-spool-fails", "ingest", 2, fault("write", SPOOL, "EIO", 2, 1), (1,), r"scratch.*Input/output error", 15, "w"),
    ("ingest-spool-read-fails", "ingest", 2, fault("read", SPOOL, "EIO", 3, 1), (1,), r"scratch.*Input/output error", 15, "w"),
    ("ingest-spool-full", "ingest", 2, fault("write", SPOOL, "ENOSPC", 2, 0), (1,), r"scratch.*" + FULL, 15, "wq"),
    ("ingest-part-full", "ingest", 2, fault("write", PART, "ENOSPC", 60, 1), (1,), r"part-.*", 15, ""),
    ("ingest-part-sync-fails", "ingest", 3, fault("sync", PART, "EIO", 3, 1), (1,), r"part-.*Input/output error", 15, ""),
    ("ingest-halves", "ingest", 2, fault("read", DELIVERY, "half"), (0,), None, 30, "n"),
    ("ingest-half-writes", "ingest", 2, fault("write", SPOOL, "half"), (0,), None, 30, "wn"),
    ("ingest-interrupted-calls", "ingest", 2, fault("read", DELIVERY, "interrupted"), (0,), None, 30, "n"),
    ("ingest-slow-rank", "ingest", 3, fault("read", DELIVERY, "slow", 0, 1, 5000), (0,), None, 30, "n"),
    ("ingest-stopped-rank", "ingest", 2, fault("read", SPOOL, "stop", 2, 1), (0,), None, 30, "wn"),
    ("ingest-hung-read", "ingest", 2, fault("read", DELIVERY, "hang", 9, 1), (1,), r"does not answer", 15, "pq"),
    ("ingest-hung-write", "ingest", 3, fault("write", PART, "hang", 40, 0), (1,), r"does not answer", 15, "p"),
    ("ingest-leader-killed", "ingest", 4, fault("read", DELIVERY, "die", 12, 2), KILLED, None, 15, "lq"),
    ("ingest-leader-killed-writing", "ingest", 4, fault("write", PART, "die", 40, 2), KILLED, None, 15, "l"),
    ("ingest-leader-stopped", "ingest", 4, fault("read", DELIVERY, "stop", 9, 2), (0,), None, 30, "ln"),
    ("ingest-leader-hung-read", "ingest", 4, fault("read", DELIVERY, "hang", 9, 2), (1,), r"does not answer", 15, "lp"),
    ("run-nodes-killed-rank", "run", 4, fault("read", PART, "die", 60, 2), KILLED, None, 15, "ls"),
    ("ingest-disk-full", "ingest", 2, None, (1,), r"scratch.*" + FULL, 15, "wt"),
    ("ingest-scratch-vanishes", "ingest", 2, fault("read", SPOOL, "stop", 1, 0), (1, 0), None, 30, "wv"),
    ("run-killed-rank", "run", 2, fault("read", PART, "die", 200, 1), KILLED, None, 15, "sq"),
    ("run-killed-rank-0", "run", 3, fault("read", PART, "die", 150, 0), KILLED, None, 15, "s"),
    ("run-killed-writing-state", "run", 2, fault("rename", STATE, "die", 1, 1), KILLED, None, 15, "s"),
    ("run-killed-writing-results", "run", 2, fault("rename", "/manifest.json", "die", 1, 0), KILLED, None, 15, ""),
    ("run-stopped-rank", "run", 2, fault("read", PART, "stop", 50, 1), (0,), None, 30, "nq"),
    ("run-stopped-minute", "run", 2, fault("read", PART, "stop", 50, 1), (0,), None, 80, "nm"),
    ("run-read-fails", "run", 2, fault("read", PART, "EIO", 120, 1), (1,), r"part-.*Input/output error", 15, "sq"),
    ("run-hung-read", "run", 2, fault("read", PART, "hang", 120, 1), (1,), r"does not answer", 15, "psq"),
    ("run-half-reads", "run", 3, fault("read", PART, "half"), (0,), None, 30, "n"),
    ("run-state-full", "run", 2, fault("write", STATE, "ENOSPC", 1, 0), (1,), r"checkpoint.*" + FULL, 15, "s"),
    ("run-results-full", "run", 2, fault("write", RELEASE, "ENOSPC", 1, 0), (1,), r"release/.*" + FULL, 15, "q"),
    ("run-disk-full", "run", 2, None, (1,), r"disk/out/", 15, "t"),
    ("run-byte-flipped", "run", 2, "flip_byte", (1,), r"part-", 15, "dq"),
    ("run-part-cut", "run", 3, "cut_part", (1,), r"part-", 15, "d"),
    ("run-part-missing", "run", 2, "lose_part", (1,), r"part-.*No such file", 15, "d"),
    ("run-manifest-cut", "run", 2, "cut_manifest", (1,), r"store\.json", 15, "dq"),
    ("run-dictionaries-cut", "run", 2, "cut_dictionaries", (1,), r"dictionaries", 15, "d"),
    ("run-cable-cut", "run", 2, fault("read", PART, "go on", 60, 0), LOST, None, 40, "2"),
    ("run-cable-cut-and-mended", "run", 2, fault("read", PART, "go on", 60, 0), (0,), None, 40, "2n"),
    ("run-host-dies", "run", 2, fault("read", PART, "go on", 60, 0), LOST, None, 40, "2"),
    ("ingest-cable-cut", "ingest", 2, fault("write", PART, "go on", 40, 0), LOST, None, 40, "2"),
    ("ingest-host-dies", "ingest", 4, fault("read", DELIVERY, "go on", 9, 0), LOST, None, 40, "2"),
    ("query-killed-rank", "query", 2, fault("read", PART, "die", 10, 1), KILLED, None, 15, "uq"),
    ("query-read-fails", "query", 3, fault("read", PART, "EIO", 10, 1), (1,), r"part-.*Input/output error", 15, "u"),
    ("query-hung-read", "query", 2, fault("read", PART, "hang", 10, 0), (1,), r"does not answer", 15, "up"),
    ("query-stopped-rank", "query", 2, fault("read", PART, "stop", 10, 1), (0,), None, 30, "nu"),
    ("query-half-reads", "query", 2, fault("read", PART, "half"), (0,), None, 30, "nu"),
    ("query-out-full", "query", 2, fault("write", "/answer", "ENOSPC", 1, 0), (1,), r"answer.*" + FULL, 15, "u"),
    ("query-byte-flipped", "query", 2, "flip_byte", (1,), r"part-", 15, "du"),
    ("query-index-flipped", "query", 2, "flip_index", (1,), r"parts\.h5", 15, "du"),
]


class Failed(Exception):
    pass


def parts(store):
    return sorted(glob.glob(os.path.join(store, "shards", "*", "*", "part-*.h5")), key=os.path.getsize)


def change_byte(path, at):
    os.chmod(path, 0o600)
    with open(path, "r+b") as f:
        f.seek(at)
        byte = f.read(1)[0]
        f.seek(at)
        f.write(bytes([byte ^ 0x20]))


def cut(path, share):
    os.chmod(path, 0o600)
    os.truncate(path, int(os.path.getsize(path) * share))


# The largest part; a byte in its middle stands in a chunk. Every chunk is hurt in turn, since a command reads some only.
def flip_byte(store):
    path = parts(store)[-1]
    for at in range(os.path.getsize(path) // 8, os.path.getsize(path), 97):
        change_byte(path, at)


DAMAGES = {
    "flip_byte": flip_byte,
    "cut_part": lambda store: cut(parts(store)[-1], 0.5),
    "lose_part": lambda store: os.remove(parts(store)[-1]),
    "cut_manifest": lambda store: cut(os.path.join(store, "store.json"), 0.7),
    "cut_dictionaries": lambda store: cut(os.path.join(store, "dictionaries.h5"), 0.5),
    "flip_index": lambda store: change_byte(os.path.join(store, "parts.h5"), os.path.getsize(os.path.join(store, "parts.h5")) // 2),
}


class Faults:
    def __init__(self, parcours, work):
        self.parcours, self.work = parcours, work
        self.shim = os.path.join(work, "faulty.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", self.shim, os.path.join(HERE, "faulty.c"), "-ldl"], check=True)
        self.env = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMPI_MCA_orte_tmpdir_base=work,
                        OMPI_MCA_mpi_yield_when_idle="1", ASAN_OPTIONS="detect_leaks=0:verify_asan_link_order=0")
        self.delivery, self.store = os.path.join(work, "small", "delivery"), os.path.join(work, "store")
        self.large_delivery, self.large_store = os.path.join(work, "large", "delivery"), os.path.join(work, "large_store")
        os.mkdir(os.path.join(work, "small"))
        os.mkdir(os.path.join(work, "large"))
        self.plain([self.parcours, "synth", "--patients", "600", "--years", "2019:2021", "--seed", "9", "--out", self.delivery, "--quiet"])
        self.plain(self.command("ingest", 2, self.store, self.store))
        self.plain([self.parcours, "synth", "--patients", "4500", "--years", "2019:2020", "--columns", "core", "--seed", "9", "--out", self.large_delivery, "--quiet"])
        self.plain(self.command("large", 2, self.store, self.large_store))
        self.plain(self.command("run", 2, self.store, os.path.join(work, "result")))
        self.plain(self.command("query", 2, self.store, os.path.join(work, "answer")))

    def plain(self, command):
        done = subprocess.run(command, env=self.env, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"faults: {' '.join(command)}: exit code {done.returncode}\n{done.stderr}")

    def command(self, what, ranks, store, out, *more, env=()):
        words = {"ingest": ["ingest", "--model", "snds", "--in", self.delivery, "--store", out, "--shards", "64"],
                 "large": ["ingest", "--model", "snds", "--in", self.large_delivery, "--store", out, "--shards", "16"],
                 "run": ["run", STUDY, "--store", store, "--out", out],
                 "query": ["query", store, SQL, "--out", out]}[what]
        return ["mpirun", "--oversubscribe", "--quiet", "-n", str(ranks), *(["env", *env] if env else []), self.parcours, *words, "--progress", "never", *more]

    def start(self, command, said):
        return subprocess.Popen(command, env=self.env, stdout=subprocess.DEVNULL, stderr=open(said, "w"), cwd=self.work)

    def same(self, what, out):
        """Whether `out` is what a command that was left alone made."""
        if what == "query":
            return filecmp.cmp(out, os.path.join(self.work, "answer"), shallow=False)
        whole = {"ingest": self.store, "large": self.large_store, "run": os.path.join(self.work, "result")}[what]
        skip = {"journal.jsonl", "manifest.json"}
        files = lambda top: sorted(os.path.relpath(os.path.join(d, f), top) for d, _, names in os.walk(top) for f in names if f not in skip)
        mine = files(out)
        return mine == files(whole) and all(filecmp.cmp(os.path.join(out, f), os.path.join(whole, f), shallow=False) for f in mine)

    def stopped_process(self):
        for status in glob.glob("/proc/[0-9]*/stat"):
            try:
                if open(status).read().rpartition(")")[2].split()[0] != "T":
                    continue
                if self.work.encode() in open(status[:-4] + "environ", "rb").read():
                    return int(status.split("/")[2])
            except (OSError, IndexError):
                continue
        return None

    def wake(self, job, seconds, meanwhile):
        """A rank stops itself: it is woken after so many seconds."""
        for _ in range(400):
            pid = self.stopped_process()
            if pid is not None or job.poll() is not None:
                break
            time.sleep(0.05)
        if pid is None:
            raise Failed("no rank was stopped")
        meanwhile()
        time.sleep(seconds)
        os.kill(pid, signal.SIGCONT)

    def small_disk(self, folder, size):
        os.makedirs(folder)
        if os.getuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True).returncode != 0:
            raise Failed("skipped: no right to mount a small file system")

    def two_hosts(self, action, *more):
        return [os.path.join(HERE, "two_hosts"), action, os.path.join(self.work, "hosts"), *more]

    def start_hosts(self):
        if os.getuid() != 0 or subprocess.run(self.two_hosts("start"), capture_output=True).returncode != 0:
            raise Failed("skipped: no right to make two hosts")

    def disturb(self, name, job, told):
        """Once the first rank of two hosts is at work: what the name of the case says."""
        for _ in range(400):
            if os.path.exists(told) or job.poll() is not None:
                break
            time.sleep(0.05)
        subprocess.run(self.two_hosts("kill" if "dies" in name else "cut"), check=True)
        if "mended" in name:
            time.sleep(3)
            subprocess.run(self.two_hosts("mend"), check=True)

    def try_case(self, case):
        name, what, ranks, hurt, codes, says, most_s, marks = case
        place = os.path.join(self.work, "cases", name)
        os.makedirs(place)
        store, said, told = self.store, os.path.join(place, "said"), os.path.join(place, "told")
        out = os.path.join(place, "answer" if what == "query" else "out")
        more, env, disk = [], [], None
        if "w" in marks:
            what, more = "large", ["--memory", "64M"]
        if "d" in marks:
            store = os.path.join(place, "store")
            shutil.copytree(self.store, store)
            DAMAGES[hurt](store)
        elif hurt:
            env = [f"{k}={v}" for k, v in hurt.items()] + [f"PC_FAULT_TOLD={told}", f"LD_PRELOAD={self.shim}"]
        if "s" in marks or "2" in marks:
            env.append("PC_FAULT_READ_US=6000")
        if "l" in marks:
            env += ["PARCOURS_NODE_RANKS=2", "PARCOURS_EXCHANGE=leaders"]
        if "p" in marks:
            more += ["--patience", str(PATIENCE)]
        if "t" in marks:
            disk = os.path.join(place, "disk")
            self.small_disk(disk, "64k" if what == "run" else "1m")
            if what == "run":
                out = os.path.join(disk, "out")
            else:
                more += ["--scratch", os.path.join(disk, "scratch")]
        try:
            if "2" in marks:
                self.start_hosts()
            began = time.monotonic()
            start = self.command(what, ranks, store, out, *more, env=env)
            job = self.start(self.two_hosts("run", *start) if "2" in marks else start, said)
            try:
                if hurt and "d" not in marks and hurt["PC_FAULT_DOES"] == "stop":
                    gone = (lambda: shutil.rmtree(os.path.join(out, "scratch"))) if "v" in marks else (lambda: None)
                    self.wake(job, 61 if "m" in marks else 2, gone)
                if "2" in marks:
                    self.disturb(name, job, told)
                code = job.wait(timeout=max(1, most_s - (time.monotonic() - began)))
            except subprocess.TimeoutExpired:
                raise Failed(f"it did not end within {most_s} s")
            finally:
                if job.poll() is None:
                    job.terminate()
                    job.wait()
            took = time.monotonic() - began
            self.judge(case, code, open(said).read(), told, env, out)
            if "n" in marks:
                if not self.same(what, out):
                    raise Failed("other bytes")
            elif "u" not in marks and "d" not in marks:
                if disk:
                    subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
                again = subprocess.run(self.command(what, ranks % 3 + 1, store, out, "--resume"), env=self.env, capture_output=True, text=True)
                if again.returncode != 0:
                    raise Failed(f"--resume: exit code {again.returncode}: {again.stderr[-300:]}")
                if not self.same(what, out):
                    raise Failed("other bytes after --resume")
                if "s" in marks and "shards_done=" not in again.stderr:
                    raise Failed("--resume did not take up what was done")
            return took
        finally:
            if "2" in marks:
                subprocess.run(self.two_hosts("stop"))
            if disk:
                subprocess.run(["umount", disk])
            shutil.rmtree(place, ignore_errors=True)

    def judge(self, case, code, text, told, env, out):
        name, what, _, _, codes, says, _, _ = case
        sentences = [line for line in text.splitlines() if line.startswith("parcours: ")]
        if code not in codes:
            raise Failed(f"exit code {code}, expected one of {codes}: {text[-400:]}")
        if env and not os.path.exists(told):
            raise Failed("the fault did not happen")
        if code == 1 and codes not in (KILLED, LOST) and len(sentences) != 1:
            raise Failed(f"{len(sentences)} sentences: {text[-400:]}")
        if says and (len(sentences) != 1 or not re.search(says, sentences[0])):
            raise Failed(f"expected a sentence on {says}: {text[-400:]}")
        if what == "ingest" and code != 0 and os.path.exists(os.path.join(out, "store.json")):
            raise Failed("half a store is visible")
        if what == "run" and code != 0 and os.path.exists(os.path.join(out, "manifest.json")):
            raise Failed("half a result is complete")


def main():
    p = argparse.ArgumentParser(usage=__doc__.split("\n\n")[0].removeprefix("Usage: "))
    p.add_argument("bin")
    p.add_argument("pattern", nargs="?", default="")
    p.add_argument("--quick", action="store_true")
    p.add_argument("--list", action="store_true")
    o = p.parse_args()
    cases = [c for c in CASES if re.search(o.pattern, c[0]) and (not o.quick or "q" in c[7])]
    if o.list:
        print("\n".join(c[0] for c in cases))
        return
    told = open(os.path.join(TOP, "docs", "faults.md")).read()
    untold = [c[0] for c in CASES if not re.search(rf"\b{c[0]}\b(?!-)", told)]
    if untold:
        sys.exit(f"faults: docs/faults.md does not tell of {', '.join(untold)}")
    work = os.path.realpath(tempfile.mkdtemp(prefix="pcfaults."))
    failures = 0
    try:
        faults = Faults(os.path.join(os.path.realpath(o.bin), "parcours"), work)
        for case in cases:
            try:
                print(f"{case[0]:32} {faults.try_case(case):5.1f} s", flush=True)
            except Failed as why:
                skipped = str(why).startswith("skipped")
                failures += not skipped
                print(f"{case[0]:32} {'' if skipped else 'FAILED: '}{why}", flush=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(f"{len(cases)} cases, {failures} failed")
    sys.exit(failures > 0)


main()
