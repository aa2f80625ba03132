#!/usr/bin/env python3
"""The slow obvious twin of the truth of `parcours synth`: reads a delivery's CSV files and judges
CNAM's rule of diabetes again, then checks what a clean delivery promises.

usage: synth_truth.py DELIVERY [--messy]
"""
import csv
import datetime
import glob
import json
import os
import sys

COMPLICATION = ("G590", "G632", "G730", "G990", "H280", "H360", "I792", "L97", "M142", "M146", "N083")
DIABETES = ("E10", "E11", "E12", "E13", "E14")
DUMMY = {"x" * 17, "X" * 16 + "D", "X" * 16 + "S", "X" * 16 + "E", "B" + "X" * 16}
KEY = ["FLX_DIS_DTD", "FLX_TRT_DTD", "FLX_EMT_TYP", "FLX_EMT_NUM", "FLX_EMT_ORD", "ORG_CLE_NUM",
       "DCT_ORD_NUM", "PRS_ORD_NUM", "REM_TYP_AFF"]


def rows(path):
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as f:
        yield from csv.DictReader(f, delimiter=";")


def all_rows(pattern):
    for path in sorted(glob.glob(pattern)):
        for row in rows(path):
            yield path, row


def day(text):
    if "/" in text:
        d, m, y = text.split("/")
        return datetime.date(int(y), int(m), int(d))
    return datetime.date.fromisoformat(text)


class Delivery:
    def __init__(self, folder):
        self.folder = folder
        with open(f"{folder}/truth.json", encoding="utf-8") as f:
            self.truth = json.load(f)
        self.years = [int(y) for y in self.truth["cohorts"]["diabete"]]
        self.person_of_pair, self.persons_of_psa = {}, {}
        for name in ("IR_BEN_R", "IR_BEN_R_ARC"):
            for row in rows(f"{folder}/{name}.CSV"):
                pair = (row["BEN_NIR_PSA"], row["BEN_RNG_GEM"])
                self.person_of_pair.setdefault(pair, row["BEN_IDT_ANO"])
        for (psa, _), person in self.person_of_pair.items():
            self.persons_of_psa.setdefault(psa, set()).add(person)

    def check_people(self):
        assert len(set(self.person_of_pair.values())) == self.truth["patients"], "number of persons"

    def claims(self):
        """key -> (person, day, prescriber, valid) of the claims that a delivery hangs on."""
        wanted = set()
        for _, row in all_rows(f"{self.folder}/ER_PHA_F_*.CSV"):
            if self.atc.get(row["PHA_PRS_C13"], "").startswith("A10"):
                wanted.add(tuple(row[c] for c in KEY))
        activity = {}
        for _, row in all_rows(f"{self.folder}/ER_ETE_F_*.CSV"):
            key = tuple(row[c] for c in KEY)
            if key in wanted:
                activity[key] = row["ETE_IND_TAA"]
        found = {}
        for _, row in all_rows(f"{self.folder}/ER_PRS_F_*.CSV"):
            key = tuple(row[c] for c in KEY)
            if key not in wanted:
                continue
            person = self.person_of_pair.get((row["BEN_NIR_PSA"].rstrip(), row["BEN_RNG_GEM"]))
            valid = (row["DPN_QLF"] not in ("71", "72") and row["PRS_DPN_QLP"] not in ("71", "72")
                     and activity.get(key, "") != "1" and row["BSE_PRS_NAT"] != "0"
                     and (row["CPL_MAJ_TOP"] == "" or int(row["CPL_MAJ_TOP"]) < 2))
            found[key] = (person, day(row["EXE_SOI_DTD"]), row["PFS_PRE_NUM"], valid)
        return found

    def deliveries(self):
        """(person, day, package, prescriber) -> [boxes, lines that are no cancellation]."""
        self.atc, self.large = {}, {}
        for row in rows(f"{self.folder}/IR_PHA_R.CSV"):
            self.atc[row["PHA_CIP_C13"]] = row["PHA_ATC_CLA"]
            self.large[row["PHA_CIP_C13"]] = row["PHA_GRD_CND"] == "GC"
        claims, groups = self.claims(), {}
        for _, row in all_rows(f"{self.folder}/ER_PHA_F_*.CSV"):
            cip = row["PHA_PRS_C13"]
            atc = self.atc.get(cip, "")
            if not atc.startswith("A10") or atc.startswith("A10BX06"):
                continue
            person, when, prescriber, valid = claims[tuple(row[c] for c in KEY)]
            if person is None or not valid:
                continue
            group = groups.setdefault((person, when, cip, prescriber), [0, 0])
            group[0] += int(row["PHA_ACT_QSN"])
            group[1] += int(row["PHA_ACT_QSN"]) > 0
        return groups

    def treated(self):
        dates, large = {}, set()
        for (person, when, cip, _), (quantity, _) in self.deliveries().items():
            if quantity <= 0:
                continue
            dates.setdefault((person, when.year), set()).add(when)
            if self.large[cip]:
                large.add((person, when.year))
        return {k for k, v in dates.items() if len(v) >= 3 or (len(v) >= 2 and k in large)}

    def alds(self):
        out = set()
        for row in rows(f"{self.folder}/IR_IMB_R.CSV"):
            if row["IMB_ETM_NAT"] not in ("41", "43", "45"):
                continue
            if not row["MED_MTF_COD"].startswith(DIABETES):
                continue
            person = self.person_of_pair.get((row["BEN_NIR_PSA"], row["BEN_RNG_GEM"]))
            first = day(row["IMB_ALD_DTD"])
            last = day(row["IMB_ALD_DTF"])
            if last.year == 1600:
                last = datetime.date.max
            if last < first:
                continue
            for year in self.years:
                if first.year <= year <= last.year:
                    out.add((person, year))
        return out

    def stays(self):
        out = set()
        for path in sorted(glob.glob(f"{self.folder}/T_MCO[0-9][0-9]C.CSV")):
            base = path[:-len("C.CSV")]
            stay = {}
            for row in rows(path):
                codes = [row[c] for c in row if c in (
                    "NIR_RET", "NAI_RET", "SEX_RET", "SEJ_RET", "FHO_RET", "PMS_RET", "DAT_RET",
                    "COH_NAI_RET", "COH_SEX_RET")]
                persons = self.persons_of_psa.get(row["NIR_ANO_17"], set())
                good = row["NIR_ANO_17"] not in DUMMY and len(persons) == 1
                good = good and all(c == "0" for c in codes)
                stay[row["ETA_NUM"], row["RSA_NUM"]] = {
                    "person": next(iter(persons), None), "good": good,
                    # before 2009 a stay has no dates, so it lies in no year
                    "end": day(row["EXE_SOI_DTF"]).year if "EXE_SOI_DTF" in row else None,
                    "main": [], "all": []}
            for row in rows(base + "B.CSV"):
                s = stay[row["ETA_NUM"], row["RSA_NUM"]]
                s["main"] = [row["DGN_PAL"], row["DGN_REL"]]
                s["good"] = (s["good"] and not row["GRG_GHM"].startswith("90") and row["SEJ_TYP"] != "B"
                             and row.get("TYP_GEN_RSA", "") in ("", "0"))
            for table, names in (("D", ["ASS_DGN"]), ("UM", ["DGN_PAL", "DGN_REL"])):
                for row in rows(f"{base}{table}.CSV"):
                    stay[row["ETA_NUM"], row["RSA_NUM"]]["all"] += [row.get(c, "") for c in names]
            for s in stay.values():
                main = any(c.startswith(DIABETES) for c in s["main"])
                pair = any(c.startswith(COMPLICATION) for c in s["main"]) and any(
                    c.startswith(DIABETES) for c in s["all"])
                if s["good"] and (main or pair):
                    out.add((s["person"], s["end"]))
        return out

    def check_truth(self):
        treated, alds, stays = self.treated(), self.alds(), self.stays()
        persons = set(self.person_of_pair.values())
        for year in self.years:
            found = {p for p in persons if (p, year) in treated or (p, year - 1) in treated
                     or (p, year) in alds or (p, year) in stays or (p, year - 1) in stays}
            want = self.truth["cohorts"]["diabete"][str(year)]
            assert len(found) == want, f"diabete {year}: truth says {want}, the files {len(found)}"


def check_clean(folder):
    """Keys unique, children with parents, dates in order, codes known, check digits right."""
    known = {}
    for name in ("IR_CIM_V", "IR_CCAM_V63", "IR_BIO_R", "IR_NAT_V", "IR_SPE_V", "IR_DPT_V"):
        known[name] = {next(iter(r.values())) for r in rows(f"{folder}/{name}.CSV")}
    packages = {r["PHA_CIP_C13"] for r in rows(f"{folder}/IR_PHA_R.CSV")}
    for code in packages:
        digits = [int(c) for c in code]
        assert len(code) == 13 and code.startswith("34009")
        assert sum(d * (3 if k % 2 else 1) for k, d in enumerate(digits)) % 10 == 0, "check digit"
    parents = set()
    for path, row in all_rows(f"{folder}/ER_PRS_F_*.CSV"):
        key = tuple(row[c] for c in KEY)
        assert key not in parents, f"{path}: a key twice"
        parents.add(key)
        assert row["FLX_DIS_DTD"][:4] in path and row["FLX_DIS_DTD"].endswith("-01")
        assert row["EXE_SOI_DTD"] <= row["FLX_TRT_DTD"] < row["FLX_DIS_DTD"], f"{path}: dates"
        assert row["PRS_NAT_REF"] in known["IR_NAT_V"] and row["PSE_SPE_COD"] in known["IR_SPE_V"]
        assert row["BEN_RES_DPT"] in known["IR_DPT_V"]
    for table, number, code, names in (("PHA", "PHA_ORD_NUM", "PHA_PRS_C13", packages),
                                       ("CAM", "CAM_ORD_NUM", "CAM_PRS_IDE", known["IR_CCAM_V63"]),
                                       ("BIO", "BIO_ORD_NUM", "BIO_PRS_IDE", known["IR_BIO_R"]),
                                       ("ETE", None, None, None)):
        seen = set()
        for path, row in all_rows(f"{folder}/ER_{table}_F_*.CSV"):
            key = tuple(row[c] for c in KEY)
            assert key in parents, f"{path}: a child without its parent"
            full = key + ((row[number],) if number else ())
            assert full not in seen, f"{path}: a key twice"
            seen.add(full)
            assert code is None or row[code] in names or row[code] in ("", "0"), f"{path}: {code} {row[code]}"
    for path in sorted(glob.glob(f"{folder}/T_MCO[0-9][0-9]C.CSV")):
        base, stays = path[:-5], set()
        for row in rows(path):
            key = (row["ETA_NUM"], row["RSA_NUM"])
            assert key not in stays, f"{path}: a stay twice"
            assert row["EXE_SOI_DTD"] <= row["EXE_SOI_DTF"], f"{path}: dates"
            stays.add(key)
        assert {(r["ETA_NUM"], r["RSA_NUM"]) for r in rows(base + "B.CSV")} == stays
        for table, name, codes in (("D", "ASS_DGN", "IR_CIM_V"), ("A", "CDC_ACT", "IR_CCAM_V63"),
                                   ("UM", "DGN_PAL", "IR_CIM_V"), ("B", "DGN_PAL", "IR_CIM_V")):
            for row in rows(f"{base}{table}.CSV"):
                assert (row["ETA_NUM"], row["RSA_NUM"]) in stays, f"{base}{table}: no such stay"
                assert row[name] in known[codes], f"{base}{table}: code {row[name]}"


def main():
    folder = sys.argv[1]
    delivery = Delivery(folder)
    delivery.check_people()
    delivery.check_truth()
    if "--messy" not in sys.argv:
        check_clean(folder)
    print(f"{os.path.basename(folder)}: the truth is found again")


if __name__ == "__main__":
    main()
