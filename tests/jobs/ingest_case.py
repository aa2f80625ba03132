"""A small delivery with every kind of row that is hard to place, and a plain twin of how its rows are resolved.

    ingest_case.py make DIR SEED           writes the delivery
    ingest_case.py check DIR STORE         compares a store of it with the twin, row by row (needs h5py)

The twin follows docs/patients.md and shares no code with the engine: dictionaries in place of distributed tables."""
import csv
import hashlib
import itertools
import json
import os
import random
import sys
from collections import Counter, defaultdict

DUMMY = "XXXXXXXXXXXXXXXXD"
KEY9 = ["FLX_DIS_DTD", "FLX_TRT_DTD", "FLX_EMT_TYP", "FLX_EMT_NUM", "FLX_EMT_ORD", "ORG_CLE_NUM", "DCT_ORD_NUM",
        "PRS_ORD_NUM", "REM_TYP_AFF"]
IDENTITY = ["BEN_NIR_PSA", "BEN_RNG_GEM", "BEN_IDT_ANO", "BEN_NAI_ANN", "BEN_NAI_MOI", "BEN_SEX_COD", "BEN_DCD_DTE",
            "BEN_RES_DPT", "BEN_RES_COM", "MAX_TRT_DTD", "BEN_DTE_MAJ"]
COLUMNS = {
    "IR_BEN_R": IDENTITY,
    "IR_BEN_R_ARC": IDENTITY,
    "IR_IMB_R": ["BEN_NIR_PSA", "BEN_RNG_GEM", "IMB_ALD_DTD", "IMB_ALD_DTF", "MED_MTF_COD"],
    "ER_PRS_F": KEY9 + ["BEN_NIR_PSA", "BEN_RNG_GEM", "BEN_CDI_NIR", "EXE_SOI_DTD", "EXE_SOI_DTF", "PRS_PAI_MNT"],
    "ER_PHA_F": KEY9 + ["PHA_ORD_NUM", "PHA_PRS_C13", "PHA_ACT_QSN"],
    "ER_ETE_F": KEY9 + ["ETE_IND_TAA"],
    "T_MCOaaC": ["ETA_NUM", "RSA_NUM", "NIR_ANO_17", "RNG_NAI", "EXE_SOI_DTD", "EXE_SOI_DTF"],
    "T_MCOaaB": ["ETA_NUM", "RSA_NUM", "DGN_PAL", "AGE_ANN"],
    "T_MCOaaD": ["ETA_NUM", "RSA_NUM", "ASS_DGN"],
    "KI_CCI_R": ["DCD_IDT_ENC", "BEN_IDT_ANO", "DCD_IDT_TOP", "BEN_DCD_DTE", "DCD_CIM_COD"],
}
DATES = {"FLX_DIS_DTD", "FLX_TRT_DTD", "BEN_DCD_DTE", "MAX_TRT_DTD", "BEN_DTE_MAJ", "IMB_ALD_DTD", "IMB_ALD_DTF",
         "EXE_SOI_DTD", "EXE_SOI_DTF"}
EVENT = {"ER_PRS_F": ("EXE_SOI_DTD", "EXE_SOI_DTF"), "T_MCOaaC": ("EXE_SOI_DTD", "EXE_SOI_DTF"),
         "IR_IMB_R": ("IMB_ALD_DTD", "IMB_ALD_DTF"), "KI_CCI_R": ("BEN_DCD_DTE", None)}
PARENT = {"ER_PHA_F": "ER_PRS_F", "ER_ETE_F": "ER_PRS_F", "T_MCOaaB": "T_MCOaaC", "T_MCOaaD": "T_MCOaaC"}
KEYS = {"ER_PRS_F": ("claim", KEY9), "T_MCOaaC": ("mco_stay", ["ETA_NUM", "RSA_NUM", "file_year"])}
PRIMARY = {"IR_BEN_R": ["BEN_NIR_PSA", "BEN_RNG_GEM"], "IR_BEN_R_ARC": ["BEN_NIR_PSA", "BEN_RNG_GEM"]}


def day(text):
    import datetime
    return (datetime.date.fromisoformat(text) - datetime.date(1970, 1, 1)).days


# ---- making --------------------------------------------------------------------------------------------------------


def claim_key(rng, number):
    return {"FLX_DIS_DTD": f"2019-{rng.randint(1, 3):02}-01", "FLX_TRT_DTD": "2019-01-15", "FLX_EMT_TYP": "1",
            "FLX_EMT_NUM": str(rng.randint(1, 2)), "FLX_EMT_ORD": "0", "ORG_CLE_NUM": rng.choice(["01C751234", "02G2"]),
            "DCT_ORD_NUM": str(number), "PRS_ORD_NUM": str(rng.randint(1, 2)), "REM_TYP_AFF": "0"}


def make_identities(rng):
    rows = {"IR_BEN_R": [], "IR_BEN_R_ARC": []}
    for number in range(60):
        for table in rows:
            if rng.random() > (0.85 if table == "IR_BEN_R" else 0.3):
                continue
            # Few pseudonyms: twins under one, persons under two, pairs in both tables with other persons.
            for _ in range(rng.choice([1, 1, 2])):
                rows[table].append({
                    "BEN_NIR_PSA": f"psa{rng.randint(0, 45):014}", "BEN_RNG_GEM": rng.choice(["1", "1", "1", "2"]),
                    "BEN_IDT_ANO": f"Person{number:03}" if rng.random() < 0.95 else "",
                    "BEN_NAI_ANN": rng.choice(["1950", "1961", "0000"]), "BEN_NAI_MOI": rng.choice(["1", "12", ""]),
                    "BEN_SEX_COD": rng.choice(["1", "2", "9"]),
                    "BEN_DCD_DTE": rng.choice(["1600-01-01", "1600-01-01", "2019-05-06", "2020-01-01"]),
                    "BEN_RES_DPT": rng.choice(["075", "013"]), "BEN_RES_COM": rng.choice(["001", "055", ""]),
                    "MAX_TRT_DTD": rng.choice(["", "2018-01-01", "2019-01-01"]),
                    "BEN_DTE_MAJ": rng.choice(["", "2018-02-02", "2018-03-03"])})
    return rows


def make_claims(rng, rows):
    for number in range(700):
        claim = claim_key(rng, number)
        claim.update({"BEN_NIR_PSA": f"psa{rng.randint(0, 52):014}", "BEN_RNG_GEM": rng.choice(["1", "1", "2", "0"]),
                      "BEN_CDI_NIR": rng.choice(["00"] * 12 + ["01", ""]),
                      "EXE_SOI_DTD": f"2019-01-{rng.randint(1, 28):02}" if rng.random() < 0.9 else "",
                      "EXE_SOI_DTF": rng.choice(["", "2019-02-01"]), "PRS_PAI_MNT": rng.choice(["10.00", "-2.50", ""])})
        rows["ER_PRS_F"].append(claim)
        if rng.random() < 0.1:  # the same key, other content, perhaps another person
            rows["ER_PRS_F"].append(dict(claim, PRS_PAI_MNT="99.99",
                                         BEN_NIR_PSA=rng.choice([claim["BEN_NIR_PSA"], f"psa{3:014}"])))
        if rng.random() < 0.05:
            rows["ER_PRS_F"].append(dict(claim))  # a duplicate
        for order in range(rng.choice([0, 1, 1, 2])):
            line = {name: claim[name] for name in KEY9}
            if rng.random() < 0.05:
                line["REM_TYP_AFF"] = "7"  # no such claim
            line.update({"PHA_ORD_NUM": str(order), "PHA_PRS_C13": rng.choice(["3400930000011", "0", "3400935000003"]),
                         "PHA_ACT_QSN": rng.choice(["1", "2", "-1"])})
            rows["ER_PHA_F"] += [line] * (2 if rng.random() < 0.03 else 1)
        if rng.random() < 0.2:
            rows["ER_ETE_F"].append(dict({name: claim[name] for name in KEY9}, ETE_IND_TAA=rng.choice(["0", "1", ""])))


def make_stays(rng, rows):
    for year in (2019, 2020):
        for number in range(90):
            stay = {"ETA_NUM": rng.choice(["750000001", "130000002"]), "RSA_NUM": f"{number:010}", "file_year": year}
            if rng.random() < 0.95:
                first = rng.randint(1, 20)
                rows["T_MCOaaC"].append(dict(
                    stay, NIR_ANO_17=rng.choice([f"psa{rng.randint(0, 52):014}"] * 8 + [DUMMY, "x" * 17, ""]),
                    RNG_NAI=rng.choice(["", "", "1", "2"]), EXE_SOI_DTD=f"{year}-03-{first:02}",
                    EXE_SOI_DTF=f"{year}-03-{first + 2:02}"))
            rows["T_MCOaaB"].append(dict(stay, DGN_PAL=rng.choice(["E119", "I10", "Z511"]),
                                         AGE_ANN=str(rng.randint(0, 99))))
            for _ in range(rng.randint(0, 3)):
                rows["T_MCOaaD"].append(dict(stay, ASS_DGN=rng.choice(["E119", "I10"])))


def make_rest(rng, rows):
    for number in range(50):
        rows["IR_IMB_R"].append({
            "BEN_NIR_PSA": f"psa{rng.randint(0, 52):014}" if rng.random() < 0.95 else "", "BEN_RNG_GEM": "1",
            "IMB_ALD_DTD": "2015-01-01", "IMB_ALD_DTF": rng.choice(["1600-01-01", "2030-01-01"]), "MED_MTF_COD": "E11"})
        rows["KI_CCI_R"].append({
            "DCD_IDT_ENC": f"cert{number}", "BEN_IDT_ANO": rng.choice([f"Person{number:03}", "", "PersonXXX"]),
            "DCD_IDT_TOP": rng.choice(["1", "1", "0"]), "BEN_DCD_DTE": "2019-05-06", "DCD_CIM_COD": "C509"})


def make(folder, seed):
    rng = random.Random(seed)
    rows = defaultdict(list, make_identities(rng))
    make_claims(rng, rows)
    make_stays(rng, rows)
    make_rest(rng, rows)
    os.makedirs(folder, exist_ok=True)
    for table, columns in COLUMNS.items():
        rng.shuffle(rows[table])
        files = defaultdict(list)
        for row in rows[table]:
            name = table
            if table.startswith("T_MCO"):
                name = table.replace("aa", str(row["file_year"] % 100))
            elif table.startswith("ER_"):
                name = f"{table}_{2019 + (row['FLX_DIS_DTD'] > '2019-02')}"
            files[name].append(row)
        for name, of_file in files.items():
            with open(os.path.join(folder, name + ".CSV"), "w", newline="\n") as out:
                order = columns[:]
                rng.shuffle(order)  # columns are found by name
                out.write(";".join(order) + "\n")
                for row in of_file:
                    out.write(";".join(row[column] for column in order) + "\n")


# ---- the twin ------------------------------------------------------------------------------------------------------


def read_rows(folder, table):
    """Each row as {column: value or None}: dates as days, the year of PMSI files as file_year."""
    rows = []
    for name in sorted(os.listdir(folder)):
        stem = name[:-4]
        year = None
        if table.startswith("T_MCO"):
            if not (stem.startswith("T_MCO") and stem[7:] == table[7:]):
                continue
            year = 2000 + int(stem[5:7])
        elif table.startswith("ER_"):
            if stem[:-5] != table:
                continue
        elif stem != table:
            continue
        with open(os.path.join(folder, name), newline="") as file:
            for record in csv.DictReader(file, delimiter=";"):
                row = {column: value or None for column, value in record.items()}
                for column in DATES & row.keys():
                    null = row[column] in (None, "1600-01-01")
                    row[column] = None if null else day(row[column])
                if year is not None:
                    row["file_year"] = year
                rows.append(row)
    return rows


def nobody(name, values):
    state = hashlib.blake2b(digest_size=32)
    state.update(name.encode() + b"\0")
    for value in values:
        state.update((b"\1" if value is None else str(value).encode()) + b"\0")
    return state.hexdigest()[:22]


class Identities:
    def __init__(self, folder):
        candidates = defaultdict(list)
        self.persons = set()
        self.rows = defaultdict(list)
        for order, table in enumerate(["IR_BEN_R", "IR_BEN_R_ARC"]):
            for row in read_rows(folder, table):
                person = row["BEN_IDT_ANO"]
                if person is None:
                    continue
                self.persons.add(person)
                newest = [-(row[name] if row[name] is not None else -10**6) for name in ("MAX_TRT_DTD", "BEN_DTE_MAJ")]
                candidates[(row["BEN_NIR_PSA"], int(row["BEN_RNG_GEM"]))].append((order, *newest, person))
        self.pair = {pair: min(found)[-1] for pair, found in candidates.items()}
        self.of_pseudonym = defaultdict(set)
        for (pseudonym, _), person in self.pair.items():
            self.of_pseudonym[pseudonym].add(person)

    def slot(self, pseudonym, rank, key):
        """The slot of a pair, or of a pseudonym when the rank is empty; `key` is the row's claim or stay."""
        if pseudonym is None:
            return "D" + key
        if rank is not None:
            person = self.pair.get((pseudonym, int(rank)))
            return "P" + person if person else f"U{pseudonym}/{int(rank)}"
        found = self.of_pseudonym.get(pseudonym, set())
        if len(found) > 1:
            return "A" + key
        return "P" + next(iter(found)) if found else f"U{pseudonym}/"


def slot_of_root(table, row, identities):
    if table in ("IR_BEN_R", "IR_BEN_R_ARC"):
        if row["BEN_IDT_ANO"]:
            return "P" + row["BEN_IDT_ANO"]
        return f"U{row['BEN_NIR_PSA']}/{int(row['BEN_RNG_GEM'])}"
    if table == "ER_PRS_F":
        key = nobody("claim", [row[name] for name in KEY9])
        dummy = row["BEN_CDI_NIR"] in ("01", "05", "06", "08", "09", "11", "12", "13", "14", "15")
        return "D" + key if dummy else identities.slot(row["BEN_NIR_PSA"], row["BEN_RNG_GEM"], key)
    if table == "T_MCOaaC":
        key = nobody("mco_stay", [row["ETA_NUM"], row["RSA_NUM"], row["file_year"]])
        if row["NIR_ANO_17"] in (DUMMY, "x" * 17):
            return "D" + key
        return identities.slot(row["NIR_ANO_17"], row["RNG_NAI"], key)
    if table == "KI_CCI_R":
        if row["DCD_IDT_TOP"] == "1" and row["BEN_IDT_ANO"]:
            return ("P" if row["BEN_IDT_ANO"] in identities.persons else "U") + row["BEN_IDT_ANO"]
        return "D" + nobody("certificate", [row["DCD_IDT_ENC"]])
    if row["BEN_NIR_PSA"] is None:
        return None  # IR_IMB_R has no key: its nobody slot hashes the whole row, known by its kind only
    return identities.slot(row["BEN_NIR_PSA"], row["BEN_RNG_GEM"], "")


def resolve(folder):
    """{table: [(slot, row, identity of the parent or None)]}, duplicates of keyed tables out."""
    identities = Identities(folder)
    result = {}
    for table in COLUMNS:
        if table not in PARENT:
            result[table] = [(slot_of_root(table, row, identities), row, None) for row in read_rows(folder, table)]
    for table, parent in PARENT.items():
        name, key = KEYS[parent]
        slots = defaultdict(set)
        for slot, row, _ in result[parent]:
            slots[tuple(row[column] for column in key)].add(slot)
        result[table] = []
        for row in read_rows(folder, table):
            value = tuple(row[column] for column in key)
            found = slots.get(value)
            # Of several slots the one with the smallest hash counts: the check accepts any of them.
            slot = frozenset(found) if found else "O" + nobody(name, value)
            result[table].append((slot, row, value if found else None))
    return result


# ---- comparing -----------------------------------------------------------------------------------------------------


def decode(dataset, dictionaries):
    values = dataset[:].tolist()
    kind = dataset.attrs["type"].decode() if isinstance(dataset.attrs["type"], bytes) else dataset.attrs["type"]
    null = dataset.attrs.get("null")
    if kind == "id":
        return [value.decode() or None for value in values]
    values = [None if null is not None and value == null else value for value in values]
    if kind in ("code", "text"):
        name = dataset.attrs["dictionary"]
        texts = dictionaries[name.decode() if isinstance(name, bytes) else name]
        return [None if value is None else texts[value] for value in values]
    scale = int(dataset.attrs.get("scale", 0))
    return [None if value is None else value / 10**scale if scale else value for value in values]


def read_dictionaries(store):
    import h5py
    result = {}
    with h5py.File(os.path.join(store, "dictionaries.h5")) as file:
        text, first = bytes(file["bytes"][:]), file["first"][:].tolist()
        offset = [0, *itertools.accumulate(file["length"][:].tolist())]
        for name, low, high in zip(file["name"][:], first[:-1], first[1:]):
            ends = offset[low:high + 1]
            result[name.decode()] = [text[a:b].decode() for a, b in zip(ends[:-1], ends[1:])]
    return result


def read_store(store):
    """{table: [(slot, {column: value}, parent row index or None)]} and the slots of patients."""
    import h5py
    dictionaries = read_dictionaries(store)
    result = defaultdict(list)
    for folder, _, names in sorted(os.walk(os.path.join(store, "shards"))):
        for name in names:
            with h5py.File(os.path.join(folder, name)) as file:
                keys = [key.decode() for key in file["slots/key"][:].tolist()]
                starts = {}
                for table, group in file.items():
                    if "slot_rows" not in group:
                        continue
                    starts[table], count = [], len(result[table])
                    slots = []
                    for key, rows in zip(keys, group["slot_rows"][:].tolist()):
                        starts[table].append(count + len(slots))
                        slots += [key] * rows
                    columns = {column: decode(group[column], dictionaries) for column in group
                               if column not in ("slot_rows", "parent", "file")}
                    for i, slot in enumerate(slots):
                        result[table].append([slot, {c: values[i] for c, values in columns.items()}, None])
                for table, group in file.items():
                    if "parent" not in group:
                        continue
                    links = group["parent"][:]
                    null = {1: 255, 2: 65535, 4: 2**32 - 1}[links.dtype.itemsize]
                    first = starts[table][0]
                    at = dict(zip(keys, starts[PARENT[table]])) if PARENT.get(table) in starts else {}
                    for i, link in enumerate(links.tolist()):
                        row = result[table][first + i]
                        row[2] = None if link == null else at[row[0]] + link
    return result


def same(column, wanted, got):
    if wanted is None or got is None:
        return wanted is None and got is None
    if isinstance(got, str):
        return str(wanted) == got
    return abs(float(wanted) - float(got)) < 1e-9


def normal(column, value):
    """CSV text and stored value in one form."""
    if value is None:
        return None
    if column == "PHA_PRS_C13" and float(value) == 0:
        return None
    if column in ("BEN_NAI_ANN",) and str(value) == "0000":
        return None
    if column in ("BEN_NIR_PSA", "BEN_IDT_ANO", "NIR_ANO_17", "RSA_NUM", "DCD_IDT_ENC"):
        return str(value)
    try:
        return f"{float(value):g}" if column not in ("BEN_RES_DPT", "BEN_RES_COM", "BEN_CDI_NIR") else str(value)
    except ValueError:
        return str(value)


def content(table, row):
    """A row as a tuple of its delivered columns, in a fixed order."""
    columns = COLUMNS[table] + (["file_year"] if table.startswith("T_MCO") else [])
    return tuple(normal(column, row.get(column)) for column in columns)


def check_table(table, expected, stored, everything):
    problems = []
    wanted = Counter()
    keyed = table != "IR_IMB_R" and table not in ("ER_ETE_F", "T_MCOaaB", "T_MCOaaD")
    by_content = defaultdict(list)
    for slot, row, _ in expected:
        if keyed and content(table, row) in by_content:
            continue  # a duplicate
        by_content[content(table, row)].append(slot)
        wanted[content(table, row)] += 1
    got = Counter()
    for slot, row, parent in stored:
        if parent is not None:  # the parent shows the key
            key = KEYS[PARENT[table]][1]
            above = everything[PARENT[table]][parent]
            if above[0] != slot:
                problems.append(f"{table}: a parent in another slot")
            row = dict(row, **{column: above[1].get(column) for column in key})
            for name in ("event_date", "event_end"):
                if row.get(name) != above[1].get(name):
                    problems.append(f"{table}: {name} is not the parent's")
        elif table in EVENT:
            for name, column in zip(("event_date", "event_end"), EVENT[table]):
                if column and row.get(name) != row.get(column):
                    problems.append(f"{table}: {name} is not {column}")
        this = content(table, row)
        got[this] += 1
        slots = by_content.get(this, [])
        fits = any(slot == w or (isinstance(w, frozenset) and slot in w) or (w is None and slot[0] == "D") for w in slots)
        if not fits:
            problems.append(f"{table}: a row in slot kind {slot[0]}, expected {[str(w)[0] for w in slots][:3]}")
        if table in PARENT and (parent is None) != (slot[0] == "O"):
            problems.append(f"{table}: a link that does not fit its slot")
    if got != wanted:
        problems.append(f"{table}: {sum((wanted - got).values())} rows missing, {sum((got - wanted).values())} too many")
    return problems


def check_person(folder, stored):
    problems = []
    rows = defaultdict(list)
    for order, table in enumerate(["IR_BEN_R", "IR_BEN_R_ARC"]):
        for row in read_rows(folder, table):
            person = row["BEN_IDT_ANO"]
            slot = "P" + person if person else f"U{row['BEN_NIR_PSA']}/{int(row['BEN_RNG_GEM'])}"
            rows[slot].append((order, row))
    seen = set()
    for slot, person, _ in stored:
        seen.add(slot)
        if person["patient"] != slot[1:] or bool(person["resolved"]) != (slot[0] == "P"):
            problems.append("PERSON: patient or resolved is wrong")
        of_person = rows.get(slot, [])
        deaths = [row["BEN_DCD_DTE"] for _, row in of_person if row["BEN_DCD_DTE"] is not None]
        if person.get("death_date") != (min(deaths) if deaths else None):
            problems.append("PERSON: death_date is not the earliest")
        if not of_person:
            continue
        ages = [[row[n] if row[n] is not None else -10**6 for n in ("MAX_TRT_DTD", "BEN_DTE_MAJ")] for _, row in of_person]
        newest = [row for (_, row), age in zip(of_person, ages) if age == max(ages)]
        fits = False
        for row in newest:  # ties go by content: any of them is accepted here
            year = None if row["BEN_NAI_ANN"] in (None, "0000") else int(row["BEN_NAI_ANN"])
            sex = {"1": "M", "2": "F"}.get(row["BEN_SEX_COD"])
            fits |= (person.get("birth_year") == year and person.get("sex") == sex and
                     person.get("BEN_RES_DPT") == row["BEN_RES_DPT"] and person.get("BEN_RES_COM") == row["BEN_RES_COM"])
        if not fits:
            problems.append("PERSON: not the newest identity row")
    if not set(rows) <= seen:
        problems.append("PERSON: persons are missing")
    return problems


def check(folder, store):
    expected, stored = resolve(folder), read_store(store)
    with open(os.path.join(store, "store.json")) as file:
        tables = json.load(file)["tables"]
    problems = check_person(folder, stored["PERSON"])
    for table in COLUMNS:
        problems += check_table(table, expected[table], stored[table], stored)
        count = tables[table]
        if count["rows_read"] != len(expected[table]) or count["rows_stored"] != len(stored[table]) or \
                count["rows_read"] != count["rows_stored"] + count["rows_rejected"]:
            problems.append(f"{table}: counts of the manifest")
        orphans = sum(1 for row in stored[table] if row[0][0] == "O")
        if count["rows_orphan"] != orphans:
            problems.append(f"{table}: rows_orphan {count['rows_orphan']}, found {orphans}")
    for problem, count in Counter(problems).items():
        print(f"{problem} ({count} times)")
    return 1 if problems else 0


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2], int(sys.argv[3]))
    else:
        sys.exit(check(sys.argv[2], sys.argv[3]))
