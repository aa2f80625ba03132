"""A delivery as typed DuckDB views: names, types and null marks come from the model, nothing else does."""
import os
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "oracle"))
import load as oracle_load  # noqa: E402  (the same reading of the model as the PostgreSQL oracle)
import model as models  # noqa: E402

MODEL = os.path.join(TOP, "partition", "models", "snds.json")


def csv_type(column):
    """The type that read_csv gives the field; ddmmyyyy days are read as text first."""
    if column.kind == "int":
        return "INTEGER" if column.size <= 9 else "BIGINT"
    if column.kind == "decimal":
        return f"DECIMAL(18,{column.scale})" if column.size > 9 else f"DECIMAL({column.size},{column.scale})"
    if column.kind == "date":
        return "VARCHAR" if column.is_ddmmyyyy else "DATE"
    return {"float": "DOUBLE", "bool": "BOOLEAN"}.get(column.kind, "VARCHAR")


def typed(column):
    """The value of the field, null marks taken out."""
    value = column.name
    if column.kind == "date" and column.is_ddmmyyyy:
        return f"CAST(try_strptime({value}, '%d%m%Y') AS DATE)"
    for mark in column.nulls:
        literal = f"DATE '{mark}'" if column.kind == "date" else mark if column.kind == "int" else f"'{mark}'"
        value = f"NULLIF({value}, {literal})"
    return value


def read_files(table, files, folder):
    """One SELECT per header: the columns of a table differ between years."""
    known = {column.name: column for column in table.columns}
    groups = {}
    for _, name, _, year in files:
        path = os.path.join(folder, name)
        key = (tuple(oracle_load.header_of(path)), year if table.has_file_year else 0)
        groups.setdefault(key, []).append(path)
    selects = []
    for (header, year), paths in groups.items():
        names = ", ".join(f"'{c}': '{csv_type(known[c])}'" for c in header)
        quoted = ", ".join(f"'{path}'" for path in paths)
        values = ", ".join(f"{typed(known[c])} AS {c}" for c in header)
        extra = f"{year} AS file_year, " if table.has_file_year else ""
        selects.append(f"SELECT {extra}{values} FROM read_csv([{quoted}], delim = ';', header = true, quote = '\"', "
                       f"escape = '\"', auto_detect = false, columns = {{{names}}})")
    return " UNION ALL BY NAME ".join(selects)


def views(folder):
    """{table name: SQL that makes the view raw_<table>} of the tables that the delivery holds."""
    tables = models.read(MODEL)
    files = oracle_load.deliver(tables, folder)
    found = {}
    for table in tables:
        mine = [f for f in files if f[2] is table]
        if mine:
            found[table.name] = f"CREATE TEMP VIEW raw_{table.name} AS {read_files(table, mine, folder)}"
    return found
