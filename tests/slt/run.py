"""Runs sqllogictest files on Parcours or on PostgreSQL 15.

  run.py [--postgres] [--complete] [--ranks N] [--tools FOLDER] [--bin FOLDER] FILE...

A file is of records in the format of SQLite's and DuckDB's suites:

  statement ok | statement error [REGEX]      a CREATE TABLE, INSERT INTO ... VALUES or DROP TABLE
  query TYPES [nosort|rowsort|valuesort] [LABEL]    a query, then ---- and its result
  query error [REGEX]                         a query that must fail
  skipif ENGINE | onlyif ENGINE               of the next record; engines: parcours, postgresql
  hash-threshold N, halt, # remark

A result has a row a line, values apart by tabs, or a value a line, or is "N values hashing to MD5".
NULL and (empty) stand for those. Types: T text, I whole numbers, R numbers.

Tables are loaded from their INSERT statements: a column `patient` makes a table one of patients (CREATE
TABLE is of this runner, which writes a model and CSV files and calls ingest); others are reference tables.
With --postgres the same records run there, in a schema of their own; --complete writes what PostgreSQL
answers into the files. psql's environment names the database.
"""
import argparse
import csv
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from decimal import Decimal, InvalidOperation

PSQL = ["/usr/lib/postgresql/15/bin/psql", "--no-psqlrc", "--quiet", "--no-align", "--tuples-only"]


class Record:
    """A statement or query with its place in the file."""

    def __init__(self, kind, line):
        self.kind, self.line = kind, line  # kind: statement, query, halt, threshold
        self.sql, self.expected, self.types = "", [], ""
        self.sort, self.error = "nosort", None  # error: a pattern, "" any, None: must work
        self.only, self.skip = None, None
        self.end = line  # first line behind the SQL text


def read_records(path):
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    records, only, skip, at = [], None, None, 0
    while at < len(lines):
        words = lines[at].split()
        if not words or words[0].startswith("#"):
            at += 1
            continue
        record = Record(words[0], at + 1)
        if words[0] in ("onlyif", "skipif"):
            only, skip = (words[1], skip) if words[0] == "onlyif" else (only, words[1])
            at += 1
            continue
        if words[0] in ("statement", "query"):
            at = read_body(record, words, lines, at)
        elif words[0] == "hash-threshold":
            record.kind, at = "threshold", at + 1
        elif words[0] == "halt":
            at += 1
        else:
            sys.exit(f"{path}:{at + 1}: unknown record '{words[0]}'")
        record.only, record.skip, only, skip = only, skip, None, None
        records.append(record)
    return lines, records


def read_body(record, words, lines, at):
    if len(words) > 1 and words[1] == "error":
        record.error = " ".join(words[2:])
    elif words[0] == "query":
        record.types = words[1] if len(words) > 1 else ""
        record.sort = words[2] if len(words) > 2 else "nosort"
    at += 1
    body = []
    while at < len(lines) and lines[at].strip() and lines[at] != "----":
        body.append(lines[at])
        at += 1
    record.sql, record.end = "\n".join(body).rstrip().rstrip(";"), at
    if at < len(lines) and lines[at] == "----":
        at += 1
        while at < len(lines) and lines[at].strip():
            record.expected.append(lines[at])
            at += 1
    return at


# ---- what a result should be ----

def as_number(text):
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def same_value(found, wanted, kind):
    if found == wanted:
        return True
    if {found, wanted} in ({"true", "t"}, {"false", "f"}, {"true", "1"}, {"false", "0"}):
        return True
    a, b = as_number(found), as_number(wanted)
    if a is None or b is None or kind not in "IR":
        return False
    if a == b:
        return True
    if kind != "R" or not (a.is_finite() and b.is_finite()):
        return False
    digits = len(b.normalize().as_tuple().digits)
    if digits > 12 or abs(b) >= 10**12:  # more than Parcours writes of a float
        return abs(a - b) <= abs(b) * Decimal("1e-11")
    # SQLite's suites write three decimals.
    return re.fullmatch(r"-?\d+\.\d{3}", wanted) is not None and abs(a - b) <= Decimal("0.0005")


def shown(value):
    return "NULL" if value is None else "(empty)" if value == "" else value


def arranged(rows, sort):
    rows = [[shown(value) for value in row] for row in rows]
    if sort == "rowsort":
        rows.sort()
    if sort == "valuesort":
        rows = sorted([value] for row in rows for value in row)
    return rows


def as_rows(expected, columns, sort):
    """Lines of a record as rows, however they are written."""
    if sort == "valuesort":
        columns = 1
    by_row = [line.split("\t") for line in expected]
    if all(len(row) == columns for row in by_row):
        return by_row
    return [expected[i:i + columns] for i in range(0, len(expected), columns)]


def difference(record, rows):
    """Why the rows are not what the record expects, or None."""
    found = arranged(rows, record.sort)
    columns = len(rows[0]) if rows else max(len(record.types), 1)
    match = re.fullmatch(r"(\d+) values hashing to ([0-9a-f]{32})", record.expected[0]) if record.expected else None
    if match:
        values = [value for row in found for value in row]
        digest = hashlib.md5("".join(value + "\n" for value in values).encode()).hexdigest()
        same = int(match.group(1)) == len(values) and match.group(2) == digest
        return None if same else f"{len(values)} values hashing to {digest}"
    wanted = as_rows(record.expected, columns, record.sort)
    if record.sort == "rowsort":
        wanted = sorted(wanted)
    if len(found) != len(wanted):
        return f"{len(found)} rows, expected {len(wanted)}: {found[:5]}"
    for index, (mine, other) in enumerate(zip(found, wanted), 1):
        kinds = record.types.ljust(len(mine), "T") if record.sort != "valuesort" else "T"
        if len(mine) != len(other) or not all(map(same_value, mine, other, kinds)):
            return f"row {index}: {mine}, expected {other}"
    return None


def judge(record, failed, answer):
    """Why an answer (rows, or the sentence of a failure) is wrong, or None."""
    if record.error is not None:
        if not failed:
            return "it should have failed"
        return None if re.search(record.error, answer) else f"another error than '{record.error}': {answer}"
    if failed:
        return f"failed: {answer}"
    return difference(record, answer) if record.kind == "query" else None


# ---- PostgreSQL ----

class PostgreSQL:
    name = "postgresql"

    def __init__(self, _, work):
        self.work = work

    def run(self, records):
        """Answers to the records, in order: (failed, rows or sentence). One session for all."""
        script = ["DROP SCHEMA IF EXISTS slt CASCADE; CREATE SCHEMA slt; SET search_path = slt, public;",
                  "\\set ON_ERROR_STOP 0", "\\pset null '\\\\N'", "\\pset fieldsep '\\x1f'",
                  "\\pset recordsep '\\x1e'"]
        for index, record in enumerate(records):
            script += [f"\\o {self.work}/out.{index}", record.sql + "\n;", "\\o",
                       f"\\echo {index} :ERROR :LAST_ERROR_MESSAGE"]
            if record.kind == "query" and record.error is None:
                script += [f"\\o {self.work}/types.{index}", record.sql + " \\gdesc", "\\o"]
        done = subprocess.run(PSQL, input="\n".join(script), text=True, check=False, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
        said = {}
        for line in done.stdout.split("\n"):
            match = re.match(r"(\d+) (true|false) ?(.*)", line)
            if match:
                said[int(match.group(1))] = (match.group(2) == "true", match.group(3))
        return [self.answer(index, record, *said[index]) for index, record in enumerate(records)]

    def answer(self, index, record, failed, sentence):
        if failed or record.kind != "query":
            return failed, sentence
        rows = []
        with open(f"{self.work}/out.{index}", encoding="utf-8", newline="") as file:
            text = file.read()
        text = text[:-1] if text.endswith(("\x1e", "\n")) else text
        if text:
            rows = [[None if value == "\\N" else value for value in row.split("\x1f")]
                    for row in text.split("\x1e")]
        if record.error is None:
            with open(f"{self.work}/types.{index}", encoding="utf-8") as file:
                kinds = [row.split("\x1f")[-1] for row in file.read().rstrip("\x1e\n").split("\x1e")]
            record.kinds = "".join("I" if kind in ("integer", "bigint", "smallint") else
                                   "R" if kind.startswith(("numeric", "double")) else "T" for kind in kinds)
            rows = [[midnight(value, kind) for value, kind in zip(row, kinds)] for row in rows]
        return False, rows


def midnight(value, kind):
    """Where Parcours has a date PostgreSQL may have a timestamp."""
    return value[:10] if value and kind.startswith("timestamp") and value[10:19] == " 00:00:00" else value


# ---- Parcours ----

TYPES = {"int": "int(10)", "integer": "int(10)", "smallint": "int(5)", "int4": "int(10)", "bigint": "int(18)",
         "int8": "int(18)", "text": "code", "varchar": "code", "date": "date", "boolean": "bool", "bool": "bool",
         "float8": "float", "real": "float", "double": "float", "float": "float"}


class Refused(Exception):
    pass


class Table:
    def __init__(self, name, columns):
        self.name, self.columns, self.rows = name, columns, []


def split_list(text):
    """The items of a comma list, brackets and quotes kept whole."""
    items, depth, quoted, start = [], 0, False, 0
    for index, c in enumerate(text):
        if c == "'":
            quoted = not quoted
        elif not quoted and c == "(":
            depth += 1
        elif not quoted and c == ")":
            depth -= 1
        elif not quoted and depth == 0 and c == ",":
            items.append(text[start:index].strip())
            start = index + 1
    last = text[start:].strip()
    return items + [last] if last else items


def literal(text):
    """The value of a literal as CSV text; None for NULL."""
    text = re.sub(r"^date\s+", "", text, flags=re.IGNORECASE)
    if re.fullmatch(r"'(?:[^']|'')*'", text, flags=re.DOTALL):
        return text[1:-1].replace("''", "'")
    if text.upper() == "NULL":
        return None
    if re.fullmatch(r"[-+]?[0-9.]+([eE][-+]?[0-9]+)?", text):
        return text.lstrip("+")
    if text.upper() in ("TRUE", "FALSE"):
        return text.lower()
    raise Refused(f"not a literal: {text}")


class Store:
    """Tables of CREATE TABLE and INSERT as a store, made when a query first needs it."""

    def __init__(self, options, work):
        self.options, self.work, self.tables, self.built = options, work, {}, None
        self.count = 0

    def execute(self, sql):
        create = re.fullmatch(r"create\s+table\s+(\w+)\s*\((.*)\)", sql.strip(), re.IGNORECASE | re.DOTALL)
        insert = re.fullmatch(r"insert\s+into\s+(\w+)\s*(?:\(([^)]*)\))?\s*values\s*(.*)", sql.strip(),
                              re.IGNORECASE | re.DOTALL)
        drop = re.fullmatch(r"drop\s+table\s+(?:if\s+exists\s+)?(\w+)", sql.strip(), re.IGNORECASE)
        self.built = None
        if create:
            self.create(create.group(1).lower(), split_list(create.group(2)))
        elif insert:
            self.insert(insert)
        elif drop:
            self.tables.pop(drop.group(1).lower(), None)
        else:
            raise Refused("this statement is not one of a table")

    def create(self, name, definitions):
        columns = []
        for definition in definitions:
            words = definition.lower().split(None, 1)
            if words[0] in ("primary", "unique", "check", "constraint", "foreign"):
                continue
            kind = re.match(r"(\w+)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?", words[1])
            if kind.group(1) in ("numeric", "decimal"):
                if not kind.group(2):
                    raise Refused("numeric needs its digits here")
                columns.append((words[0], f"decimal({kind.group(2)},{kind.group(3) or 0})"))
            elif kind.group(1) in TYPES:
                columns.append((words[0], TYPES[kind.group(1)]))
            else:
                raise Refused(f"the type {kind.group(1)} is not one of a store")
        self.tables[name] = Table(name, columns)

    def insert(self, match):
        table = self.tables.get(match.group(1).lower())
        if table is None:
            raise Refused(f"unknown table {match.group(1)}")
        names = [name for name, _ in table.columns]
        given = [name.strip().lower() for name in match.group(2).split(",")] if match.group(2) else names
        for row in split_list(match.group(3)):
            values = dict(zip(given, map(literal, split_list(row.strip()[1:-1]))))
            table.rows.append([values.get(name) for name in names])

    def model(self):
        tables = {"PEOPLE": {"files": ["people.csv"], "primary": ["WHO"], "columns": [
            "WHO id(17) patient core", "PERSON_KEY id(17) patient core", "SEX code core", "BIRTH_YEAR int(4) core",
            "BIRTH_MONTH int(2) core", "DEATH date core"],
            "patient": {"path": "identity", "pseudonym": "WHO", "rank": "BIRTH_MONTH", "person": "PERSON_KEY"}}}
        for table in self.tables.values():
            body = {"files": [f"{table.name}.csv"], "columns": [], "multiline": True}
            for name, kind in table.columns:
                if name == "patient":
                    body["columns"] += ["PERSON_KEY id(17) patient core", "ROW_NUMBER id(9) core"]
                    body["patient"] = {"path": "direct", "person": "PERSON_KEY", "nobody": "ROW_NUMBER"}
                else:
                    body["columns"].append(f"{name} {kind} core" + (f" dict=texts" if kind == "code" else ""))
            tables[table.name] = body
        return {"model": "slt", "version": "1", "delimiter": ",", "tables": tables,
                "person": {"identity": ["PEOPLE"], "sex": "SEX", "female": "F", "male": "M", "birth_year": "BIRTH_YEAR",
                           "birth_month": "BIRTH_MONTH", "death_date": "DEATH", "copy": []}}

    def build(self):
        self.count += 1
        folder = f"{self.work}/store{self.count}"
        os.makedirs(folder)
        with open(f"{folder}/model.json", "w", encoding="utf-8") as file:
            json.dump(self.model(), file)
        people = set()
        os.makedirs(f"{folder}/csv")
        for table in self.tables.values():
            names = [name for name, _ in table.columns]
            at = names.index("patient") if "patient" in names else None
            with open(f"{folder}/csv/{table.name}.csv", "w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow([part for name in names for part in
                                 (("PERSON_KEY", "ROW_NUMBER") if name == "patient" else (name,))])
                for number, row in enumerate(table.rows):
                    if at is not None and row[at]:
                        people.add(row[at])
                    cells = ["" if value is None else value for value in row]
                    writer.writerow(cells if at is None else cells[:at + 1] + [str(number)] + cells[at + 1:])
        with open(f"{folder}/csv/people.csv", "w", encoding="utf-8", newline="") as file:
            file.write("WHO,PERSON_KEY,SEX,BIRTH_YEAR,BIRTH_MONTH,DEATH\n")
            for person in sorted(people):
                file.write(f"{person},{person},F,1950,1,\n")
        done = subprocess.run([f"{self.options.bin}/parcours", "ingest", "--model", f"{folder}/model.json", "--in",
                               f"{folder}/csv", "--store", f"{folder}/store", "--shards", "4", "--quiet"],
                              text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            sys.exit(f"ingest of {folder} failed: {done.stdout}")
        self.check_counts(folder)
        self.built = f"{folder}/store"

    def check_counts(self, folder):
        with open(f"{folder}/store/store.json", encoding="utf-8") as file:
            stored = json.load(file)["tables"]
        for table in self.tables.values():
            if stored[table.name]["rows_stored"] != len(table.rows):
                sys.exit(f"{folder}: {stored[table.name]} of {len(table.rows)} rows of {table.name}")

    def ask(self, queries):
        """Answers of several queries: (failed, rows or sentence)."""
        if self.built is None:
            self.build()
        ranks = ["mpirun", "--oversubscribe", "--quiet", "-n", str(self.options.ranks)] if self.options.ranks > 1 else []
        done = subprocess.run(ranks + [f"{self.options.tools}/query_many", self.built], check=False,
                              input="".join(sql + "\0" for sql in queries).encode(), stdout=subprocess.PIPE)
        answers, at, out = [], 0, done.stdout
        for _ in queries:
            end = out.find(b"\n", at)
            if end < 0:
                sys.exit(f"query_many stopped (exit code {done.returncode}) at: {queries[len(answers)]}")
            status, size = map(int, out[at:end].split())
            text = out[end + 1:end + 1 + size].decode()
            at = end + 1 + size
            answers.append((status != 0, text if status != 0 else parsed(text)))
        return answers


def parsed(text):
    """Rows of a CSV whose empty fields are nulls and whose "" are empty texts."""
    marked = re.sub(r'(^|,)""(?=,|\r?\n|$)', "\\1\x01", text, flags=re.MULTILINE)
    rows = list(csv.reader(io.StringIO(marked, newline="")))[1:]
    return [["" if value == "\x01" else value or None for value in row] if row else [None] for row in rows]


class Parcours:
    name = "parcours"

    def __init__(self, options, work):
        self.store = Store(options, work)

    def run(self, records):
        answers, waiting = [], []

        def flush():
            if waiting:
                answers.extend(self.store.ask(waiting))
                waiting.clear()
        for record in records:
            if record.kind == "query" or not re.match(r"create|insert|drop", record.sql.strip(), re.IGNORECASE):
                waiting.append(record.sql)
                continue
            flush()
            try:
                self.store.execute(record.sql)
                answers.append((False, None))
            except Refused as refusal:
                answers.append((True, str(refusal)))
        flush()
        return answers


# ---- the whole ----

def complete(path, lines, records, answers):
    """Writes what was answered into the file, from the last record to the first."""
    for record, (failed, answer) in reversed(list(zip(records, answers))):
        if record.kind != "query" or record.error is not None:
            continue
        if failed:
            print(f"{path}:{record.line}: not completed: {answer}")
            continue
        rows = [["NULL" if v is None else "(empty)" if v == "" else v for v in row] for row in answer]
        if record.sort == "rowsort":
            rows.sort()
        words = lines[record.line - 1].split()
        lines[record.line - 1] = " ".join(["query", record.kinds, record.sort] + words[3:])
        end = record.end
        while end < len(lines) and lines[end].strip():
            end += 1
        lines[record.end:end] = ["----"] + ["\t".join(row) for row in rows]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines))


def run_file(path, options, engine_of):
    lines, records = read_records(path)
    with tempfile.TemporaryDirectory() as work:
        os.chmod(work, 0o777)
        engine = engine_of(options, work)
        mine = []
        for record in records:
            if record.kind == "halt":
                break
            if record.kind != "threshold" and record.only in (None, engine.name) and record.skip != engine.name:
                mine.append(record)
        answers = engine.run(mine)
        if options.complete:
            complete(path, lines, mine, answers)
            return len(mine), 0
        failures = 0
        for record, (failed, answer) in zip(mine, answers):
            problem = judge(record, failed, answer)
            if problem:
                failures += 1
                print(f"FAILED {path}:{record.line}: {problem}\n    {record.sql}")
        return len(mine), failures


def main():
    os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=0")  # Open MPI leaks at exit
    for name in ("OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"):
        os.environ.setdefault(name, "1")
    parser = argparse.ArgumentParser()
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--complete", action="store_true")
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--tools", default="build/release/tests")
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("file", nargs="+")
    options = parser.parse_args()
    total = failures = 0
    for path in options.file:
        count, wrong = run_file(path, options, PostgreSQL if options.postgres else Parcours)
        total += count
        failures += wrong
    print(f"{total - failures} of {total} records hold on "
          f"{'PostgreSQL' if options.postgres else f'Parcours ({options.ranks} ranks)'}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
