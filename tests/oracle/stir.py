"""stir.py DELIVERY RULES SEED: puts codes that the rules of cartographie.json ask for into a delivery, in place, at random.

Nature has few transplants and no vasculitis among some hundred people. Of the fields below a part gets a code that some
rule names, as it is, with more characters behind it, or cut short by one: inside, outside and at the edge of the lists.
The drugs change in the reference of packages.
"""
import json
import os
import random
import re
import sys

FIELDS = {  # system and share of the fields that change
    "IR_IMB_R": {"MED_MTF_COD": ("icd", 0.6), "IMB_ETM_NAT": ("kind", 0.3)},
    "T_MCOB": {"DGN_PAL": ("icd", 0.5), "DGN_REL": ("icd", 0.3), "GRG_GHM": ("ghm", 0.2)},
    "T_MCOUM": {"DGN_PAL": ("icd", 0.4), "DGN_REL": ("icd", 0.2)}, "T_MCOD": {"ASS_DGN": ("icd", 0.5)},
    "T_MCOA": {"CDC_ACT": ("ccam", 0.2)}, "T_MCOFMSTC": {"CCAM_COD": ("ccam", 0.2)}, "T_MCOFLSTC": {"NABM_COD": ("nabm", 0.2)},
    "T_HADB": {"DGN_PAL": ("icd", 0.5)}, "T_RIPRSA": {"DGN_PAL": ("icd", 0.7)}, "T_RIPRSAD": {"ASS_DGN": ("icd", 0.7)},
    "T_SSRB": {"MOR_PRP": ("icd", 0.5), "ETL_AFF": ("icd", 0.5)}, "T_SSRD": {"DGN_COD": ("icd", 0.5)},
    "ER_PRS_F": {"PRS_NAT_REF": ("nature", 0.03), "RGO_ASU_NAT": ("insurance", 0.005)},
    "ER_CAM_F": {"CAM_PRS_IDE": ("ccam", 0.2)}, "ER_BIO_F": {"BIO_PRS_IDE": ("nabm", 0.05)}, "IR_PHA_R": {"PHA_ATC_CLA": ("atc", 0.7)},
}


def collect(rule, out):
    """All codes of a rule by system."""
    names = {"icd": "icd", "not_icd": "icd", "unless_only": "icd", "atc": "atc", "not_atc": "atc", "ghm": "ghm", "prefix": "ghm",
             "prs_nat": "nature", "rgo_asu_nat": "insurance", "without_act": "ccam", "ccam": "ccam"}
    kind = {"ccam": "ccam", "nabm": "nabm", "prs_nat": "nature"}
    for key, value in rule.items():
        if isinstance(value, dict):
            collect(value, out)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for each in value:
                collect(each, out)
        elif key in names or key == "codes":
            system = names.get(key) or kind[rule["t"]]
            for code in [value] if isinstance(value, str) else value:
                out.setdefault(system, set()).add(code.split()[0])


def table_of(name):
    return re.sub(r"_\d{4}$|(?<=^T_MCO)\d\d|(?<=^T_SSR)\d\d|(?<=^T_HAD)\d\d|(?<=^T_RIP)\d\d", "", name[:-4])


def pick(rules, system, chance):
    """A code of a rule taken at random, so that one with a single code is met as often as a long list."""
    code = chance.choice(sorted(chance.choice([rule for rule in rules if system in rule])[system]))
    if system in ("icd", "atc", "ghm") and chance.random() < 0.4:
        return code + chance.choice("0123489")
    if system in ("icd", "atc", "ghm") and chance.random() < 0.1:
        return code[:-1]
    return code


def main():
    folder, rules, seed = sys.argv[1], sys.argv[2], int(sys.argv[3])
    codes = [{"kind": {"41", "43", "45", "42", "44"}, "icd": {"Z510", "Z511"}}]
    with open(rules, encoding="utf-8") as file:
        for rule in json.load(file):
            codes.append({})
            collect(rule, codes[-1])
    for name in sorted(os.listdir(folder)):
        fields = FIELDS.get(table_of(name))
        if fields is None:
            continue
        chance = random.Random(f"{seed} {name}")
        path = os.path.join(folder, name)
        with open(path, encoding="latin-1", newline="") as file:
            lines = file.read().split("\n")
        header = lines[0].rstrip("\r").removeprefix("\xef\xbb\xbf").split(";")
        places = [(header.index(field), *how) for field, how in fields.items()
                  if field in header and any(how[0] in rule for rule in codes)]
        for i in range(1, len(lines)):
            row = lines[i].split(";")
            if len(row) != len(header) or '"' in lines[i]:
                continue
            for place, system, share in places:
                if chance.random() < share and place < len(header) - 1:
                    row[place] = pick(codes, system, chance)
            lines[i] = ";".join(row)
        with open(path, "w", encoding="latin-1", newline="") as file:
            file.write("\n".join(lines))


if __name__ == "__main__":
    main()
