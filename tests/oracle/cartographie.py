"""cartographie.py RULES YEAR=RUN...: the rules of the disease map as set operations of PostgreSQL, compared patient by patient
with the runs of jobs/cartographie/carte.json (cohorts/people.h5) over the same delivery.

RULES (cartographie.json) holds the 72 rules in a structured form; no word of the shipped studies is read. Years are counted
from the year of the run. A person is in a cohort when one of `any` holds, all cohorts of `all` and none of `minus` hold,
and `sex` and `age` fit.
"""
import json
import sys

import h5py

from compare import psql

# Days as docs/study.md has them: a record needs a first day, and does not end before it; who has no end lies in no year.
STAY = "patient IS NOT NULL AND valid AND event_date IS NOT NULL AND event_end >= event_date"
DIAGNOSIS = [("MCO", "DP", "t_mcoaab", "dgn_pal", "mco_stay"), ("MCO", "DR", "t_mcoaab", "dgn_rel", "mco_stay"),
             ("MCO", "DP_RUM", "t_mcoaaum", "dgn_pal", "mco_stay"), ("MCO", "DR_RUM", "t_mcoaaum", "dgn_rel", "mco_stay"),
             ("MCO", "DA", "t_mcoaad", "ass_dgn", "mco_stay"), ("HAD", "DP", "t_hadaab", "dgn_pal", "stay_id"),
             ("RIP", "DP", "t_ripaarsa", "dgn_pal", "stay_id"), ("RIP", "DA", "t_ripaarsad", "ass_dgn", "stay_id"),
             ("SSR", "DP", "t_ssraab", "mor_prp", "stay_id"), ("SSR", "DR", "t_ssraab", "etl_aff", "stay_id"),
             ("SSR", "DA", "t_ssraad", "dgn_cod", "stay_id")]
EVENTS = f"""
CREATE TABLE oracle.diag AS {' UNION ALL '.join(
    f"SELECT patient, '{field}' AS field, '{position}' AS position, {code} AS code, {key} AS stay, year(event_end) AS year "
    f"FROM {table} WHERE {STAY} AND {code} IS NOT NULL" for field, position, table, code, key in DIAGNOSIS)};
CREATE INDEX ON oracle.diag (field, position);
CREATE TABLE oracle.exemption AS
    SELECT patient, med_mtf_cod AS code, imb_ald_dtd AS day_from, coalesce(imb_ald_dtf, DATE '9999-12-31') AS day_to FROM ir_imb_r
    WHERE patient IS NOT NULL AND imb_etm_nat IN (41, 43, 45) AND imb_ald_dtd IS NOT NULL AND coalesce(imb_ald_dtf >= imb_ald_dtd, true);
CREATE TABLE oracle.drug AS
    SELECT patient, day, code, large, year(day) AS year FROM (
        SELECT d.patient, d.event_date AS day, d.atc AS code, d.pha_prs_c13 AS cip, d.large_package AS large, p.pfs_pre_num AS prescriber,
            d.pha_act_qsn AS n FROM er_pha_f d JOIN er_prs_f p USING (claim) WHERE d.valid
        UNION ALL SELECT patient, event_date, atc, NULL, false, NULL, ucd_dlv_nbr FROM er_ucd_f WHERE valid
        UNION ALL SELECT m.patient, c.exe_soi_dtd + coalesce(m.delai, 0), m.atc, NULL, false, NULL, m.adm_nbr
            FROM t_mcoaamed m JOIN t_mcoaac c USING (mco_stay) WHERE m.valid) line
    WHERE patient IS NOT NULL AND day IS NOT NULL GROUP BY patient, day, code, cip, large, prescriber HAVING sum(n) > 0;
CREATE TABLE oracle.ccam AS
    SELECT patient, event_date AS day, year(event_date) AS year, code, NULL::bigint AS stay FROM (
        SELECT c.patient, c.event_date, c.cam_prs_ide AS code, p.pfs_exe_num, p.prs_act_qte FROM er_cam_f c JOIN er_prs_f p USING (claim)
        WHERE c.valid) line
    WHERE patient IS NOT NULL AND event_date IS NOT NULL GROUP BY patient, event_date, code, pfs_exe_num HAVING sum(prs_act_qte) > 0
    UNION ALL SELECT patient, day, year(day), code, mco_stay FROM (SELECT a.patient, c.exe_soi_dtd + coalesce(a.ent_dat_del, 0) AS day,
        a.cdc_act AS code, mco_stay FROM t_mcoaaa a JOIN t_mcoaac c USING (mco_stay) WHERE a.valid) act WHERE patient IS NOT NULL AND day IS NOT NULL
    UNION ALL SELECT patient, event_date, year(event_date), ccam_cod, NULL FROM t_mcoaafmstc
        WHERE valid AND patient IS NOT NULL AND event_date IS NOT NULL AND coalesce(event_end >= event_date, true);
CREATE TABLE oracle.biology AS
    SELECT patient, year(event_date) AS year, code FROM (
        SELECT patient, event_date, event_end, bio_prs_ide::text AS code, bio_act_qsn AS n FROM er_bio_f WHERE valid
        UNION ALL SELECT patient, event_date, event_end, nabm_cod::text, act_nbr FROM t_mcoaaflstc WHERE valid) test
    WHERE patient IS NOT NULL AND event_date IS NOT NULL AND coalesce(event_end >= event_date, true)
    GROUP BY patient, event_date, code HAVING sum(n) > 0;
CREATE TABLE oracle.line AS
    SELECT patient, event_date AS day, year(event_date) AS year, prs_nat_ref::text AS code, rgo_asu_nat AS insurance, sum(prs_act_qte) AS n
    FROM er_prs_f WHERE valid AND patient IS NOT NULL AND event_date IS NOT NULL AND coalesce(event_end >= event_date, true)
    GROUP BY patient, event_date, prs_nat_ref, rgo_asu_nat, pse_spe_cod, pfs_exe_num HAVING sum(prs_act_qte) > 0;
CREATE TABLE oracle.grouped AS SELECT patient, event_date AS day, year(event_date) AS year_from, year(event_end) AS year, grg_ghm AS code
    FROM t_mcoaab WHERE {STAY};
"""


def quoted(values):
    return "(" + ", ".join(f"'{v}'" for v in values) + ")"


def begins(column, codes):
    return f"{column} ~ '^({'|'.join(codes)})'"


def span(years, n):
    return f"year IN ({', '.join(str(n + y) for y in years)})"


class Map:
    def __init__(self, rules, year):
        self.rules, self.year, self.named = {r["id"]: r for r in rules}, year, {}

    def diagnoses(self, c, years, stays_only=""):
        """FROM and WHERE of the diagnoses that a criterion asks for."""
        text = (f"FROM oracle.diag d WHERE field IN {quoted(c.get('src', ['MCO']))} AND position IN {quoted(self.positions(c))} "
                f"AND {begins('code', c['icd'])}")
        for code in c.get("not_icd", []):
            code, _, sex = code.partition(" if sex ")
            wrong = begins("code", [code])
            if sex:
                wrong += f" AND EXISTS (SELECT 1 FROM person p WHERE p.patient = d.patient AND p.sex = '{sex}')"
            text += f" AND NOT ({wrong})"
        if "without_act" in c:
            text += f" AND NOT EXISTS (SELECT 1 FROM oracle.ccam a WHERE a.stay = d.stay AND a.code IN {quoted(c['without_act'])})"
        return f"{text} AND {span(years, self.year)}" if years else text

    @staticmethod
    def positions(c):
        # The main diagnosis of a unit: that of the stay is one of them.
        return c["pos"] + (["DP"] if "DP_RUM" in c["pos"] and "DP" not in c["pos"] else []) + \
            (["DR"] if "DR_RUM" in c["pos"] and "DR" not in c["pos"] else [])

    def stay(self, c):
        if "unless_only" not in c:
            return f"SELECT patient {self.diagnoses(c, c['years'])}"
        checked = f"stay IN (SELECT stay FROM oracle.diag WHERE field = 'MCO' AND position IN ('DP', 'DR') AND code ~ '^{c['unless_only']}')"
        session = f"SELECT patient FROM oracle.diag WHERE field = 'MCO' AND position IN ('DP', 'DR', 'DA') AND code ~ '^Z51[01]' AND {span(c['years'], self.year)}"
        return (f"SELECT patient {self.diagnoses(c, c['years'])} AND NOT {checked} UNION "
                f"(SELECT patient {self.diagnoses(c, c['years'])} INTERSECT {session})")

    def stay_pair(self, c):
        first, second = dict(c["first"], src=c["src"]), dict(c["second"], src=c["src"])
        return f"SELECT patient {self.diagnoses(first, c['years'])} AND stay IN (SELECT stay {self.diagnoses(second, None)})"

    def ald(self, c):
        low, high = self.year + min(c["years"]), self.year + max(c["years"])
        return (f"SELECT patient FROM oracle.exemption WHERE {begins('code', c['icd'])} AND day_from <= DATE '{high}-12-31' "
                f"AND day_to >= DATE '{low}-01-01'")

    def ald_start(self, c):
        text = self.diagnoses(dict(c, pos=[]), None).split(" AND ", 2)[2]  # only the conditions on the code
        when = f"year(day_from) < {self.year - 1}" if c["years"] == "before -1" else \
            f"year(day_from) BETWEEN {self.year + min(c['years'])} AND {self.year + max(c['years'])}"
        return f"SELECT patient FROM oracle.exemption d WHERE {text} AND {when}"

    def drug(self, c):
        rows = f"FROM oracle.drug WHERE {begins('code', c['atc'])}"
        for code in c.get("not_atc", []):
            rows += f" AND NOT {begins('code', [code])}"
        enough = f"count(DISTINCT day) >= {c['min_dates']}"
        if "min_dates_with_large_package" in c:
            enough += f" OR (count(DISTINCT day) >= {c['min_dates_with_large_package']} AND bool_or(large))"
        per = "patient" if c.get("pooled_years") else "patient, year"
        text = f"SELECT patient {rows} AND {span(c['years'], self.year)} GROUP BY {per} HAVING {enough}"
        if "age_min" in c:
            text = f"({text}) INTERSECT SELECT patient FROM person WHERE {self.year} - birth_year >= {c['age_min']}"
        return text

    def care_days(self, c):
        if "ghm" in c:
            self.named[c["what"]] = c
        c = dict(self.named[c["what"]], years=c["years"], min_days=c["min_days"])
        when = span(c["years"], self.year)
        return (f"SELECT patient FROM (SELECT patient, day FROM oracle.grouped WHERE {begins('code', c['ghm'])} AND {when.replace('year', 'year_from', 1)} "
                f"UNION ALL SELECT patient, day FROM oracle.ccam WHERE {begins('code', c['ccam'])} AND {when} "
                f"UNION ALL SELECT patient, day FROM oracle.line WHERE code IN {quoted(c['prs_nat'])} AND {when}) care "
                f"GROUP BY patient HAVING count(DISTINCT day) >= {c['min_days']}")

    def criterion(self, c):
        kind = c["t"]
        if kind == "and" and any(x.get("same_stay") for x in c["of"]):
            first, second = c["of"]
            return self.stay_pair({"first": first, "second": second, "src": first["src"], "years": first["years"]})
        if kind in ("and", "or"):
            return (" INTERSECT " if kind == "and" else " UNION ").join(f"({self.criterion(x)})" for x in c["of"])
        simple = {"ghm": ("grouped", begins("code", c.get("prefix", ["x"]))), "ccam": ("ccam", begins("code", c.get("codes", ["x"]))),
                  "nabm": ("biology", f"code IN {quoted(c.get('codes', ['x']))}"),
                  "prs_insurance": ("line", f"insurance IN ({', '.join(c.get('rgo_asu_nat', []))})"),
                  "prs_nat": ("line", f"code IN {quoted(c.get('codes', ['x']))}")}
        if kind not in simple:
            return getattr(self, kind)(c)
        table, condition = simple[kind]
        text = f"SELECT patient FROM oracle.{table} WHERE {condition} AND {span(c['years'], self.year)}"
        return text + " GROUP BY patient HAVING sum(n) >= 1" if c.get("sum_quantity") else text

    def cohort(self, name):
        """The patients of a cohort as one SELECT."""
        rule = self.rules[name]
        text = " UNION ".join(f"({self.criterion(c)})" for c in rule["any"])
        for other in rule.get("all", []):
            text = f"({text}) INTERSECT SELECT patient FROM cohort WHERE name = '{other}' AND year = {self.year}"
        for other in rule.get("minus", []):
            text = f"({text}) EXCEPT SELECT patient FROM cohort WHERE name = '{other}' AND year = {self.year}"
        fits = f"resolved AND birth_year <= {self.year} AND (death_date IS NULL OR death_date >= DATE '{self.year}-01-01')"
        if "sex" in rule:
            fits += f" AND sex = '{rule['sex']}'"
        if "age" in rule:
            fits += f" AND {self.year} - birth_year BETWEEN {rule['age'][0]} AND {rule['age'][1]}"
        return f"({text}) INTERSECT SELECT patient FROM person WHERE {fits}"

    def script(self):
        """Every cohort into the table `cohort`, those that others name first."""
        done, order = set(), []

        def visit(name):
            if name not in done:
                done.add(name)
                for other in self.rules[name].get("all", []) + self.rules[name].get("minus", []):
                    visit(other)
                order.append(name)
        for name in self.rules:
            visit(name)
        return "\n".join(f"INSERT INTO cohort SELECT '{name}', {self.year}, c.* FROM ({self.cohort(name)}) c;" for name in order)


def people_of(folder, year):
    """name -> patients of the year, of a run."""
    with h5py.File(f"{folder}/cohorts/people.h5") as file:
        patients = [p.rstrip(b"\0").decode() for p in file["patient"][:]]
        start = file["start_date"][:]
        first = (year - 1970) * 365 + (year - 1969) // 4  # 1 January as a day, until 2099
        return {name: {p for p, is_in, day in zip(patients, file[name][:], start) if is_in == 1 and day == first}
                for name in file if name not in ("patient", "start_date", "end_date")}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        rules = json.load(file)
    runs = [(int(year), folder) for year, folder in (run.split("=", 1) for run in sys.argv[2:])]
    script = EVENTS + "CREATE TABLE cohort (name text, year int, patient text);\n"
    psql(script + "\n".join(Map(rules, year).script() for year, _ in runs))
    failures, empty = 0, []
    for year, folder in runs:
        ours = people_of(folder, year)
        for rule in rules:
            name = rule["id"]
            theirs = {row[0] for row in psql(f"SELECT patient FROM cohort WHERE name = '{name}' AND year = {year}")}
            found = ours[name]
            print(f"{year} {name}: {len(found)} people, PostgreSQL {len(theirs)}")
            if not theirs:
                empty.append(name)
            if found != theirs:
                print(f"FAILED: {name}: {len(found - theirs)} in parcours alone, {len(theirs - found)} in PostgreSQL alone")
                failures += 1
    if empty:
        print(f"FAILED: nobody in {', '.join(sorted(set(empty)))}: nothing was compared")
        failures += 1
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
