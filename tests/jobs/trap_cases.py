"""The traps of docs/traps.md as the files of a delivery show them: an independent count of each, by
plain reading. Rows that are equal in all fields count once, but for T59 (who counts the others).
"""
import collections
import csv
import datetime
import glob
import os
import re

import synth_truth

NOBODY = {"01", "05", "06", "08", "09", "11", "12", "13", "14", "15"}
MONTHS = {name: k + 1 for k, name in enumerate(
    "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split())}
CHILDREN = {"PHA": "PHA_ORD_NUM", "CAM": "CAM_ORD_NUM", "BIO": "BIO_ORD_NUM"}


def day(text):
    """A day in any of the five forms."""
    if re.fullmatch(r"\d{9,}", text):
        return datetime.date(1960, 1, 1) + datetime.timedelta(seconds=int(text))
    found = re.fullmatch(r"(\d\d)([A-Z]{3})(\d{4})(:00:00:00)?", text)
    if found:
        return datetime.date(int(found[3]), MONTHS[found[2]], int(found[1]))
    return synth_truth.day(text)


def cents(text):
    return round(float(text.replace(",", ".")) * 100)


class Files:
    """The rows of a delivery's tables, each once."""

    def __init__(self, folder):
        self.folder = folder
        self.twice = collections.Counter()

    def rows(self, pattern, columns=None):
        for path in sorted(glob.glob(f"{self.folder}/{pattern}")):
            seen = set()
            with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
                reader = csv.reader(file, delimiter=";")
                header = next(reader)
                for row in reader:
                    if columns:
                        key = tuple(row)
                        if key in seen:
                            self.twice[os.path.basename(path)] += 1
                            continue
                        seen.add(key)
                    yield path, dict(zip(header, row))


def hospitals_sent_twice():
    here = os.path.dirname(os.path.abspath(__file__))
    with open(f"{here}/../oracle/resolve.sql", encoding="utf-8") as file:
        return {code: (int(a), int(b)) for code, a, b in re.findall(r"\('(\d{9})', (\d{4}), (\d{4})\)", file.read())}


class Cases:
    """`count` {"T01": n}, and `fact` {name: value}: what the store must show beside the counts."""

    def __init__(self, folder):
        self.files = Files(folder)
        self.folder = folder
        self.count, self.fact = collections.Counter(), {}
        self.people()
        self.exemptions()
        self.claims()
        self.children()
        self.stays()
        self.deliveries()
        self.lists()

    def add(self, case, number=1):
        self.count[f"T{case:02d}"] += number

    def people(self):
        self.person, self.persons_of, self.death = {}, collections.defaultdict(set), {}
        psa, ranks, kinds, living = (collections.defaultdict(set) for _ in range(4))
        spelt = collections.defaultdict(set)
        self.fact["BEN_DCD_AME"] = 0
        for table in ("IR_BEN_R", "IR_BEN_R_ARC"):
            for _, row in self.files.rows(f"{table}.CSV"):
                person, pair = row["BEN_IDT_ANO"], (row["BEN_NIR_PSA"], row["BEN_RNG_GEM"])
                self.person.setdefault(pair, person)
                self.persons_of[pair[0]].add(self.person[pair])
                spelt[pair[0].lower()].add(pair[0])
                if row["BEN_DCD_DTE"] != "1600-01-01":
                    self.death[person] = min(row["BEN_DCD_DTE"], self.death.get(person, "9"))
                self.add(29, row["BEN_DCD_AME"] == "000101")
                living[person].add(table)
                if table == "IR_BEN_R":
                    self.fact["BEN_DCD_AME"] += row["BEN_DCD_AME"] not in ("000101", "160001")
                    psa[person].add(pair[0])
                    ranks[person, pair[0]].add(pair[1])
                    kinds[person].add((row["BEN_SEX_COD"], row["BEN_NAI_ANN"]))
        self.add(1, sum(len(v) > 1 for v in psa.values()))
        self.add(3, sum(len(p) == 18 for p in living))
        self.add(4, sum(v == {"IR_BEN_R_ARC"} for v in living.values()))
        self.add(8, sum(len(v) > 1 for v in kinds.values()))
        self.add(9, sum(len(v) > 1 for v in ranks.values()))
        self.fact["told apart by case"] = sum(len(v) - 1 for v in spelt.values())
        self.add(10, self.fact["told apart by case"])

    def exemptions(self):
        for _, row in self.files.rows("IR_IMB_R.CSV"):
            first, last = row["IMB_ALD_DTD"], row["IMB_ALD_DTF"]
            bad = last != "1600-01-01" and last < first
            self.add(27, last == "1600-01-01")
            self.add(28, bad or last == "2099-12-31")
            self.fact["periods"] = self.fact.get("periods", 0) + bad
            self.add(50, row["UPD_DTE"] == "")
            self.add(51, row["IMB_ALD_NUM"] == "15" and row["MED_MTF_COD"].startswith("A30"))
            self.add(52, row["IMB_ETM_NAT"] == "11" and row["MED_MTF_COD"].startswith("E11"))

    def claims(self):
        self.key, cancelled, given, following = {}, [], collections.Counter(), {}
        days, paid, lines, pseudonyms = collections.Counter(), 0, collections.Counter(), set()
        for _, row in self.files.rows("ER_PRS_F_*.CSV", columns=True):
            psa, rank = row["BEN_NIR_PSA"].rstrip(), row["BEN_RNG_GEM"]
            when, flow = day(row["EXE_SOI_DTD"]), row["FLX_DIS_DTD"]
            amount, sign = cents(row["PRS_PAI_MNT"]), int(row["PRS_ACT_NBR"])
            person = self.person.get((psa, rank))
            nobody = row["BEN_CDI_NIR"] in NOBODY or row["RGM_COD"] == "888"
            key = tuple(row[c] for c in synth_truth.KEY)
            self.key[key] = person if not nobody else None
            self.add(5, person is None and rank != "" and not nobody)
            self.add(7, nobody)
            self.add(9, rank == "")
            self.add(10, psa != row["BEN_NIR_PSA"])
            self.add(11, row["REM_TYP_AFF"] == "3")
            self.add(21, row["DPN_QLF"] == "71")
            self.add(22, row["DPN_QLF"] == "0" and row["PRS_DPN_QLP"] == "71" and row["CPL_AFF_COD"] == "16")
            self.add(23, row["DPN_QLF"] == "")
            self.add(24, row["CPL_MAJ_TOP"] == "2")
            self.add(25, when.month == 12 and (int(flow[:4]) - when.year) * 12 + int(flow[5:7]) > 13)
            self.add(26, flow[5:7] == "01")
            self.add(30, not re.fullmatch(r"\d{4}-\d\d-\d\d", row["EXE_SOI_DTD"]))
            self.add(32, person in self.death and not nobody and str(when) > self.death[person])
            self.add(56, row["BEN_RES_DPT"] in (" ", "NULL", "NA"))
            self.add(57, "," in row["PRS_PAI_MNT"])
            days[str(when)] += 1
            pseudonyms.add(psa)
            self.fact["blank"] = self.fact.get("blank", 0) + (row["BEN_RES_DPT"] == " ")
            paid += amount
            lines[None if nobody else person, when.year] += 1
            care = (psa, when, row["PRS_NAT_REF"], row["PFS_EXE_NUM"], row["CPL_MAJ_TOP"])
            statement = key[:7]
            following[statement, int(key[7]), key[8]] = (care, amount, sign)
            if sign < 0:
                cancelled.append((care, amount, statement, int(key[7]), key[8]))
            else:
                given[care, amount] += 1
        for care, amount, statement, line, kind in cancelled:
            again = following.get((statement, line + 1, kind))
            less = -amount - int(-amount / 5)
            if given[care, -amount] == 0:
                self.add(20)
            elif again == (care, less, 1):
                self.add(18)
            else:
                self.add(19)
            given[care, -amount] -= 1
        self.add(58, sum(n >= 2000 for (person, _), n in lines.items() if person))
        self.fact.update(psa=len(pseudonyms), days=days, paid=paid, most_lines=max(n for (person, _), n in lines.items() if person), claims=len(self.key))

    def children(self):
        orphans, split, with_hospital = set(), 0, set()
        for table, number in CHILDREN.items():
            self.fact[f"orphans {table}"] = 0
            for _, row in self.files.rows(f"ER_{table}_F_*.CSV", columns=True):
                key = tuple(row[c] for c in synth_truth.KEY)
                if key not in self.key:
                    orphans.add(key)
                    self.fact[f"orphans {table}"] += 1
                if table != "PHA":
                    continue
                self.add(12, row[number] == "3" and key in self.key)
                self.add(43, row["PHA_PRS_C13"] in ("", "0"))
                self.add(44, "." in row["PHA_PRS_C13"])
                self.fact["refused CIP13"] = self.fact.get("refused CIP13", 0) + ("E" in row["PHA_PRS_C13"])
                if row["PHA_DEC_TOP"] == "D":
                    self.add(48)
                    split += int(row["PHA_DEC_QSU"]) * cents(row["PHA_DEC_PRU"])
        for _, row in self.files.rows("ER_ETE_F_*.CSV", columns=True):
            self.add(14, row["ETE_IND_TAA"] == "")
            with_hospital.add(tuple(row[c] for c in synth_truth.KEY))
        for _, row in self.files.rows("ER_UCD_F_*.CSV"):
            self.add(49, row["UCD_UCD_COD"].startswith("0"))
            self.fact["old UCD"] = self.fact.get("old UCD", 0) + (int(row["UCD_UCD_COD"]) < 10**7)
        self.add(13, len(self.key.keys() - with_hospital))
        self.add(15, len(orphans))
        self.add(59, self.files.twice.total())
        self.fact["split"] = split

    def stays(self):
        lists, before = hospitals_sent_twice(), set()
        self.fact.update({"M1": 0, "months over": 0})
        for path in sorted(glob.glob(f"{self.folder}/T_MCO[0-9][0-9]B.CSV")):
            here, year = set(), 2000 + int(os.path.basename(path)[5:7])
            for _, row in self.files.rows(os.path.basename(path)):
                stay = (row["ETA_NUM"], row["RSA_NUM"])
                here.add(stay)
                span = lists.get(stay[0])
                self.add(16, stay in before)
                self.add(17, stay[1][0].isalpha())
                self.add(34, span is not None)
                self.fact["M1"] += span is not None and span[0] <= year <= span[1]
                self.add(35, row["GRG_GHM"].startswith("90"))
                self.add(36, row["SEJ_TYP"] == "B")
                self.add(37, row["NBR_SEA"] == "13" and row["SEJ_NBJ"] == "")
                self.add(38, row["SOR_MOD"] == "7")
                self.add(41, row["AGE_ANN"] == "" and row["AGE_JOU"] == "0")
            before = here
        for path, row in self.files.rows("T_MCO[0-9][0-9]C.CSV"):
            dummy = row["NIR_ANO_17"] in synth_truth.DUMMY
            self.add(2, not dummy and row.get("RNG_NAI", "") == "" and len(self.persons_of[row["NIR_ANO_17"]]) > 1)
            self.add(6, dummy)
            self.add(31, len(row["ENT_DAT"]) == 7)
            self.add(33, row["EXE_SOI_DTF"] < row["EXE_SOI_DTD"])
        for _, row in self.files.rows("T_MCO[0-9][0-9]D.CSV"):
            self.add(42, row["ASS_DGN"][-1:] in (" ", "+"))
            self.fact["plus"] = self.fact.get("plus", 0) + row["ASS_DGN"].endswith("+")
        for path, row in self.files.rows("T_SSR[0-9][0-9]B.CSV"):
            self.add(39, row["MOI_ANN"][-2:] != os.path.basename(path)[5:7])
        for path, row in self.files.rows("T_HAD1[23]B.CSV"):
            self.add(40, "DGN_PAL" not in row)

    def deliveries(self):
        delivery = synth_truth.Delivery(self.folder)
        dates, large, lines = collections.defaultdict(set), set(), collections.Counter()
        for (person, when, cip, _), (boxes, given) in delivery.deliveries().items():
            lines[person, when.year] += given
            if boxes > 0:
                dates[person, when.year].add(when)
                if delivery.large[cip]:
                    large.add((person, when.year))
        years = {k: (len(dates.get(k, ())), k in large, n) for k, n in lines.items()}
        self.add(45, sum(n == 2 and is_large for n, is_large, _ in years.values()))
        self.add(46, sum(n == 1 and given >= 3 for n, _, given in years.values()))
        self.add(47, sum(is_spread(years, key) for key in years))
        self.fact["years"] = years

    def lists(self):
        for path in sorted(glob.glob(f"{self.folder}/*.CSV")):
            name = os.path.basename(path)
            with open(path, "rb") as file:
                head = file.readline()
                self.add(53, b"NEW_COLUMN" in head)
                if not re.fullmatch(r"IR_\w+_V\.CSV", name):
                    continue
                data = head + file.read()
            self.add(55, data.startswith(b"\xef\xbb\xbf") or data.endswith(b"\r\n") or not data.endswith(b"\n")
                     or data.count(b"\n") == 1)
        with open(f"{self.folder}/IR_PHA_R.CSV", "rb") as file:
            data = file.read()
        self.add(54, data.count(b'"SIROP\nENFANT"') + data.count(b";CR\xc8ME;") + data.count(b'"SOLUT\xc3\x89 ""FORT'))


def is_spread(years, key):
    """Three dates over two years, in neither of them enough."""
    person, year = key
    now, then = years[key], years.get((person, year - 1), (0, False, 0))
    enough = any(n >= 3 or (n >= 2 and is_large) for n, is_large, _ in (now, then))
    return not enough and now[0] > 0 and then[0] > 0 and now[0] + then[0] == 3
