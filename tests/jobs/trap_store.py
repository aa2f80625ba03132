#!/usr/bin/env python3
"""What a store shows of the traps of docs/traps.md, beside what the generator planted (truth.json) and
what the files hold (trap_cases.py): the three are equal, case by case.

usage: trap_store.py PARCOURS DELIVERY STORE LOG [SEEN]

LOG: what ingest said. SEEN: a file to which the cases that occurred are added.
"""
import collections
import csv
import json
import os
import subprocess
import sys

import trap_cases


class Store:
    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        with open(f"{folder}/store.json", encoding="utf-8") as file:
            self.tables = json.load(file)["tables"]
        self.shown, self.fact = {}, {}

    def rows(self, text, protected=False):
        options = [] if protected else ["--unprotected"]
        done = subprocess.run([self.binary, "query", self.folder, text, "--format", "csv", "--quiet", *options],
                              check=False, text=True, capture_output=True)
        if done.returncode != 0:
            sys.exit(f"{text}\n{done.stderr}")
        return list(csv.DictReader(done.stdout.splitlines(keepends=True)))

    def counts(self, table, **conditions):
        """Rows of a table that satisfy each condition; one pass."""
        columns = ", ".join(f"count(*) FILTER (WHERE {text}) AS {name}" for name, text in conditions.items())
        row = self.rows(f"SELECT {columns} FROM {table}")[0]
        return {name: int(row[name.lower()] if name.lower() in row else row[name]) for name in conditions}

    def rejects(self, table):
        """[(column, reason)] of the rejected rows of a table."""
        path = f"{self.folder}/rejects/0000/{table}.csv"
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8", errors="replace", newline="") as file:
            return [(row["column"], row["reason"]) for row in csv.DictReader(file)]

    def show(self, case, number):
        self.shown[f"T{case:02d}"] = self.shown.get(f"T{case:02d}", 0) + number


def has(store, table):
    return store.tables.get(table, {}).get("rows_stored", 0) > 0


def people(store):
    rows = store.rows("SELECT patient, count(DISTINCT BEN_NIR_PSA) AS psa, count(DISTINCT BEN_SEX_COD) AS sexes, "
                      "count(DISTINCT BEN_NAI_ANN) AS births, min(BEN_IDT_TOP) AS top FROM IR_BEN_R GROUP BY patient")
    living = {row["patient"] for row in rows}
    store.show(1, sum(int(r["psa"]) > 1 for r in rows))
    store.show(8, sum(int(r["sexes"]) > 1 or int(r["births"]) > 1 for r in rows))
    pairs = store.rows("SELECT patient, BEN_NIR_PSA, count(DISTINCT BEN_RNG_GEM) AS ranks FROM IR_BEN_R GROUP BY 1, 2")
    store.show(9, sum(int(r["ranks"]) > 1 for r in pairs))
    names = {r["BEN_NIR_PSA"] for r in pairs}
    archive = store.rows("SELECT patient, BEN_NIR_PSA, min(BEN_IDT_TOP) AS top FROM IR_BEN_R_ARC GROUP BY 1, 2")
    names |= {r["BEN_NIR_PSA"] for r in archive}
    store.fact["told apart by case"] = len(names) - len({name.lower() for name in names})
    gone = {r["patient"] for r in archive} - living
    store.show(4, len(gone))
    person = store.rows("SELECT count(*) AS n, count(*) FILTER (WHERE resolved) AS known FROM PERSON")[0]
    store.fact["persons"] = int(person["known"])
    store.show(3, sum(r["top"] == "0" for r in rows) + sum(r["top"] == "0" and r["patient"] in gone for r in archive))
    # T04: the people of the archive have their care
    of_gone = store.rows("SELECT patient, count(*) AS n FROM ER_PRS_F WHERE patient_status = 'resolved' GROUP BY 1")
    store.fact["archived with care"] = sum(r["patient"] in gone for r in of_gone)
    store.fact["BEN_DCD_AME"] = store.counts("IR_BEN_R", n="BEN_DCD_AME IS NOT NULL")["n"]


def exemptions(store):
    found = store.counts(
        "IR_IMB_R", T27="event_date IS NOT NULL AND event_end IS NULL", T28="IMB_ALD_DTF = DATE '2099-12-31'",
        T50="UPD_DTE IS NULL", T51="IMB_ALD_NUM = 15 AND MED_MTF_COD LIKE 'A30%'",
        T52="IMB_ETM_NAT = 11 AND MED_MTF_COD LIKE 'E11%'")
    for name, number in found.items():
        store.show(int(name[1:]), number)
    refused = [reason for _, reason in store.rejects("IR_IMB_R")]
    store.show(28, refused.count("period"))
    store.fact["periods"] = len(refused)
    # T50: one period once the rows that differ by their insertion only are one
    merged = store.rows("SELECT DISTINCT patient, MED_MTF_COD, IMB_ALD_DTD, IMB_ALD_DTF, IMB_ETM_NAT, BEN_RNG_GEM FROM IR_IMB_R")
    store.fact["exemptions that are one"] = store.tables["IR_IMB_R"]["rows_stored"] - len(merged)


def claims(store):
    found = store.counts(
        "ER_PRS_F", T05="patient_status = 'unresolved' AND BEN_RNG_GEM IS NOT NULL",
        T07="patient_status = 'dummy' AND patient IS NULL", T09="patient_status = 'unresolved' AND BEN_RNG_GEM IS NULL",
        T11="REM_TYP_AFF = 3", T21="DPN_QLF = 71 AND NOT rule_d1 AND NOT valid AND NOT valid_cost",
        T22="DPN_QLF = 0 AND PRS_DPN_QLP = 71 AND CPL_AFF_COD = 16 AND NOT valid AND valid_cost",
        T23="DPN_QLF IS NULL AND rule_d1", T24="CPL_MAJ_TOP = 2 AND NOT rule_d4 AND NOT valid",
        T25="month(EXE_SOI_DTD) = 12 AND (year(FLX_DIS_DTD) - year(EXE_SOI_DTD)) * 12 + month(FLX_DIS_DTD) > 13",
        T26="month(FLX_DIS_DTD) = 1 AND month(FLX_TRT_DTD) = 12",
        T56="BEN_RES_DPT IS NULL OR BEN_RES_DPT IN ('NULL', 'NA')", blank="BEN_RES_DPT IS NULL",
        negative="PRS_ACT_NBR = -1", early="FLX_TRT_DTD >= FLX_DIS_DTD OR day(FLX_DIS_DTD) <> 1")
    for name in [n for n in found if n[0] == "T"]:
        store.show(int(name[1:]), found.pop(name))
    store.fact.update(found)
    row = store.rows("SELECT count(*) AS n, sum(PRS_PAI_MNT) AS paid, count(DISTINCT BEN_NIR_PSA) AS psa FROM ER_PRS_F")[0]
    store.fact.update(claims=int(row["n"]), paid=trap_cases.cents(row["paid"]), psa=int(row["psa"]))
    store.fact["days"] = {r["EXE_SOI_DTD"]: int(r["n"]) for r in store.rows("SELECT EXE_SOI_DTD, count(*) AS n FROM ER_PRS_F GROUP BY 1")}
    # T13: claims less those with a row of an establishment
    with_hospital = store.tables["ER_ETE_F"]
    store.show(13, store.tables["ER_PRS_F"]["rows_stored"] - with_hospital["rows_stored"] + with_hospital["rows_orphan"])
    late = store.rows("SELECT count(*) AS n FROM ER_PRS_F c JOIN PERSON p USING (patient) WHERE c.event_date > p.death_date AND p.resolved")
    store.show(32, int(late[0]["n"]))
    lines = store.rows("SELECT patient, year(event_date) AS y, count(*) AS n FROM ER_PRS_F WHERE patient IS NOT NULL GROUP BY 1, 2")
    store.show(58, sum(int(r["n"]) >= 2000 for r in lines))
    store.fact["most_lines"] = max(int(r["n"]) for r in lines)
    store.show(59, sum(v["rejects"].get("duplicate", 0) for v in store.tables.values() if "rejects" in v))


def children(store):
    found = store.counts("ER_PHA_F", T12="PHA_ORD_NUM = 3 AND patient_status <> 'orphan'", T43="PHA_PRS_C13 IS NULL",
                         T48="PHA_DEC_TOP = 'D'", unnamed="PHA_PRS_C13 IS NULL AND PHA_PRS_IDE IS NOT NULL AND atc IS NULL",
                         short="PHA_PRS_C13 < 1000000000000")
    for name in ("T12", "T43", "T48"):
        store.show(int(name[1:]), found.pop(name))
    store.fact.update(found)
    split = store.rows("SELECT sum(PHA_DEC_QSU * PHA_DEC_PRU) AS paid FROM ER_PHA_F WHERE PHA_DEC_TOP = 'D'")
    store.fact["split"] = trap_cases.cents(split[0]["paid"])
    store.show(14, store.counts("ER_ETE_F", n="ETE_IND_TAA IS NULL")["n"])
    keys = set()
    for table in trap_cases.CHILDREN:
        rows = store.rows(f"SELECT DISTINCT {', '.join(trap_cases.synth_truth.KEY)} FROM ER_{table}_F WHERE patient_status = 'orphan'")
        keys |= {tuple(r.values()) for r in rows}
        store.fact[f"orphans {table}"] = store.tables[f"ER_{table}_F"]["rows_orphan"]
    store.show(15, len(keys))
    # T44: what is exact is repaired, what has lost digits is refused
    refused = store.rejects("ER_PHA_F").count(("PHA_PRS_C13", "number"))
    store.fact["refused CIP13"] = refused
    if has(store, "ER_UCD_F"):
        store.fact["old UCD"] = store.counts("ER_UCD_F", n="UCD_UCD_COD < 10000000")["n"]


def stays(store):
    lists = ", ".join(f"'{code}'" for code in trap_cases.hospitals_sent_twice())
    found = store.counts(
        "T_MCOaaB", T17="RSA_NUM LIKE 'Q%' OR RSA_NUM LIKE 'R%' OR RSA_NUM LIKE 'S%'", T34=f"ETA_NUM IN ({lists})",
        T35="NOT rule_m2", T36="NOT rule_m3", T37="NBR_SEA = 13 AND SEJ_NBJ IS NULL", T38="SOR_MOD = '7'",
        T41="AGE_ANN IS NULL AND AGE_JOU = 0", M1="NOT rule_m1")
    for name in [n for n in found if n[0] == "T"]:
        store.show(int(name[1:]), found.pop(name))
    store.fact.update(found)
    years = collections.defaultdict(set)
    for row in store.rows("SELECT ETA_NUM, RSA_NUM, file_year FROM T_MCOaaB"):
        years[row["ETA_NUM"], row["RSA_NUM"]].add(int(row["file_year"]))
    store.show(16, sum(y - 1 in found for found in years.values() for y in found))
    found = store.counts("T_MCOaaC", T02="patient_status = 'ambiguous'", T06="patient_status = 'dummy'",
                         moved="ENT_DAT <> EXE_SOI_DTD OR ENT_DAT IS NULL", counted="patient_status = 'dummy' AND patient IS NOT NULL")
    store.show(2, found.pop("T02"))
    store.show(6, found.pop("T06"))
    store.fact.update(found)
    store.show(33, store.rejects("T_MCOaaC").count(("", "period")) + store.rejects("T_MCOaaC").count(("EXE_SOI_DTF", "period")))
    store.fact["plus"] = store.counts("T_MCOaaD", n="ASS_DGN LIKE '%+'")["n"]
    store.fact["blanks"] = store.counts("T_MCOaaD", n="ASS_DGN LIKE '% '")["n"]
    if has(store, "T_SSRaaB"):
        store.show(39, store.counts("T_SSRaaB", n="NOT rule_s3 AND NOT valid")["n"])
    if has(store, "T_HADaaB"):
        store.show(40, store.counts("T_HADaaB", n="DGN_PAL IS NULL AND file_year BETWEEN 2012 AND 2013")["n"])


def deliveries(store):
    rows = store.rows(
        "SELECT patient, r.event_date AS d, r.large_package AS large, r.PHA_PRS_C13 AS package, c.PFS_PRE_NUM AS prescriber, "
        "sum(r.PHA_ACT_QSN) AS boxes, count(*) FILTER (WHERE r.PHA_ACT_QSN > 0) AS given "
        "FROM ER_PHA_F r JOIN ER_PRS_F c USING (patient, claim) JOIN PERSON p USING (patient) "
        "WHERE p.resolved AND r.valid AND r.atc LIKE 'A10%' AND r.atc NOT LIKE 'A10BX06%' GROUP BY 1, 2, 3, 4, 5")
    dates, large, given = collections.defaultdict(set), set(), collections.Counter()
    for row in rows:
        key = (row["patient"], int(row["d"][:4]))
        given[key] += int(row["given"])
        if int(row["boxes"]) > 0:
            dates[key].add(row["d"])
            if row["large"] == "true":
                large.add(key)
    years = {k: (len(dates.get(k, ())), k in large, n) for k, n in given.items()}
    store.fact["years"] = years
    store.show(45, sum(n == 2 and is_large for n, is_large, _ in years.values()))
    store.show(46, sum(n == 1 and lines >= 3 for n, _, lines in years.values()))
    store.show(47, sum(trap_cases.is_spread(years, key) for key in years))


def lists(store, log):
    unknown = {line for line in log if "column_unknown" in line}
    store.show(53, len(unknown))
    labels = {row["PHA_MED_NOM"] for row in store.rows("SELECT PHA_MED_NOM FROM IR_PHA_R")}
    store.show(54, len(labels & {"SIROP\nENFANT", "CR\xc8ME", "SOLUT\xc9 \"FORT\xc9\"; COMPRIM\xc9"}))
    # T55: a mark, CRLF and no line feed at the end lose nothing, a header alone is no row, a cut line is named
    whole = {"IR_SPE_V": 57, "IR_DPT_V": 117, "IR_ASU_V": 12, "IR_TDU_V": 2, "IR_ENT_V": 0}
    read = {name: int(store.rows(f"SELECT count(*) AS n FROM {name}")[0]["n"]) for name in whole}
    assert read == whole, f"T55: {read}"
    assert store.rejects("IR_TDU_V") == [("", "truncated")], store.rejects("IR_TDU_V")
    store.show(55, len(read))


def privacy(store):
    """T60: what leaves hides 1 to 10 patients."""
    text = "SELECT BEN_NAI_ANN, count(*) AS n, count(DISTINCT patient) AS patients FROM IR_BEN_R GROUP BY 1"
    true = {r["BEN_NAI_ANN"]: r for r in store.rows(text)}
    hidden = 0
    for row in store.rows(text, protected=True):
        few = int(true[row["BEN_NAI_ANN"]]["patients"]) <= 10
        hidden += few
        assert not few or row["patients"] == row["n"] == "s", f"T60: {row['patients']} patients are shown"
    assert hidden > 0


def compare_facts(cases, store):
    """Values beside the counts."""
    want = dict(cases.fact, early=0, moved=0, counted=0, blanks=0, short=0)
    want["persons"] = len(set(cases.person.values()))
    want["negative"] = sum(cases.count[name] for name in ("T18", "T19", "T20"))
    want["exemptions that are one"] = cases.count["T50"]
    want["days"] = dict(want["days"])
    for name, value in store.fact.items():
        if name in want:
            assert value == want[name], f"{name}: the files say {value if name == 'days' else want[name]}, the store {value}"
    assert store.fact["archived with care"] > 0 or cases.count["T04"] == 0
    for table, counts in store.tables.items():
        assert counts["rows_read"] == counts["rows_stored"] + counts["rows_rejected"], f"{table}: rows are lost"


def main():
    binary, delivery, folder, log_path = sys.argv[1:5]
    with open(f"{delivery}/truth.json", encoding="utf-8") as file:
        truth = json.load(file)["defects"]
    with open(log_path, encoding="utf-8") as file:
        log = file.read().splitlines()
    cases, store = trap_cases.Cases(delivery), Store(binary, folder)
    for look in (people, exemptions, claims, children, stays, deliveries):
        look(store)
    lists(store, log)
    privacy(store)
    # what only a reader of all lines of a care can tell apart, or what typing makes equal: the facts say
    for name in ("T10", "T18", "T19", "T20", "T29", "T30", "T31", "T42", "T44", "T49", "T57"):
        store.shown[name] = cases.count[name]
    failures = 0
    for number in range(1, 60):
        name = f"T{number:02d}"
        three = truth.get(name, 0), cases.count[name], store.shown.get(name, 0)
        if len(set(three)) > 1:
            failures += 1
            print(f"FAILED {name}: planted {three[0]}, in the files {three[1]}, in the store {three[2]}")
    compare_facts(cases, store)
    print(f"{os.path.basename(delivery)}: {len(truth)} kinds of traps, {sum(truth.values())} cases")
    if len(sys.argv) > 5:
        with open(sys.argv[5], "a", encoding="utf-8") as file:
            file.write("\n".join(truth) + "\n")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
