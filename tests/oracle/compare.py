"""Compares a store with the PostgreSQL database that was made from the same delivery.

  compare.py tables  PARCOURS STORE WORK          every row of every delivered table
  compare.py foreign STORE WORK PLUGIN            the same rows read from the store with h5py alone (after tables)
  compare.py rejects PARCOURS STORE WORK TIDY     each rejected row, with its reason
  compare.py queries PARCOURS STORE WORK FOLDER   the same query text on both sides
  compare.py diabetes TRUTH YEAR=RUN...           jobs/diabetes.json: its cohort patient by patient, what it
                                                  releases, and the truth of synth

PARCOURS is the binary; the database is the one that psql's environment names. Results land in WORK.
Exit code 1 after a difference, of which the first is printed.
"""
import collections
import csv
import glob
import json
import math
import os
import re
import subprocess
import sys

PSQL = ["/usr/lib/postgresql/15/bin/psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]
HIDDEN = ("src_file", "src_line", "claim", "mco_stay", "stay_id")  # helpers of the oracle, keys of the model


def psql(script):
    done = subprocess.run(PSQL + ["--no-align", "--tuples-only"], input=script, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        sys.exit(f"psql failed: {done.stderr}")
    return [line.split("|") for line in done.stdout.splitlines()]


def parcours(binary, store, text, out, *options):
    """Runs a query to the file `out`; the exit code and what it said."""
    done = subprocess.run([binary, "query", store, text, "--format", "csv", "--out", out, "--quiet", *options],
                          text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.strip()


def rows_of(path):
    """Header and rows of a CSV; a null is None, an empty text is ''."""
    with open(path, encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))
    with open(path, encoding="utf-8", newline="") as file:
        plain = '""' not in file.read()
    if plain:
        return lines[0], [[cell or None for cell in line] for line in lines[1:]]
    return lines[0], lines[1:]


def same_number(ours, theirs):
    try:
        a, b = float(ours), float(theirs)
    except (TypeError, ValueError):
        return False
    # Ours has 12 digits; of a number that lies just between two of them the next double may round otherwise.
    beside = (b, math.nextafter(b, -math.inf), math.nextafter(b, math.inf))
    if a == b or abs(a - b) <= 1e-12 * max(abs(a), abs(b)) or any(a == float(f"{x:.12g}") for x in beside):
        return True
    # A numeric of PostgreSQL may have fewer digits than a float: stddev keeps three behind the point, and none once the
    # variance has 16 digits before it.
    decimals = len(theirs.partition(".")[2])
    unit = 10.0 ** (math.floor(math.log10(abs(a))) - 11) if a != 0 else 0  # of our last digit
    return (decimals > 0 or abs(b) >= 1e8) and abs(a - b) <= 0.5 * (10.0**-decimals + unit)


def first_difference(ours, theirs, floats):
    """Where two results differ, as a sentence, or None. Both are (header, rows)."""
    if [name.lower() for name in ours[0]] != [name.lower() for name in theirs[0]]:
        return f"header: parcours {ours[0]}, PostgreSQL {theirs[0]}"
    is_float = [name.lower() in floats for name in ours[0]]
    for index, (mine, other) in enumerate(zip(ours[1], theirs[1]), 1):
        if mine == other:
            continue
        for name, number, a, b in zip(ours[0], is_float, mine, other):
            if a != b and not (number and same_number(a, b)):
                return f"row {index}, column {name}: parcours {a!r}, PostgreSQL {b!r}\n    {mine}\n    {other}"
    if len(ours[1]) != len(theirs[1]):
        return f"rows: parcours {len(ours[1])}, PostgreSQL {len(theirs[1])}"
    return None


# ---- tables ----

def columns_of_tables():
    """{table as the model spells it: [(column, type)]}, the columns that were delivered or derived."""
    delivered = {}
    for table, column in psql("SELECT table_name, column_name FROM oracle.delivered"):
        delivered.setdefault(table, []).append(column.lower())
    delivered["PERSON"] = []
    types = {}
    for table, column, kind in psql("""SELECT table_name, column_name, data_type FROM information_schema.columns
            WHERE table_schema = 'public' ORDER BY table_name, ordinal_position"""):
        types.setdefault(table, []).append((column, kind))
    raw = {(table, column) for table, column in psql(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'raw'")}
    tables = {}
    for table, columns in delivered.items():
        name = table.lower()
        tables[table] = [(column, kind) for column, kind in types[name] if column not in HIDDEN
                         and (column in columns or (name, column) not in raw or column == "file_year")]
    return tables


def compare_tables(binary, store, work):
    tables, failures, total = columns_of_tables(), 0, 0
    script = []
    for table, columns in tables.items():
        shown = ", ".join(f"CASE WHEN {c} THEN 'true' WHEN NOT {c} THEN 'false' END AS {c}" if kind == "boolean" else c
                          for c, kind in columns)
        order = ", ".join(str(i + 1) for i in range(len(columns)))
        script.append(f"\\copy (SELECT {shown} FROM {table} ORDER BY {order}) TO '{work}/{table}.theirs' "
                      "(FORMAT csv, HEADER true)")
    psql("\n".join(script))
    for table, columns in tables.items():
        ours, theirs = f"{work}/{table}.ours", f"{work}/{table}.theirs"
        text = f"SELECT {', '.join(c for c, _ in columns)} FROM {table}"
        code, said = parcours(binary, store, text, ours, "--unprotected")
        if code != 0:
            problem = f"exit code {code}: {said}"
        elif same_bytes(ours, theirs):
            problem = None
        else:
            problem = first_difference(rows_of(ours), rows_of(theirs), ())
        if problem:
            failures += 1
            print(f"FAILED table {table}: {problem}")
        else:
            with open(theirs, "rb") as file:
                total += sum(1 for _ in file) - 1
    print(f"{len(tables) - failures} of {len(tables)} tables agree ({total} lines)")
    return failures


def same_bytes(ours, theirs):
    """Equal but for the spelling of the header."""
    with open(ours, "rb") as a, open(theirs, "rb") as b:
        return a.readline().lower() == b.readline().lower() and a.read() == b.read()


def compare_foreign(store, work, plugin):
    os.environ["HDF5_PLUGIN_PATH"] = plugin
    import h5_store
    reader, failures = h5_store.Store(store), 0
    tables = {table: columns for table, columns in columns_of_tables().items() if ("patient", "text") in columns}
    for table, columns in tables.items():
        found = collections.Counter(map(tuple, rows_of(f"{work}/{table}.theirs")[1]))
        for part in reader.parts():
            if table in part:
                found.subtract(reader.part_rows(part, table, [column for column, _ in columns]))
        wrong = [row for row, count in found.items() if count != 0]
        if wrong:
            failures += 1
            print(f"FAILED table {table} by h5py: {len(wrong)} rows differ, such as {wrong[0]}")
    print(f"{len(tables) - failures} of {len(tables)} tables agree, read by h5py")
    return failures


def compare_rejects(_, store, work, tidy):
    with open(f"{tidy}/rejected.csv", encoding="utf-8", newline="") as file:
        expected = {tuple(row) for row in csv.reader(file)}
    for table, file, line, reason in psql("SELECT table_name, name, src_line, reason FROM oracle.rejected "
                                          "JOIN oracle.file USING (src_file)"):
        expected.add((table, file, line, reason))
    found = set()
    for path in glob.glob(f"{store}/rejects/*/*.csv"):
        table = os.path.basename(path)[:-4]
        with open(path, encoding="latin-1", newline="") as file:  # records as they were delivered
            found |= {(table, row["file"], row["line"], row["reason"]) for row in csv.DictReader(file)}
    for row in sorted(expected - found)[:5]:
        print("FAILED: not rejected by parcours:", row)
    for row in sorted(found - expected)[:5]:
        print("FAILED: rejected by parcours alone:", row)
    print(f"{len(found & expected)} rejected rows agree")
    return len(found ^ expected)


# ---- queries ----

class Query:
    """A query of queries/: each clause on its own line, remarks and directives behind `--`.

    `-- float: a b` names columns that are floats here; `-- any scale`: zeros at the end of a decimal may
    differ; `-- keys: n` also checks what may leave: the first n columns are keys, the last is the number
    of patients of the row.
    """

    def __init__(self, name, lines):
        self.name = name
        self.text = "\n".join(line for line in lines if not line.startswith("--"))
        remarks = [line[2:].strip() for line in lines if line.startswith("--")]
        self.floats = set(" ".join(r[6:] for r in remarks if r.startswith("float:")).split())
        self.any_scale = "any scale" in remarks
        keys = [r[5:] for r in remarks if r.startswith("keys:")]
        self.keys = int(keys[0]) if keys else 0

    @staticmethod
    def read(path):
        """The queries of a file: apart by lines that hold a semicolon and nothing else."""
        name = os.path.basename(path)[:-4]
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        ends = [index for index, line in enumerate(lines) if line == ";"] + [len(lines)]
        starts = [0] + [end + 1 for end in ends[:-1]]
        parts = [lines[start:end] for start, end in zip(starts, ends) if "".join(lines[start:end]).strip()]
        return [Query(name if len(parts) == 1 else f"{name}.{number}", part) for number, part in enumerate(parts, 1)]

    def total_order(self, column_count):
        """The query in the order that Parcours promises: by all columns behind its own ORDER BY."""
        ordinals = ", ".join(str(i + 1) for i in range(column_count))
        lines = self.text.splitlines()
        for index, line in enumerate(lines):
            if line.startswith("ORDER BY "):
                lines[index] = f"{line}, {ordinals}"
                return " ".join(lines)
        place = next((i for i, line in enumerate(lines) if line.startswith("LIMIT ")), len(lines))
        return " ".join(lines[:place] + [f"ORDER BY {ordinals}"] + lines[place:])


def run_on_postgresql(queries, work):
    script = []
    for query in queries:
        script.append(f"\\o {work}/{query.name}.types\n{query.text} \\gdesc\n\\o")
    psql("\n".join(script))
    script = []
    for query in queries:
        with open(f"{work}/{query.name}.types", encoding="utf-8") as file:
            query.types = [line.rsplit("|", 1)[1] for line in file.read().splitlines()]
        script.append(f"\\copy ({query.total_order(len(query.types))}) TO '{work}/{query.name}.theirs' "
                      "(FORMAT csv, HEADER true)")
    psql("\n".join(script))


def theirs_of(query, work):
    header, rows = rows_of(f"{work}/{query.name}.theirs")
    spelt = {"t": "true", "f": "false"}
    for row in rows:
        for index, kind in enumerate(query.types):
            if kind == "boolean":
                row[index] = spelt.get(row[index], row[index])
    return header, rows


def without_zeros(result, types):
    """Decimals without zeros at the end: of a mix of scales PostgreSQL shows each value's own."""
    header, rows = result
    return header, [[cell.rstrip("0").rstrip(".") if cell and kind == "numeric" and "." in cell else cell
                     for cell, kind in zip(row, types)] for row in rows]


def gated(query, result):
    """What may leave of a result: cells of 1 to 10 patients are `s`."""
    header, rows = result
    return header, [row[:query.keys] + (["s"] * (len(row) - query.keys) if 1 <= int(row[-1]) <= 10 else row[query.keys:])
                    for row in rows]


def answer_all(queries, binary, store, work):
    """Writes the answers of Parcours, without disclosure control: what is wrong, or None, of each query."""
    tool = os.path.join(os.path.dirname(binary), "..", "tests", "query_many")
    done = subprocess.run([tool, store], input="".join(query.text + "\0" for query in queries).encode(),
                          stdout=subprocess.PIPE, check=False)
    said, at, out = [], 0, done.stdout
    for query in queries:
        end = out.find(b"\n", at)
        if end < 0:
            sys.exit(f"query_many stopped (exit code {done.returncode}) at {query.name}: {query.text}")
        status, size = map(int, out[at:end].split())
        text = out[end + 1:end + 1 + size]
        at = end + 1 + size
        said.append(text.decode() if status != 0 else None)
        if status == 0:
            with open(f"{work}/{query.name}.ours", "wb") as file:
                file.write(text)
    return said


def compare_query(query, binary, store, work, failed):
    if failed:
        return failed
    ours = f"{work}/{query.name}.ours"
    theirs = theirs_of(query, work)
    mine = rows_of(ours)
    if query.any_scale:
        mine, theirs = without_zeros(mine, query.types), without_zeros(theirs, query.types)
    problem = first_difference(mine, theirs, query.floats)
    if problem or not query.keys:
        return problem
    code, said = parcours(binary, store, query.text, ours)
    if code == 3 and query.any_scale:
        return None  # a random query may touch an identifier: refused, as it must be
    if code != 0:
        return f"protected: exit code {code}: {said}"
    mine = rows_of(ours)
    if query.any_scale:
        mine = without_zeros(mine, query.types)
    problem = first_difference(mine, gated(query, theirs), query.floats)
    return problem and f"protected: {problem}"


def compare_queries(binary, store, work, folder):
    queries = [query for path in sorted(glob.glob(f"{folder}/*.sql")) for query in Query.read(path)]
    run_on_postgresql(queries, work)
    failures = 0
    for query, failed in zip(queries, answer_all(queries, binary, store, work)):
        problem = compare_query(query, binary, store, work, failed)
        if problem:
            failures += 1
            print(f"FAILED query {query.name}: {problem}\n{query.text}")
    print(f"{len(queries) - failures} of {len(queries)} queries agree")
    return failures


# ---- the cohort of people with diabetes ----

def cohort_of(path):
    import h5py
    with h5py.File(path, "r") as file:
        return {bytes(p).rstrip(b"\0 ").decode() for p in file["patient"][:]}


def tail(cases, people, p):
    """The probability of at most `cases` of `people`, each with probability p."""
    log = [math.lgamma(people + 1) - math.lgamma(i + 1) - math.lgamma(people - i + 1)
           + i * math.log(p) + (people - i) * math.log1p(-p) for i in range(cases + 1)]
    return math.fsum(math.exp(x) for x in log)


def exact_interval(cases, people):
    """Clopper and Pearson, 95 %, by bisection of binomial sums."""
    def solve(is_above):
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (low, middle) if is_above(middle) else (middle, high)
        return low
    lower = 0.0 if cases == 0 else solve(lambda p: 1 - tail(cases - 1, people, p) > 0.025)
    upper = 1.0 if cases == people else solve(lambda p: tail(cases, people, p) < 0.025)
    return lower, upper


def expected_groups(scope, by):
    """{key: (cases, cases in the population, people of the population)} by SQL expressions."""
    columns = ", ".join(f"coalesce(({expression})::text, '')" for expression in by)
    numbers = ", ".join(str(i + 1) for i in range(len(by)))
    groups = {}
    for place, table in enumerate([
            "oracle.diabetes p", "oracle.population p JOIN (SELECT year, patient FROM oracle.diabetes) d USING (year, patient)",
            "oracle.population p"]):
        for *key, count in psql(f"SELECT {columns}, count(*) FROM {table} WHERE {scope} GROUP BY {numbers}"):
            groups.setdefault(tuple(key), [0, 0, 0])[place] = int(count)
    return groups


def check_count(folder, name, groups, is_all):
    """release/NAME.csv of a count: keys, records, patients; 1 to 10 patients are `s`. With `is_all` no other keys."""
    _, rows = rows_of(f"{folder}/release/{name}.csv")
    found = {tuple(cell or "" for cell in row[:-2]): row[-2:] for row in rows}
    expected = {key: [str(cases)] * 2 if cases > 10 else ["s"] * 2 for key, (cases, _, _) in groups.items() if cases}
    for key in sorted(set(found) | set(expected)):
        if found.get(key) != expected.get(key) and (key in expected or is_all):
            return f"{name} {key}: parcours {found.get(key)}, PostgreSQL {expected.get(key)}"
    return None


def check_prevalence(folder, name, groups, _):
    """release/NAME.csv of a prevalence: keys, patients, population, share, lower, upper."""
    _, rows = rows_of(f"{folder}/release/{name}.csv")
    found = {tuple(cell or "" for cell in row[:-5]): row[-5:] for row in rows}
    for key, (_, cases, people) in groups.items():
        if people == 0:
            continue
        mine = found.get(key)
        if mine is None:
            return f"{name} {key}: missing"
        if cases <= 10 or people - cases <= 10:
            if 1 <= cases <= 10 and mine[0] != "s":
                return f"{name} {key}: {cases} patients are shown"
            continue
        values = [cases, people, cases / people, *exact_interval(cases, people)]
        for cell, value in zip(mine, values):
            if cell == "s" or abs(float(cell) - value) > 1e-9:
                return f"{name} {key}: parcours {mine}, expected {values}"
    return None


def compare_diabetes(truth_path, *runs):
    with open(truth_path, encoding="utf-8") as file:
        truth = json.load(file)["cohorts"]["diabete"]
    failures = 0
    for run in runs:
        year, folder = run.split("=", 1)
        theirs = {row[0] for row in psql(f"SELECT patient FROM oracle.diabetes WHERE year = {int(year)}")}
        ours = cohort_of(f"{folder}/cohorts/diabetes.h5")
        print(f"diabetes {year}: {len(ours)} patients, PostgreSQL {len(theirs)}, truth {truth[year]}")
        problems = []
        if ours != theirs:
            problems.append(f"{len(ours - theirs)} patients in parcours alone, {len(theirs - ours)} in PostgreSQL alone: "
                            f"{sorted(ours ^ theirs)[:5]}")
        if len(theirs) != truth[year]:
            problems.append("the truth of synth is another")
        this, age_sex = f"p.year = {int(year)}", ["p.sex", "band(p.year - p.birth_year, 5)"]
        for check, name, scope, by in [
                (check_count, "age_sex", this, age_sex), (check_count, "departement", this, ["p.ben_res_dpt"]),
                (check_count, "years", "true", ["p.year"]),
                (check_prevalence, "prevalence_age_sex", this, age_sex),
                (check_prevalence, "prevalence_departement", this, ["p.ben_res_dpt"]),
                (check_prevalence, "prevalence_year", "true", ["p.year"])]:
            groups = expected_groups(scope, by)
            if scope == this:
                groups[("all",) * len(by)] = tuple(sum(values) for values in zip(*groups.values()))
            # Elsewhere the store's period may have years that the delivery has no care of.
            problems.append(check(folder, name, groups, scope == this))
        for problem in filter(None, problems):
            print("FAILED:", problem)
            failures += 1
    return failures


def main():
    actions = {"tables": compare_tables, "foreign": compare_foreign, "rejects": compare_rejects, "queries": compare_queries,
               "diabetes": compare_diabetes}
    if len(sys.argv) < 4 or sys.argv[1] not in actions:
        sys.exit(__doc__)
    csv.field_size_limit(1 << 24)
    sys.exit(1 if actions[sys.argv[1]](*sys.argv[2:]) else 0)


if __name__ == "__main__":
    main()
