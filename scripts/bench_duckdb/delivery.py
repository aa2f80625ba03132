"""A delivery as typed DuckDB views: names, types and null marks come from the model, nothing else does."""
import functools
import json
import os
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "oracle"))
import load as oracle_load  # noqa: E402  (the same reading of the model as the PostgreSQL oracle)
import model as models  # noqa: E402

MODEL = os.path.join(TOP, "partition", "models", "snds.json")


@functools.cache
def document():
    with open(MODEL, encoding="utf-8") as file:
        return json.load(file)


def csv_type(column, days_vary=False):
    """The type that read_csv gives the field; days that are not ISO's are read as text first."""
    if column.kind == "int":
        return "INTEGER" if column.size <= 9 else "BIGINT"
    if column.kind == "decimal":
        return f"DECIMAL(18,{column.scale})" if column.size > 9 else f"DECIMAL({column.size},{column.scale})"
    if column.kind == "date":
        return "VARCHAR" if column.is_ddmmyyyy or days_vary else "DATE"
    return {"float": "DOUBLE", "bool": "BOOLEAN"}.get(column.kind, "VARCHAR")


def typed(column, days_vary=False):
    """The value of the field, null marks taken out. Nomenclatures write days in several ways."""
    value = column.name
    if column.kind == "date" and days_vary:
        return f"CAST(try_strptime({value}, ['%Y-%m-%d', '%d/%m/%Y', '%d%b%Y:%H:%M:%S', '%d%m%Y']) AS DATE)"
    if column.kind == "date" and column.is_ddmmyyyy:
        return f"CAST(try_strptime({value}, '%d%m%Y') AS DATE)"
    for mark in column.nulls:
        literal = f"DATE '{mark}'" if column.kind == "date" else mark if column.kind == "int" else f"'{mark}'"
        value = f"NULLIF({value}, {literal})"
    return value


def read_files(table, files, folder):
    """One SELECT per header: the columns of a table differ between years."""
    known = {column.name: column for column in table.columns}
    days_vary = "patient" not in document()["tables"][table.name]
    groups = {}
    for _, name, _, year in files:
        path = os.path.join(folder, name)
        key = (tuple(oracle_load.header_of(path)), year if table.has_file_year else 0)
        groups.setdefault(key, []).append(path)
    selects = []
    for (header, year), paths in groups.items():
        names = ", ".join(f"'{c}': '{csv_type(known[c], days_vary)}'" for c in header)
        quoted = ", ".join(f"'{path}'" for path in paths)
        values = ", ".join(f"{typed(known[c], days_vary)} AS {c}" for c in header)
        extra = f"{year} AS file_year, " if table.has_file_year else ""
        selects.append(f"SELECT {extra}{values} FROM read_csv([{quoted}], delim = ';', header = true, quote = '\"', "
                       f"escape = '\"', auto_detect = false, columns = {{{names}}})")
    return " UNION ALL BY NAME ".join(selects)


# Written by load.sql, with the rules and derived columns that the studies ask for.
NAMED = {"ER_PRS_F", "ER_PHA_F", "ER_CAM_F", "ER_BIO_F", "ER_ETE_F", "T_MCOaaC", "T_MCOaaB", "T_MCOaaD", "T_MCOaaUM",
         "T_MCOaaA", "IR_BEN_R", "IR_BEN_R_ARC", "IR_IMB_R", "KI_CCI_R"}
KEPT_DAYS = {"T_MCOaaCSTC", "T_SSRaaC", "T_SSRaaCSTC", "T_HADaaC", "T_RIPaaC"}  # have days of care of their own


def resolved(name, body, tables, parents):
    """SELECT of a table's rows with their patient and days, by the path that the model gives; None: no patients."""
    path = body.get("patient")
    if path is None:
        return None
    days = "r.EXE_SOI_DTD AS event_date, r.EXE_SOI_DTF AS event_end" if name in KEPT_DAYS else \
        "NULL::DATE AS event_date, NULL::DATE AS event_end"
    if path["path"] == "pair":
        return (f"SELECT COALESCE(person, unresolved({path['pseudonym']}, {path['rank']})) AS patient, {days}, r.* FROM raw_{name} r "
                f"LEFT JOIN pair ON psa = {path['pseudonym']} AND rank = {path['rank']}")
    if path["path"] == "direct":
        return f"SELECT hash({path['person']}) AS patient, {days}, r.* FROM raw_{name} r"
    if path["path"] == "pseudonym":
        dummies = ", ".join(f"'{d}'" for d in path["dummies"][path["pseudonym"]])
        nobody = f"r.{path['pseudonym']} IS NULL OR r.{path['pseudonym']} IN ({dummies})"
        alone = f"WHEN a.persons > 1 THEN NULL ELSE COALESCE(a.person, unresolved(r.{path['pseudonym']}, NULL)) END"
        if "rank" not in path:
            return (f"SELECT CASE WHEN {nobody} THEN NULL {alone} AS patient, {days}, r.* FROM raw_{name} r "
                    f"LEFT JOIN pseudonym a ON a.psa = r.{path['pseudonym']}")
        rank = path["rank"]
        return (f"SELECT CASE WHEN {nobody} THEN NULL WHEN r.{rank} IS NOT NULL THEN "
                f"COALESCE(p.person, unresolved(r.{path['pseudonym']}, r.{rank})) {alone} AS patient, {days}, r.* "
                f"FROM raw_{name} r LEFT JOIN pair p ON p.psa = r.{path['pseudonym']} AND p.rank = r.{rank} "
                f"LEFT JOIN pseudonym a ON a.psa = r.{path['pseudonym']}")
    if path["path"] == "key":
        parent = parents[path["parent"]]["table"]
        columns = tables[parent]["primary"]
    else:  # of the same persons as other tables by columns in common
        parent, columns = path["tables"][0], path["columns"]
    key = ", ".join(columns)
    alone = "DISTINCT ON (" + key + ") " if path["path"] == "same" else ""
    return (f"SELECT s.patient, s.event_date, s.event_end, r.* FROM raw_{name} r LEFT JOIN (SELECT {alone}{key}, patient, "
            f"event_date, event_end FROM '{{out}}/{parent}.parquet') s USING ({key})")


def others(found):
    """COPY statements of the tables of patients that load.sql does not write, parents first."""
    tables, parents = document()["tables"], document()["keys"]
    order = {"pair": 0, "direct": 0, "pseudonym": 0, "key": 1, "same": 2}
    out = []
    for name in found:
        body = tables[name]
        select = None if name in NAMED else resolved(name, body, tables, parents)
        if select is None:
            continue
        rank = 3 if body["patient"].get("parent") == "rip_act" else order[body["patient"]["path"]]
        out.append((rank, f"COPY ({select} ORDER BY patient, event_date) TO '{{out}}/{name}.parquet' "
                          "(FORMAT parquet, COMPRESSION zstd)"))
    return [statement for _, statement in sorted(out, key=lambda one: one[0])]


def views(folder):
    """{table name: SQL that makes the view raw_<table>} of the tables that the delivery holds; the statements that
    write those that load.sql does not; {table name: bytes of its files}."""
    tables = models.read(MODEL)
    files = oracle_load.deliver(tables, folder)
    found, sizes = {}, {}
    for table in tables:
        mine = [f for f in files if f[2] is table]
        if mine:
            found[table.name] = f"CREATE TEMP VIEW raw_{table.name} AS {read_files(table, mine, folder)}"
            sizes[table.name] = sum(os.path.getsize(os.path.join(folder, f[1])) for f in mine)
    return found, others(found), sizes
