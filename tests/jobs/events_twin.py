#!/usr/bin/env python3
"""Events of the shipped libraries beside SQL over the tables that they are made from.

usage: events_twin.py study FILE              writes a study that counts every event
       events_twin.py compare PARCOURS STORE OUT   compares OUT/control with SQL
"""
import csv
import io
import json
import sqlite3
import subprocess
import sys

# The tables, read flat through `parcours query`, are joined to nothing further: what follows is SQLite's work.
CLAIM_OF, PACKAGE = "JOIN ER_PRS_F p USING (patient, claim)", (
    "LEFT JOIN IR_PHA_R r ON r.PHA_CIP_C13 = t.PHA_PRS_C13 LEFT JOIN IR_PHA_R o ON o.PHA_PRS_IDE = t.PHA_PRS_IDE")
IN_STAY = {"MCO": "JOIN T_MCOaaC c USING (patient, mco_stay)", "SSR": "JOIN T_SSRaaC c USING (patient, ssr_stay)",
           "RIP": "JOIN T_RIPaaC c USING (patient, rip_stay)", "HAD": "JOIN T_HADaaC c USING (patient, had_stay)"}
CLAIM_LINES = "p.PRS_ACT_QTE, p.PFS_EXE_NUM"
SOURCES = {  # table: columns, joins
    "ER_PHA_F": ("t.PHA_PRS_C13, t.PHA_PRS_IDE, t.PHA_ACT_QSN, t.atc, t.large_package, p.PFS_PRE_NUM, "
                 "COALESCE(r.PHA_NOM_PA, o.PHA_NOM_PA) AS PHA_NOM_PA, COALESCE(r.PHA_UPC_NBR, o.PHA_UPC_NBR) AS PHA_UPC_NBR, "
                 "COALESCE(r.PHA_SUB_DOS, o.PHA_SUB_DOS) AS PHA_SUB_DOS",
                 f"{CLAIM_OF} {PACKAGE}"),
    "ER_UCD_F": ("t.UCD_UCD_COD, t.UCD_DLV_NBR, t.atc, p.PFS_PRE_NUM, p.FLX_DIS_DTD, p.FLX_TRT_DTD, p.FLX_EMT_NUM, p.FLX_EMT_ORD, "
                 "p.ORG_CLE_NUM, p.DCT_ORD_NUM, p.PRS_ORD_NUM, p.REM_TYP_AFF, p.FLX_EMT_TYP", CLAIM_OF),
    "ER_CAM_F": (f"t.CAM_PRS_IDE, {CLAIM_LINES}, e.PRS_PPU_SEC, e.ETE_GHS_NUM, e.ETE_TYP_COD", f"{CLAIM_OF} LEFT JOIN ER_ETE_F e USING (patient, claim)"),
    "ER_BIO_F": ("t.BIO_PRS_IDE, t.BIO_ACT_QSN", ""),
    "ER_TIP_F": ("t.TIP_PRS_IDE, t.TIP_ACT_QSN", ""),
    "ER_PRS_F": ("t.PRS_NAT_REF, t.PRS_ACT_CFT, t.PRS_ACT_QTE, t.PFS_EXE_NUM, t.PSE_SPE_COD, t.PSE_ACT_NAT", ""),
    "T_MCOaaB": ("t.DGN_PAL, t.DGN_REL, t.GRG_GHM, t.SEJ_NBJ, t.ENT_PRV, t.NBR_SEA", ""),
    "T_MCOaaUM": ("t.DGN_PAL, t.DGN_REL", ""), "T_MCOaaD": ("t.ASS_DGN", ""),
    "T_MCOaaA": ("t.CDC_ACT, t.NBR_EXE_ACT, c.EXE_SOI_DTD + COALESCE(t.ENT_DAT_DEL, 0) AS moved", IN_STAY["MCO"]),
    "T_MCOaaMED": ("t.UCD_UCD_COD, t.ADM_NBR, t.atc, c.EXE_SOI_DTD + COALESCE(t.DELAI, 0) AS moved", IN_STAY["MCO"]),
    "T_MCOaaMEDATU": ("t.UCD_UCD_COD, t.ADM_NBR, c.EXE_SOI_DTD + COALESCE(t.DAT_DELAI, 0) AS moved", IN_STAY["MCO"]),
    "T_MCOaaDMIP": ("t.TIP_PRS_IDE, t.NBR_POS, c.EXE_SOI_DTD + COALESCE(t.DELAI, 0) AS moved", IN_STAY["MCO"]),
    "T_MCOaaFHSTC": ("t.UCD_UCD_COD, t.QUA", ""), "T_MCOaaFMSTC": ("t.CCAM_COD", ""),
    "T_MCOaaFBSTC": ("t.ACT_COD, t.ACT_COE, t.ACT_NBR", ""), "T_MCOaaFCSTC": ("t.ACT_COD, t.ACT_COE, t.ACT_NBR, t.EXE_SPE", ""),
    "T_MCOaaFLSTC": ("t.NABM_COD, t.ACT_NBR", ""), "T_MCOaaFPSTC": ("t.TIP_PRS_IDE, t.LPP_QUA", ""),
    "T_SSRaaC": ("t.ETA_NUM", ""), "T_SSRaaB": ("t.MOR_PRP, t.ETL_AFF, t.FP_PEC", ""), "T_SSRaaD": ("t.DGN_COD", ""),
    "T_SSRaaMED": ("t.UCD_UCD_COD, t.ADM_NBR, c.EXE_SOI_DTD + COALESCE(t.DAT_DELAI, 0) AS moved", IN_STAY["SSR"]),
    "T_SSRaaMEDATU": ("t.UCD_UCD_COD, t.ADM_NBR, c.EXE_SOI_DTD + COALESCE(t.DAT_DELAI, 0) AS moved", IN_STAY["SSR"]),
    "T_SSRaaCCAM": ("t.CCAM_ACT, t.CCAM_NBR_REA, c.EXE_SOI_DTD + COALESCE(t.DEL_DAT_ENT, 0) AS moved", IN_STAY["SSR"]),
    "T_SSRaaCSARR": ("t.CSARR_COD, t.NBR_CSARR, c.EXE_SOI_DTD + COALESCE(t.DEL_DAT_ENT, 0) AS moved", IN_STAY["SSR"]),
    "T_SSRaaFMSTC": ("t.CCAM_COD", ""),
    "T_HADaaC": ("t.ETA_NUM_EPMSI", ""), "T_HADaaB": ("t.DGN_PAL, t.PEC_PAL, t.PEC_ASS", ""), "T_HADaaD": ("t.DGN_ASS", ""),
    "T_HADaaDMPP": ("t.DGN_ASS_MPP", ""), "T_HADaaDMPA": ("t.DGN_ASS_MPA", ""), "T_HADaaA": ("t.CCAM_COD, t.REAL_NBR", ""),
    "T_HADaaMED": ("t.UCD_UCD_COD, t.ADM_NBR, c.EXE_SOI_DTD + COALESCE(t.DAT_DELAI, 0) AS moved", IN_STAY["HAD"]),
    "T_HADaaMEDATU": ("t.UCD_UCD_COD, t.ADM_NBR, c.EXE_SOI_DTD + COALESCE(t.DAT_DELAI, 0) AS moved", IN_STAY["HAD"]),
    "T_RIPaaC": ("t.ETA_NUM_EPMSI", ""), "T_RIPaaRSA": ("t.DGN_PAL", ""), "T_RIPaaRSAD": ("t.ASS_DGN", ""),
    "T_RIPaaCCAM": ("t.CDC_ACT, t.NBR_EXE_ACT, c.EXE_SOI_DTD + COALESCE(t.ENT_DAT_DEL, 0) AS moved", IN_STAY["RIP"]),
    "T_RIPaaR3A": ("t.DGN_PAL", ""), "T_RIPaaR3AD": ("t.ASS_DGN", ""),
    "KI_CCI_R": ("t.DCD_CIM_COD", ""), "KI_ECD_R": ("t.ECD_CIM_COD", ""),
}
ALWAYS_VALID = ("T_RIPaaR3A", "T_RIPaaR3AD", "KI_CCI_R", "KI_ECD_R")
PERIOD = "BETWEEN '2019-01-01' AND '2020-12-31'"


def net(table, code, value, keys=(), where="1"):
    """Lines summed over a day, a code and further keys; what is left of more than 0."""
    keys = "".join(", " + k for k in keys)
    return (f"SELECT patient, {code} AS code, sum({value}) AS value FROM {table} WHERE valid AND event_date {PERIOD} AND {where} "
            f"GROUP BY patient, event_date, {code}{keys} HAVING sum({value}) > 0")


def plain(table, code, value="NULL", where="1", day="event_date"):
    return f"SELECT patient, {code} AS code, {value} AS value FROM {table} WHERE valid AND {day} {PERIOD} AND {where}"


def together(*parts):
    return " UNION ALL ".join(f"SELECT * FROM ({p})" for p in parts)


def drug(code, value="PHA_ACT_QSN", where="1", keys=()):
    return net("ER_PHA_F", code, value, ("PFS_PRE_NUM", *keys), where)


def medicine(table):
    return plain(table, "UCD_UCD_COD", "ADM_NBR", "ADM_NBR > 0", "moved")


def diagnoses():
    return together(*(plain(table, f"'{place}.' || substr({column}, 1, 3)") for table, column, place in (
        ("T_MCOaaB", "DGN_PAL", "MCO.DP"), ("T_MCOaaB", "DGN_REL", "MCO.DR"), ("T_MCOaaUM", "DGN_PAL", "MCO.DP_RUM"),
        ("T_MCOaaUM", "DGN_REL", "MCO.DR_RUM"), ("T_MCOaaD", "ASS_DGN", "MCO.DA"), ("T_SSRaaB", "MOR_PRP", "SSR.DP"),
        ("T_SSRaaB", "ETL_AFF", "SSR.DR"), ("T_SSRaaB", "FP_PEC", "SSR.PEC"), ("T_SSRaaD", "DGN_COD", "SSR.DA"),
        ("T_HADaaB", "DGN_PAL", "HAD.DP"), ("T_HADaaD", "DGN_ASS", "HAD.DA"), ("T_HADaaDMPP", "DGN_ASS_MPP", "HAD.MPP"),
        ("T_HADaaDMPA", "DGN_ASS_MPA", "HAD.MPA"), ("T_RIPaaRSA", "DGN_PAL", "RIP.DP"), ("T_RIPaaRSAD", "ASS_DGN", "RIP.DA"),
        ("T_RIPaaR3A", "DGN_PAL", "RIP_AMB.DP"), ("T_RIPaaR3AD", "ASS_DGN", "RIP_AMB.DA"))))


UNITS, HAS_UNITS = "PHA_ACT_QSN * PHA_UPC_NBR", "PHA_UPC_NBR > 0"
SETTING = ("CASE WHEN PRS_PPU_SEC <> 2 THEN 'public_ambulatory' WHEN ETE_GHS_NUM IS NULL THEN 'liberal' WHEN ETE_GHS_NUM = 0 AND "
           "ETE_TYP_COD BETWEEN 4 AND 7 THEN 'private_ambulatory' ELSE 'unknown' END")
FAMILY = ("CASE WHEN atc LIKE 'N06A%' THEN 'antidepressant' WHEN atc LIKE 'N05A%' AND atc NOT LIKE 'N05AN%' THEN 'neuroleptic' "
          "WHEN atc LIKE 'N05C%' THEN 'hypnotic' WHEN substr(atc, 1, 3) IN ('C02', 'C03', 'C07', 'C08', 'C09') THEN 'antihypertensive' END")
CLAIM_KEY = "FLX_DIS_DTD, FLX_TRT_DTD, FLX_EMT_NUM, FLX_EMT_ORD, ORG_CLE_NUM, DCT_ORD_NUM, PRS_ORD_NUM, REM_TYP_AFF, FLX_EMT_TYP".split(", ")
IJ = "PRS_NAT_REF IN (6110, 6111, 6112, 6113, 6114, 6115, 6116, 6117, 6118, 6119, 6134, 6135)"
# name: (event, what it is counted by, SQL that gives patient, code, value)
EVENTS = {
    "cip13": ("drugs.cip13", "code", drug("PHA_PRS_C13")),
    "cip7": ("drugs.cip7", "code", drug("PHA_PRS_IDE")),
    "molecule": ("drugs.molecule", "code", drug("PHA_NOM_PA", where="PHA_NOM_PA IS NOT NULL")),
    "package": ("drugs.package", "code", drug("atc", UNITS, HAS_UNITS, ("PHA_PRS_C13",))),
    "dose": ("drugs.dose", "code", drug("atc", f"{UNITS} * replace(PHA_SUB_DOS, ' MG', '')", f"{HAS_UNITS} AND PHA_SUB_DOS LIKE '% MG'", ("PHA_PRS_C13",))),
    "family": ("drugs.family", "family", "SELECT patient, family AS code, value FROM (" + together(
        f"SELECT patient, {FAMILY} AS family, sum(PHA_ACT_QSN) AS value FROM ER_PHA_F WHERE valid AND event_date {PERIOD} "
        "GROUP BY patient, event_date, atc, PHA_PRS_C13, large_package, PFS_PRE_NUM HAVING value > 0",
        f"SELECT patient, {FAMILY} AS family, sum(n) AS value FROM (SELECT patient, event_date AS day, atc, UCD_DLV_NBR AS n FROM ER_UCD_F WHERE valid "
        f"UNION ALL SELECT patient, moved, atc, ADM_NBR FROM T_MCOaaMED WHERE valid) WHERE day {PERIOD} GROUP BY patient, day, atc HAVING value > 0")
        + ") WHERE family IS NOT NULL"),
    "hospital_drug": ("drugs.hospital", "code", together(
        net("ER_UCD_F", "UCD_UCD_COD", "UCD_DLV_NBR", CLAIM_KEY), plain("T_MCOaaFHSTC", "UCD_UCD_COD", "QUA"),
        *(medicine(t) for t in ("T_MCOaaMED", "T_MCOaaMEDATU", "T_SSRaaMED", "T_SSRaaMEDATU", "T_HADaaMED", "T_HADaaMEDATU")))),
    "setting": ("acts.ccam", "setting", together(
        net("ER_CAM_F", SETTING, "PRS_ACT_QTE", ("CAM_PRS_IDE", "PFS_EXE_NUM")), plain("T_MCOaaFMSTC", "NULL"), plain("T_SSRaaFMSTC", "NULL"),
        plain("T_HADaaA", "NULL", "REAL_NBR"), plain("T_MCOaaA", "NULL", "NBR_EXE_ACT", day="moved"),
        plain("T_SSRaaCCAM", "NULL", "CCAM_NBR_REA", day="moved"), plain("T_RIPaaCCAM", "NULL", "NBR_EXE_ACT", day="moved"))),
    "ccam": ("acts.ccam", "field || substr(code, 1, 2)", together(
        net("ER_CAM_F", "'DCIR' || CAM_PRS_IDE", "PRS_ACT_QTE", ("PFS_EXE_NUM", SETTING)), plain("T_MCOaaFMSTC", "'ACE' || CCAM_COD"),
        plain("T_SSRaaFMSTC", "'SSR_ACE' || CCAM_COD"), plain("T_HADaaA", "'HAD' || CCAM_COD", "REAL_NBR"),
        plain("T_MCOaaA", "'MCO' || CDC_ACT", "NBR_EXE_ACT", day="moved"), plain("T_SSRaaCCAM", "'SSR' || CCAM_ACT", "CCAM_NBR_REA", day="moved"),
        plain("T_RIPaaCCAM", "'RIP' || CDC_ACT", "NBR_EXE_ACT", day="moved"))),
    "csarr": ("acts.csarr", "code", plain("T_SSRaaCSARR", "CSARR_COD", "NBR_CSARR", day="moved")),
    "ngap": ("acts.ngap", "code", together(
        net("ER_PRS_F", "PRS_NAT_REF || printf('_%.2f', PRS_ACT_CFT)", "PRS_ACT_QTE", ("PFS_EXE_NUM",), "PRS_ACT_CFT > 0"),
        *(plain(t, "ACT_COD || printf('_%.2f', ACT_COE)", "ACT_NBR", "ACT_COE IS NOT NULL") for t in ("T_MCOaaFBSTC", "T_MCOaaFCSTC")),
        *(plain(t, "NULL", "ACT_NBR", "ACT_COE IS NULL") for t in ("T_MCOaaFBSTC", "T_MCOaaFCSTC")))),
    "biology": ("acts.biology", "code", together(net("ER_BIO_F", "BIO_PRS_IDE", "BIO_ACT_QSN"), plain("T_MCOaaFLSTC", "NABM_COD", "ACT_NBR"))),
    "device": ("acts.device", "code", together(net("ER_TIP_F", "TIP_PRS_IDE", "TIP_ACT_QSN"), plain("T_MCOaaDMIP", "TIP_PRS_IDE", "NBR_POS", day="moved"),
                                               plain("T_MCOaaFPSTC", "TIP_PRS_IDE", "LPP_QUA"))),
    "ghm": ("hospital.mco", "code", plain("T_MCOaaB", "GRG_GHM", "SEJ_NBJ")),
    "fields": ("hospital.stay", "field", together(plain("T_MCOaaB", "'MCO'", "SEJ_NBJ"), plain("T_SSRaaC", "'SSR'"), plain("T_HADaaC", "'HAD'"),
                                                  plain("T_RIPaaC", "'RIP'"))),
    "diagnosis": ("hospital.diagnosis", "field || '.' || position || '.' || substr(code, 1, 3)", diagnoses()),
    "dialysis": ("hospital.dialysis", "family", plain(
        "T_MCOaaB", "CASE WHEN substr(GRG_GHM, 1, 5) IN ('28Z03', '28Z04') THEN 'haemodialysis' ELSE 'peritoneal' END", "max(NBR_SEA, 1)",
        "GRG_GHM BETWEEN '28Z01' AND '28Z07'")),
    "take_over": ("hospital.take_over", "position || code", together(
        plain("T_HADaaB", "'main' || PEC_PAL", where="PEC_PAL IS NOT NULL"), plain("T_HADaaB", "'associated' || PEC_ASS", where="PEC_ASS IS NOT NULL"))),
    "emergency": ("hospital.emergency", "code", together(
        plain("T_MCOaaFBSTC", "ACT_COD", where="substr(ACT_COD, 1, 3) = 'ATU'"), plain("T_MCOaaB", "GRG_GHM", where="ENT_PRV = 5"))),
    "doctor": ("services.doctor", "code", together(
        net("ER_PRS_F", "PSE_SPE_COD", "PRS_ACT_QTE", ("PRS_NAT_REF", "PFS_EXE_NUM"), "PSE_SPE_COD <> 0"),
        plain("T_MCOaaFCSTC", "CAST(EXE_SPE AS int)", "ACT_NBR", "CAST(EXE_SPE AS int) > 0"))),
    "other_professional": ("services.other_professional", "code", net(
        "ER_PRS_F", "PSE_ACT_NAT", "PRS_ACT_QTE", ("PRS_NAT_REF", "PFS_EXE_NUM"), "PSE_SPE_COD = 0 AND PSE_ACT_NAT <> 0")),
    "sick_leave": ("services.sick_leave", "code", net("ER_PRS_F", "PRS_NAT_REF", "PRS_ACT_QTE", ("event_end",), IJ)),
    "transport": ("services.transport", "code", net("ER_PRS_F", "PRS_NAT_REF", "PRS_ACT_QTE", ("PFS_EXE_NUM",), "PRS_NAT_REF BETWEEN 4210 AND 4219")),
    "cause_of_death": ("services.cause_of_death", "position || code", together(
        plain("KI_CCI_R", "'initial' || DCD_CIM_COD", where="DCD_CIM_COD IS NOT NULL"), plain("KI_ECD_R", "'all' || ECD_CIM_COD", where="ECD_CIM_COD IS NOT NULL"))),
}


def write_study(path):
    study = {"study": "events", "dates": ["2019-01-01", "2020-12-31"],
             "use": {p: p + ".json" for p in ("drugs", "acts", "hospital", "services")},
             "statistics": {name: {"count": event, "by": [by], "total": "value"} for name, (event, by, _) in EVENTS.items()}}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(study, file, indent=1)


def value_of(text):
    """A cell of CSV for SQLite: numbers as numbers, codes with a leading zero as text."""
    if text in ("", "true", "false"):
        return {"": None, "true": 1, "false": 0}[text]
    if text.lstrip("-").replace(".", "", 1).isdigit() and not (text[0] == "0" and text[1:2].isdigit()):
        return float(text) if "." in text else int(text)
    return text


def load(parcours, store, database):
    for table, (columns, joins) in SOURCES.items():
        valid = "true" if table in ALWAYS_VALID else "t.valid"
        query = f"SELECT t.patient, t.event_date, t.event_end, {valid} AS valid, {columns} FROM {table} t {joins} WHERE t.patient IS NOT NULL"
        text = subprocess.run([parcours, "query", store, query, "--format", "csv", "--unprotected", "--quiet", "--progress", "never"],
                              capture_output=True, text=True, check=True).stdout
        rows = list(csv.reader(io.StringIO(text)))
        database.execute(f"CREATE TABLE {table} ({', '.join(rows[0])})")
        database.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", [[value_of(v) for v in row] for row in rows[1:]])


def compare(parcours, store, out):
    failures = 0
    database = sqlite3.connect(":memory:")
    load(parcours, store, database)
    for name, (_, by, sql) in EVENTS.items():
        cut = name == "ccam"  # DCIR and a code: by the first two letters of the act
        group = "substr(code, 1, length(code) - 5)" if cut else "code"
        query = f"SELECT {group} AS c, count(*), count(DISTINCT patient), coalesce(sum(value), 0) FROM ({sql}) GROUP BY c"
        expected = sorted(("" if c is None else str(c), n, p, round(float(v), 3)) for c, n, p, v in database.execute(query))
        with open(f"{out}/control/{name}.csv", encoding="utf-8") as file:
            rows = list(csv.reader(file))[1:]
        got = sorted((r[0], int(r[1]), int(r[2]), round(float(r[3] or 0), 3)) for r in rows[:-1])
        if got != expected or not got:
            different = [r for r in got if r not in expected][:3] + [r for r in expected if r not in got][:3]
            print(f"FAILED: {name} by {by}: {len(got)} rows, expected {len(expected)}: {different}")
            failures += 1
    return failures


if __name__ == "__main__":
    if sys.argv[1] == "study":
        write_study(sys.argv[2])
    else:
        sys.exit(compare(*sys.argv[2:5]) != 0)
