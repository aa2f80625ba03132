"""A delivery cut into several, and stores compared.

    append_case.py split DIR OUT COUNT SEED HOW    OUT/0, OUT/1 ...: each a delivery; HOW: rows, files, months, late
    append_case.py statements DIR SEED             adds ER_DCT_F: statements of the claims, some of none, some twice
    append_case.py replace DIR OTHER NEW FIXED SEED    NEW: some files of DIR with half their rows and rows of OTHER's;
                                                   FIXED: DIR with these files in place of its own
    append_case.py drugs DIR CHANGED MORE SEED     adds IR_PHA_R; CHANGED: with another class of one drug; MORE: one drug
                                                   that nobody has
    append_case.py hidden STORE                    slots that were written again, and slots of all parts (needs h5py)
    append_case.py same STORE STORE                the counts of both manifests, and, shard by shard, every dataset of
                                                   their parts (one a shard) but `file` (needs h5py)

`rows` sends each row to any of them, `files` each file, `months` the rows of a claim by its month of flow and all else
to the first, `late` every parent row behind its children: claims, stays and identities last."""
import csv
import json
import os
import random
import sys

PARENTS = ("ER_PRS_F", "T_MCO", "IR_BEN_R", "KI_CCI_R")


def is_parent(name):
    return name.startswith(PARENTS) and not (name.startswith("T_MCO") and not name.endswith("C.CSV"))


def split(folder, out, count, seed, how):
    rng = random.Random(seed)
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".CSV"):
            continue
        with open(os.path.join(folder, name), "rb") as file:
            head, *rows = file.read().splitlines(keepends=True)
        one = rng.randrange(count)
        columns = head.strip().split(b";")
        flow = columns.index(b"FLX_DIS_DTD") if b"FLX_DIS_DTD" in columns else -1
        months = sorted({row.split(b";")[flow] for row in rows})
        parts = [[] for _ in range(count)]
        for row in rows:
            if how == "rows":
                to = rng.randrange(count)
            elif how == "files":
                to = one
            elif how == "months":
                to = months.index(row.split(b";")[flow]) * count // len(months) if flow >= 0 else 0
            else:
                to = count - 1 if is_parent(name) else 0
                if rng.random() < 0.1:
                    to = rng.randrange(count)
            parts[to].append(row)
        for to, part in enumerate(parts):
            if not part:
                continue
            os.makedirs(os.path.join(out, str(to)), exist_ok=True)
            with open(os.path.join(out, str(to), name), "wb") as file:
                file.write(head + b"".join(part))


def statements(folder, seed):
    rng = random.Random(seed)
    with open(os.path.join(folder, "ER_PRS_F_2019.CSV")) as file:
        head, *rows = file.read().splitlines()
    columns = head.split(";")
    keys = ["FLX_DIS_DTD", "FLX_TRT_DTD", "FLX_EMT_TYP", "FLX_EMT_NUM", "FLX_EMT_ORD", "ORG_CLE_NUM", "DCT_ORD_NUM"]
    places = [columns.index(key) for key in keys]
    made = [";".join(keys + ["DCT_REM_DTD"])]
    for row in rows:
        values = row.split(";")
        if len(values) != len(columns) or rng.random() < 0.6:
            continue
        key = [values[place] for place in places]
        if rng.random() < 0.1:
            key[-1] = str(100000 + rng.randrange(50))
        made += [";".join(key + [f"2019-02-{rng.randint(1, 28):02}"])] * rng.choice([1, 1, 2])
    with open(os.path.join(folder, "ER_DCT_F_2019.CSV"), "w") as file:
        file.write("\n".join(made) + "\n")


def replace(folder, other, new, fixed, seed):
    rng = random.Random(seed)
    os.makedirs(new)
    os.makedirs(fixed)
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            content = file.read()
        theirs = os.path.join(other, name)
        if name.endswith(".CSV") and os.path.exists(theirs) and rng.random() < 0.4:
            head, *rows = content.splitlines(keepends=True)
            with open(theirs, "rb") as file:
                more = file.read().splitlines(keepends=True)
            more = more[1:] if more[0] == head else []
            content = head + b"".join(row for row in rows + more if rng.random() < 0.5)
            with open(os.path.join(new, name), "wb") as file:
                file.write(content)
        with open(os.path.join(fixed, name), "wb") as file:
            file.write(content)


def parts_of(store):
    found = {}
    for folder, _, names in os.walk(os.path.join(store, "shards")):
        for name in names:
            found.setdefault(os.path.basename(folder), []).append(os.path.join(folder, name))
    return found


def same(one, two):
    import h5py
    import numpy
    tables = [json.load(open(os.path.join(store, "store.json")))["tables"] for store in (one, two)]
    wrong = 0
    for table in sorted(set(tables[0]) | set(tables[1])):
        if tables[0].get(table) != tables[1].get(table):
            print(f"{table}: {tables[0].get(table)}\n    not {tables[1].get(table)}")
            wrong += 1
    first, second = parts_of(one), parts_of(two)
    if set(first) != set(second):
        print("other shards have parts", sorted(set(first) ^ set(second)))
        wrong += 1
    for shard in sorted(set(first) & set(second)):
        if len(first[shard]) != 1 or len(second[shard]) != 1:
            print(f"shard {shard} has several parts")
            wrong += 1
            continue
        with h5py.File(first[shard][0]) as a, h5py.File(second[shard][0]) as b:
            for table in sorted((set(a) | set(b)) - {"directory"}):
                names = [set(f[table]) - {"file"} if table in f else set() for f in (a, b)]
                if names[0] != names[1]:
                    print(f"shard {shard}: {table} has other columns: {sorted(names[0] ^ names[1])}")
                    wrong += 1
                    continue
                for name in sorted(names[0]):
                    x, y = a[table][name], b[table][name]
                    if x.dtype != y.dtype or not numpy.array_equal(x[:].view("u1"), y[:].view("u1")):
                        print(f"shard {shard}: {table}/{name} differs")
                        wrong += 1
    return wrong


def drugs(folder, changed, more, seed):
    """IR_PHA_R for the drugs of the folder; one of them in another class in `changed`, one that nobody has in `more`."""
    codes = set()
    for name in os.listdir(folder):
        if name.startswith("ER_PHA_F"):
            with open(os.path.join(folder, name), encoding="latin-1", newline="") as file:
                codes |= {row["PHA_PRS_C13"] for row in csv.DictReader(file, delimiter=";")}
    codes = sorted(code for code in codes if code.isdigit() and int(code) > 0)
    classes = ["A10BA02", "N05BA01", "C10AA05"]
    other = random.Random(seed).choice(codes)
    for out, of in ((folder, lambda code, i: classes[i % 3]),
                    (changed, lambda code, i: classes[(i + (code == other)) % 3])):
        os.makedirs(out, exist_ok=True)
        with open(os.path.join(out, "IR_PHA_R.CSV"), "w", encoding="ascii") as file:
            file.write("PHA_CIP_C13;PHA_ATC_CLA;PHA_GRD_CND\n")
            for i, code in enumerate(codes):
                file.write(f"{code};{of(code, i)};\n")
    os.makedirs(more, exist_ok=True)
    with open(os.path.join(more, "IR_PHA_R.CSV"), "w", encoding="ascii") as file:
        file.write(f"PHA_CIP_C13;PHA_ATC_CLA;PHA_GRD_CND\n3499999999999;{classes[0]};\n")


def hidden(store):
    """Slots that were written again, and slots in all, over the parts of the store's last edition."""
    import h5py
    path = max((name for name in os.listdir(store) if name.startswith("parts")), key=lambda name: (len(name), name))
    with h5py.File(os.path.join(store, path)) as file:
        print(file["hidden"].shape[0], int(file["slots"][:].sum()))


if sys.argv[1] == "split":
    split(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]), sys.argv[6])
elif sys.argv[1] == "replace":
    replace(*sys.argv[2:6], int(sys.argv[6]))
elif sys.argv[1] == "drugs":
    drugs(*sys.argv[2:5], int(sys.argv[5]))
elif sys.argv[1] == "hidden":
    hidden(sys.argv[2])
elif sys.argv[1] == "statements":
    statements(sys.argv[2], int(sys.argv[3]))
else:
    sys.exit(1 if same(sys.argv[2], sys.argv[3]) else 0)
