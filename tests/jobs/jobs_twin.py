"""Slow twins of four shipped studies, in plain Python over rows that `parcours query` exported: who enters, when they leave, what is measured.
usage: jobs_twin.py PARCOURS STORE WORK     (runs in WORK/glitazones, antidepressants, copd, spending; settings as in test_jobs_twin.sh)"""
import csv
import datetime
import subprocess
import sys
from collections import defaultdict

import h5py

parcours, store, work = sys.argv[1:]
EPOCH = datetime.date(1970, 1, 1)
failures = []


def rows(sql):
    path = f"{work}/rows.csv"
    subprocess.run([parcours, "query", store, sql, "--format", "csv", "--out", path, "--quiet", "--unprotected"], check=True,
                   stderr=subprocess.DEVNULL)
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def day(text):
    return (datetime.date.fromisoformat(text) - EPOCH).days if text else None


def year_of(d):
    return (EPOCH + datetime.timedelta(days=d)).year


def months_later(d, months):
    old = EPOCH + datetime.timedelta(days=d)
    month = old.month - 1 + months
    year, month = old.year + month // 12, month % 12 + 1
    last = (datetime.date(year + month // 12, month % 12 + 1, 1) - datetime.timedelta(days=1)).day
    return (datetime.date(year, month, min(old.day, last)) - EPOCH).days


def cents(text):
    return round(float(text) * 100) if text else 0


def age(birth, d):
    when = EPOCH + datetime.timedelta(days=d)
    born = EPOCH + datetime.timedelta(days=birth)
    return when.year - born.year - ((when.month, when.day) < (born.month, born.day))


people = {r["patient"]: r for r in rows("SELECT patient, sex, birth_date, birth_year, death_date, resolved FROM PERSON")}
STAY = "patient, event_date, event_end, ETA_NUM || RSA_NUM || file_year AS stay"
diagnoses = defaultdict(list)  # patient -> (start, end, field, position, code, stay)
for field, position, table, column, stay in [
        ("MCO", "DP", "T_MCOaaB", "DGN_PAL", STAY), ("MCO", "DR", "T_MCOaaB", "DGN_REL", STAY), ("MCO", "DA", "T_MCOaaD", "ASS_DGN", STAY),
        ("MCO", "DP_RUM", "T_MCOaaUM", "DGN_PAL", STAY), ("MCO", "DR_RUM", "T_MCOaaUM", "DGN_REL", STAY),
        ("HAD", "DP", "T_HADaaB", "DGN_PAL", STAY.replace("ETA_NUM || RSA_NUM", "ETA_NUM_EPMSI || RHAD_NUM")),
        ("SSR", "DP", "T_SSRaaB", "MOR_PRP", STAY.replace("RSA_NUM", "RHA_NUM")), ("SSR", "DR", "T_SSRaaB", "ETL_AFF", STAY.replace("RSA_NUM", "RHA_NUM")),
        ("SSR", "DA", "T_SSRaaD", "DGN_COD", STAY.replace("RSA_NUM", "RHA_NUM"))]:
    for r in rows(f"SELECT {stay}, {column} AS code FROM {table} WHERE valid AND {column} IS NOT NULL AND patient IS NOT NULL"):
        start, end = day(r["event_date"]), day(r["event_end"])
        if start is not None and (end is None or end >= start):
            diagnoses[r["patient"]].append((start, end, field, position, r["code"], field + r["stay"]))
exemptions = defaultdict(list)
for r in rows("SELECT patient, IMB_ALD_DTD AS a, IMB_ALD_DTF AS b, MED_MTF_COD AS code FROM IR_IMB_R WHERE IMB_ETM_NAT IN (41, 43, 45)"):
    if r["a"] and (not r["b"] or r["b"] >= r["a"]):
        exemptions[r["patient"]].append((day(r["a"]), day(r["b"]), r["code"]))
drugs = defaultdict(list)  # patient -> (day, atc, boxes, large)
net = defaultdict(int)
for sql in ["SELECT d.patient, d.event_date, d.atc, d.PHA_PRS_C13 AS cip, d.large_package AS large, d.PHA_ACT_QSN AS n, p.PFS_PRE_NUM AS doctor "
            "FROM ER_PHA_F d JOIN ER_PRS_F p USING (patient, claim) WHERE d.valid AND d.patient IS NOT NULL",
            "SELECT patient, event_date, atc, '' AS cip, false AS large, UCD_DLV_NBR AS n, '' AS doctor FROM ER_UCD_F WHERE valid AND patient IS NOT NULL",
            "SELECT patient, event_date + COALESCE(DELAI, 0) AS event_date, atc, '' AS cip, false AS large, ADM_NBR AS n, '' AS doctor FROM T_MCOaaMED "
            "WHERE valid AND patient IS NOT NULL"]:
    for r in rows(sql):
        if r["event_date"] and r["n"]:
            net[r["patient"], day(r["event_date"]), r["atc"], r["cip"], r["large"], r["doctor"]] += cents(r["n"])
for (patient, d, atc, _, large, _), n in net.items():
    if n > 0:
        drugs[patient].append((d, atc, n / 100, large == "true"))
acts = defaultdict(list)  # patient -> (day, code, stay or None)
net = defaultdict(int)
for r in rows("SELECT c.patient, c.event_date, c.CAM_PRS_IDE AS code, p.PFS_EXE_NUM AS doctor, p.PRS_ACT_QTE AS n FROM ER_CAM_F c "
              "JOIN ER_PRS_F p USING (patient, claim) WHERE c.valid AND c.patient IS NOT NULL"):
    if r["event_date"]:
        net[r["patient"], day(r["event_date"]), r["code"], r["doctor"]] += int(r["n"] or 0)
for (patient, d, code, _), n in net.items():
    if n > 0:
        acts[patient].append((d, code, None))
for r in rows(f"SELECT {STAY}, CDC_ACT AS code, COALESCE(ENT_DAT_DEL, 0) AS delay FROM T_MCOaaA WHERE valid AND patient IS NOT NULL"):
    if r["event_date"]:
        acts[r["patient"]].append((day(r["event_date"]) + int(r["delay"]), r["code"], "MCO" + r["stay"]))
net = defaultdict(int)
care = defaultdict(set)  # (first, last day) of lines and stays
for r in rows("SELECT patient, event_date, event_end, PRS_NAT_REF, RGO_ASU_NAT, PSE_SPE_COD, PFS_EXE_NUM, PRS_ACT_QTE FROM ER_PRS_F "
              "WHERE valid AND patient IS NOT NULL"):
    if r["event_date"] and (not r["event_end"] or r["event_end"] >= r["event_date"]):
        net[tuple(r[c] for c in ("patient", "event_date", "PRS_NAT_REF", "RGO_ASU_NAT", "PSE_SPE_COD", "PFS_EXE_NUM"))] += int(r["PRS_ACT_QTE"] or 0)
for r in rows("SELECT patient, event_date, event_end, PRS_NAT_REF, RGO_ASU_NAT, PSE_SPE_COD, PFS_EXE_NUM FROM ER_PRS_F WHERE valid AND patient IS NOT NULL"):
    key = tuple(r[c] for c in ("patient", "event_date", "PRS_NAT_REF", "RGO_ASU_NAT", "PSE_SPE_COD", "PFS_EXE_NUM"))
    if net.get(key, 0) > 0:
        end = day(r["event_end"]) if r["event_end"] else None
        care[r["patient"]].add((day(r["event_date"]), end))
for r in rows(f"SELECT {STAY} FROM T_MCOaaB WHERE valid AND patient IS NOT NULL"):
    if r["event_date"] and (not r["event_end"] or r["event_end"] >= r["event_date"]):
        care[r["patient"]].add((day(r["event_date"]), day(r["event_end"])))


def cohort(study, name, *columns):
    """{(patient, start): values} of a run's file."""
    found = {}
    with h5py.File(f"{work}/{study}/cohorts/{name}.h5") as file:
        for i, patient in enumerate(file["patient"][:]):
            key = (patient.rstrip(b"\0").decode(), int(file["start_date"][i]))
            found[key] = tuple(float(file[c][i]) for c in columns)
    return found


def same(name, found, expected):
    if not expected:
        failures.append(f"{name}: nobody, nothing was compared")
    wrong = {k for k in set(found) | set(expected) if found.get(k) != expected.get(k)}
    print(f"{name}: {len(found)} records, expected {len(expected)}")
    if wrong:
        k = sorted(wrong)[0]
        failures.append(f"{name}: {len(wrong)} records differ, as {found.get(k)}, expected {expected.get(k)}")


def begins(code, *prefixes):
    return code.startswith(prefixes)


# ---- glitazones: new users, three definitions of bladder cancer ----
FIRST, LAST_ENTRY, LAST = day("2016-01-01"), day("2018-12-31"), day("2019-12-31")
JDFA = {"JDFA001", "JDFA008", "JDFA009", "JDFA011", "JDFC023", "JDLD002"} | {f"JDFA{i:03}" for i in (*range(3, 7), *range(14, 26))}
with open(f"{work}/radiotherapy.csv", encoding="utf-8") as file:
    RADIO = tuple(line.strip().split(";")[1].lstrip("=") for line in file if line.startswith("CCAM;"))


def bladder(patient):
    """Days of the first record a stay, by definition."""
    mine = diagnoses[patient]
    main = [d for d in mine if d[2] == "MCO" and d[3] in ("DP", "DR") and begins(d[4], "C67")]
    beside = {d[5] for d in mine if d[2] == "MCO" and d[3] == "DA" and begins(d[4], "C67")}
    behind = [d for d in mine if d[2] == "MCO" and d[3] in ("DP", "DR") and begins(d[4], "C77", "C78", "C79") and d[5] in beside]
    elsewhere = [d for d in mine if (d[2] == "HAD" or d[2] == "SSR") and begins(d[4], "C67")]
    treated = {a[2] for a in acts[patient] if a[2] and a[1] in JDFA} | {d[5] for d in mine if begins(d[4], "Z510", "Z511")}
    in_town = [a[0] for a in acts[patient] if a[2] is None and begins(a[1], *RADIO)]
    narrow = [d for d in main + behind if d[5] in treated or any(months_later(d[0], -3) <= a <= months_later(d[0], 3) for a in in_town)]
    naive = [d for d in main if d[3] == "DP"]
    return {name: {d[0] for d in of} for name, of in (("naive", naive), ("broad", main + behind + elsewhere), ("narrow", narrow))}


def lost_day(patient, start):
    """The first day of loss of follow-up on or after `start`: 60 days into 120 days without care, after some care."""
    covered, found = set(), None
    for a, b in care[patient]:
        covered.update(range(max(a, FIRST), min(LAST if b is None else b, LAST) + 1))
    first_care = min((a for a, _ in care[patient]), default=None)
    run = None
    for d in range(FIRST, LAST + 2):
        free = d <= LAST and d not in covered
        if free and run is None:
            run = d
        if not free and run is not None:
            if d - run >= 120 and first_care is not None and first_care <= run - 1 and run + 59 >= start:
                found = run + 59 if found is None else found
            run = None
    return found


expected = {}
for patient, person in people.items():
    days = sorted(d for d, atc, _, _ in drugs[patient] if begins(atc, "A10BA", "A10BB", "A10BG"))
    entries = [d for d in days if FIRST <= d <= LAST_ENTRY]
    if not entries or not person["birth_date"]:
        continue
    start = entries[0]
    if any(start - 365 <= d < start for d in days) or age(day(person["birth_date"]), start) < 40:
        continue
    if any(begins(d[4], "C67") and d[0] <= start for d in diagnoses[patient]):
        continue
    ends = [LAST]
    death = day(person["death_date"])
    if death is not None and death >= start:
        ends.append(death)
    lost = lost_day(patient, start)
    if lost is not None:
        ends.append(lost)
    cancer = bladder(patient)
    expected[patient, start] = (float(min(ends)), *(float(any(start <= d <= min(ends) for d in cancer[k])) for k in ("naive", "broad", "narrow")))
same("glitazones", cohort("glitazones", "new_users", "end_date", "naive", "broad", "narrow"), expected)
for k in (1, 2, 3):
    if not any(v[k] for v in expected.values()):
        failures.append(f"glitazones: no case by definition {k}")

# ---- antidepressants: who starts, and the share of the first year that is covered (CMA7) ----
LAST_ENTRY = day("2017-12-31")
period = [day(r) for r in rows("SELECT min(event_date) AS a, max(event_date) AS b FROM ER_PRS_F")[0].values()]
expected = {}
for patient, person in people.items():
    supplies = defaultdict(float)
    for d, atc, n, large in drugs[patient]:
        if begins(atc, "N06A"):
            supplies[d] += int(n * (90 if large else 30))
    entries = sorted(d for d in supplies if FIRST <= d <= LAST_ENTRY)
    if not entries or not person["birth_date"]:
        continue
    start, birth, death = entries[0], day(person["birth_date"]), day(person["death_date"])
    if any(start - 365 <= d < start for d in supplies) or age(birth, start) < 18:
        continue
    if birth > start - 365 or (death is not None and death < start + 364) or start + 364 > period[1] or start - 365 < period[0]:
        continue
    left, covered = 0, 0
    for d in range(min(supplies), start + 365):  # what is left each day, one taken a day
        left += supplies.get(d, 0)
        if left > 0:
            covered += d >= start
            left -= 1
    expected[patient, start] = (round(covered / 365, 12),)
found = {k: (round(v[0], 12),) for k, v in cohort("antidepressants", "measured", "cma7").items()}
same("antidepressants", found, expected)

# ---- copd, spending: people known and alive in 2018 ----
YEAR = 2018
low, high = day(f"{YEAR}-01-01"), day(f"{YEAR}-12-31")
insured = {p: r for p, r in people.items() if r["resolved"] == "true" and r["birth_year"] and int(r["birth_year"]) <= YEAR
           and (not r["death_date"] or day(r["death_date"]) >= low)}
long_acting = ("R03AC12", "R03AC13", "R03AC18", "R03AC19", "R03AL", "R03BB04", "R03BB05", "R03BB06", "R03BB07")
expected, admitted = {}, {}
for patient, person in people.items():
    stays = [d for d in diagnoses[patient] if d[2] == "MCO"]
    ill = {d[5] for d in stays if begins(d[4], "J41", "J42", "J43", "J44")}
    worse = [(d[0], d[1], d[4], d[5]) for d in stays if d[3] == "DP" and (begins(d[4], "J440", "J441") or (begins(d[4], "J960") and d[5] in ill))]
    kept = []
    for d in sorted(worse, key=lambda d: (d[0], d[1] is None, d[1] or 0, d[2])):
        if not kept or d[0] - kept[-1][0] >= 14:
            kept.append(d)
    if not person["birth_year"] or YEAR - int(person["birth_year"]) < 40:
        continue
    for d in kept:
        if low <= d[0] <= high and d[1] is not None:
            admitted[patient, d[0]] = (float(min(d[1], high)),)
    if patient not in insured:
        continue
    ald = any(begins(c, "J41", "J42", "J43", "J44") and a <= high and (b is None or b >= low) for a, b, c in exemptions[patient])
    stay = any(begins(d[4], "J41", "J42", "J43", "J44") and d[1] is not None and YEAR - 4 <= year_of(d[1]) <= YEAR for d in stays)
    dates = {d for d, atc, _, _ in drugs[patient] if begins(atc, *long_acting) and low <= d <= high}
    five = day(f"{YEAR - 4}-01-01")
    asthma = [(a, b) for a, b, c in exemptions[patient] if begins(c, "J45", "J46")] + [(d[0], d[1]) for d in stays if begins(d[4], "J45", "J46")]
    wheezes = any(a <= high and (b is None or b >= five) for a, b in asthma)
    if ald or stay or (len(dates) >= 3 and not wheezes):
        expected[patient, low] = (float(sum(low <= d[0] <= high for d in kept)),)
same("copd", cohort("copd", "copd", "exacerbations"), expected)
same("copd stays", cohort("copd", "admitted", "end_date"), admitted)

spent = defaultdict(lambda: [0, 0, 0])
for i, sql in enumerate(["SELECT patient, event_date, event_end, BSE_REM_MNT AS amount FROM ER_PRS_F WHERE valid_cost AND patient IS NOT NULL",
                         "SELECT patient, event_end AS event_date, event_end, MNT_TOT_AM AS amount FROM T_MCOaaVALO WHERE valid AND patient IS NOT NULL",
                         "SELECT patient, event_date, event_end, MNT_REMB AS amount FROM T_MCOaaVALOACE WHERE valid AND patient IS NOT NULL"]):
    for r in rows(sql):
        if r["event_date"] and low <= day(r["event_date"]) <= high and (not r["event_end"] or r["event_end"] >= r["event_date"]):
            spent[r["patient"]][i] += cents(r["amount"])
expected = {(p, low): (*map(float, spent[p]), float(sum(spent[p]))) for p in insured}  # in cents, as the file has them
same("spending", cohort("spending", "people", "town", "stays", "visits", "total"), expected)
total = sum(cents(r["total"]) for r in csv.DictReader(open(f"{work}/spending/control/classes.csv", encoding="utf-8")) if r["class"] != "all")
if total != sum(v[3] for v in expected.values()):
    failures.append("spending: the classes do not add up to all")

for failure in failures:
    print("FAILED:", failure)
sys.exit(1 if failures else 0)
