"""damage.py DELIVERY SEED: damages a delivery in place, at random, as real deliveries are damaged.

Rows are lost, given twice, given again with other content, and lose or swap the fields by which a
row finds its patient; some fields get what their type cannot hold. Every case has an answer in
docs/patients.md and docs/ingest.md, which the oracle and Parcours must both give.
"""
import os
import random
import re
import sys

JUNK = ["31/02/2019", "2019-13-01", "12a", "1e5", "99999999999999999999", "-", "NULL", " ", "\t", "0", "-1", "+7", "007",
        "3.0", "3,0", "3.5", "18APR2019:00:00:00", "28/02/2019", "1600-01-01", "2000000000", "x" * 70, "\xe9\xe8", "\x01"]
LOOSE = {  # fields that may be swapped with another row's or emptied
    "IR_BEN_R": ["BEN_IDT_ANO", "MAX_TRT_DTD", "BEN_DTE_MAJ", "BEN_DCD_DTE", "BEN_SEX_COD", "BEN_NAI_MOI", "BEN_NAI_ANN"],
    "IR_IMB_R": ["BEN_NIR_PSA", "BEN_RNG_GEM", "IMB_ALD_DTD", "IMB_ALD_DTF", "MED_MTF_COD", "IMB_ETM_NAT"],
    "ER_PRS_F": ["BEN_NIR_PSA", "BEN_RNG_GEM", "EXE_SOI_DTD", "EXE_SOI_DTF", "BEN_CDI_NIR", "DPN_QLF", "PRS_DPN_QLP",
                 "CPL_MAJ_TOP", "BSE_PRS_NAT", "CPL_AFF_COD", "RGM_COD"],
    "ER_ETE_F": ["ETE_IND_TAA"],
    "ER_PHA_F": ["PHA_PRS_C13", "PHA_ACT_QSN"],
    "T_MCOC": ["NIR_ANO_17", "RNG_NAI", "EXE_SOI_DTD", "EXE_SOI_DTF", "NIR_RET", "DAT_RET"],
    "T_MCOB": ["GRG_GHM", "SEJ_TYP", "TYP_GEN_RSA", "DGN_PAL", "DGN_REL"],
    "KI_CCI_R": ["BEN_IDT_ANO", "DCD_IDT_TOP", "BEN_DCD_DTE"],
}
KEYED = ("IR_BEN_R", "ER_", "T_MCOB", "T_MCOC")  # a row may come again with other content
AGAIN = {  # fields that change then: not those by which the row finds its patient
    "ER_PRS_F": ["PRS_PAI_MNT", "EXE_SOI_DTD", "BSE_REM_MNT", "DPN_QLF"],
    "IR_BEN_R": ["MAX_TRT_DTD", "BEN_RES_DPT", "BEN_SEX_COD", "BEN_IDT_ANO"],
    "T_MCOC": ["EXE_SOI_DTD", "NIR_RET", "SOR_MOI"],
}


def table_of(name):
    return re.sub(r"_\d{4}$|(?<=^T_MCO)\d\d", "", name[:-4])


def damage(table, header, rows, chance):
    """The rows after damage, in another order."""
    loose = [header.index(name) for name in LOOSE.get(table, []) if name in header]
    again = [header.index(name) for name in AGAIN.get(table, header[-6:]) if name in header]
    out = []
    for row in rows:
        dice = chance.random()
        if dice < 0.01:  # lost
            continue
        if dice < 0.03 and loose:
            place = chance.choice(loose)
            row = row[:place] + [chance.choice(["", chance.choice(rows)[place]])] + row[place + 1:]
        elif dice < 0.04:
            place = chance.randrange(len(row))
            row = row[:place] + [chance.choice(JUNK)] + row[place + 1:]
        elif dice < 0.042:
            row = chance.choice([row[:-1], row + ["1"]])
        out.append(row)
        if dice > 0.99:  # twice
            out.append(row)
        elif dice > 0.98 and table.startswith(KEYED):
            other = list(row)
            for place in again:
                other[place] = chance.choice(rows)[place]
            out.append(other)
    chance.shuffle(out)
    return out


def main():
    folder, seed = sys.argv[1], int(sys.argv[2])
    for name in sorted(os.listdir(folder)):
        table = table_of(name)
        if not re.match("IR_BEN|IR_IMB|ER_|T_MCO|KI_", name):
            continue
        path = os.path.join(folder, name)
        with open(path, encoding="latin-1", newline="") as file:
            lines = file.read().rstrip("\r\n").split("\n")
        header = lines[0].rstrip("\r").removeprefix("\xef\xbb\xbf").split(";")
        rows = [line.split(";") for line in lines[1:] if line.strip()]
        if not rows or any('"' in line for line in lines):
            continue
        with open(path, "w", encoding="latin-1", newline="") as file:
            for row in [lines[0].split(";")] + damage(table, header, rows, random.Random(f"{seed} {name}")):
                file.write(";".join(row) + "\n")


if __name__ == "__main__":
    main()
