"""Are the answers of both sides the same? A time of a different answer counts for nothing."""
import csv
import json
import os


class Different(Exception):
    pass


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    return rows[0], rows[1:]


def same_rows(name, ours, theirs):
    """The same rows, whatever their order."""
    _, left = read(ours)
    _, right = read(theirs)
    if sorted(left) != sorted(right):
        odd = len(set(map(tuple, left)) ^ set(map(tuple, right)))
        raise Different(f"query {name}: Parcours has {len(left)} rows, DuckDB {len(right)}, {odd} on one side only")


def rows(manifest_path, counts):
    """Rows of each table, equal on both sides. PERSON of DuckDB has the people of the identity tables only."""
    with open(manifest_path, encoding="utf-8") as file:
        tables = json.load(file)["tables"]
    stored = {name: table["rows_stored"] for name, table in tables.items()}
    for name, count in counts.items():
        if name != "PERSON" and stored.get(name) != count:
            raise Different(f"table {name}: Parcours stored {stored.get(name)} rows, DuckDB {count}")
    return sum(stored.values())


def cells(path, by):
    """{values of the first `by` columns: the others}, without rows of totals."""
    header, body = read(path)
    return {tuple(row[:by]): dict(zip(header[by:], row[by:])) for row in body if row[0] != "all"}


def first_use(control, theirs, _):
    ours = {key: row["patients"] for key, row in cells(os.path.join(control, "table.csv"), 2).items()}
    expected = {tuple(row[:2]): row[2] for row in read(theirs)[1]}
    if ours != expected:
        raise Different(f"first_use: Parcours counts {sum(map(int, ours.values()))} people, "
                        f"DuckDB {sum(map(int, expected.values()))}")


def disease_map(control, theirs, _):
    """The people of the cohorts that both sides have."""
    ours = {row[1]: row[3] for row in read(os.path.join(control, "map.csv"))[1] if row[0] != "all" and row[2] == "true"}
    for cohort, people in read(theirs)[1]:
        if ours.get(cohort) != people:
            raise Different(f"map: {cohort}: Parcours counts {ours.get(cohort)} people, DuckDB {people}")


def diabetes(control, theirs, truth_path):
    """Counts and prevalences by year, sex and age, département; and the truth of the generator."""
    header, body = read(theirs)
    expected = {}
    for row in body:
        values = dict(zip(header, row))
        key = (values["a"],) if values["b"] == "" else (values["a"], values["b"])
        expected.setdefault(values["statistic"], {})[key] = values
    for statistic, count, prevalence, by in (("year", "years", "prevalence_year", 1),
                                             ("age_sex", "age_sex", "prevalence_age_sex", 2),
                                             ("departement", "departement", "prevalence_departement", 1)):
        theirs_here = expected[statistic]
        ours = {key: row["patients"] for key, row in cells(os.path.join(control, count + ".csv"), by).items()}
        if ours != {key: row["cases"] for key, row in theirs_here.items() if row["cases"] != "0"}:
            raise Different(f"diabetes: the table {count} differs between Parcours and DuckDB")
        ours = {key: (row["patients"], row["population"])
                for key, row in cells(os.path.join(control, prevalence + ".csv"), by).items() if row["population"] != "0"}
        if ours != {key: (row["cases_alive"], row["alive"]) for key, row in theirs_here.items() if row["alive"] != "0"}:
            raise Different(f"diabetes: the table {prevalence} differs between Parcours and DuckDB")
    with open(truth_path, encoding="utf-8") as file:
        truth = json.load(file)["cohorts"]["diabete"]
    found = {key[0]: int(row["cases"]) for key, row in expected["year"].items()}
    if any(found[year] != count for year, count in truth.items() if year in found):
        raise Different(f"diabetes: the generator planted {truth}, both sides found {found}")
