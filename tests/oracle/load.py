"""load.py MODEL DELIVERY [TIDY]: prints the psql script that loads a delivery.

`staging.<table>` holds the text of each field, loaded by COPY from the files as they are (or, for a
messy delivery, from the files that tidy.py wrote to TIDY). `raw.<table>` holds the same rows typed,
with every column of the model, and where each row came from: src_file (files by name), src_line.
"""
import os
import sys

import model as models


def deliver(tables, folder):
    """[(index, file name, table, year)] of the files that belong to a table, by name."""
    found = []
    for name in sorted(os.listdir(folder)):
        for table in tables:
            year = table.match(name)
            if year is not None:
                found.append((len(found), name, table, year))
                break
    return found


def header_of(path):
    with open(path, "rb") as file:
        line = file.readline()
    return line.decode("utf-8-sig").rstrip("\r\n").split(";")


def typed(column):
    text = f"btrim({column.name.lower()})"
    for null in [""] + column.nulls:
        text = f"NULLIF({text}, '{null}')"
    if column.kind in ("code", "text", "id"):
        return text
    if column.kind == "date" and column.is_ddmmyyyy:
        return f"to_date({text}, 'DDMMYYYY')"
    if column.kind == "date":
        text = f"regexp_replace({text}, ':00:00:00$', '')"  # 01JAN2010:00:00:00
    return f"CAST({text} AS {column.sql_type()})"


def load_table(table, files, folder):
    known = {column.name.upper(): column for column in table.columns}
    name = table.name.lower()
    headers = {path: header_of(os.path.join(folder, path)) for _, path, _ in files}
    present = []
    for header in headers.values():
        present += [c.upper() for c in header if c.upper() in known and c.upper() not in present]
    print(f"CREATE UNLOGGED TABLE staging.{name} (src_file int, src_line bigserial, file_year int,")
    print("  " + ", ".join(f"{c.lower()} text" for c in present) + ");")
    for index, path, year in files:
        names = [c.lower() for c in headers[path]]
        for unknown in [c for c in names if c.upper() not in known and c != "src_line"]:
            print(f"ALTER TABLE staging.{name} ADD COLUMN IF NOT EXISTS {unknown} text;")
        print(f"ALTER TABLE staging.{name} ALTER src_file SET DEFAULT {index}, ALTER file_year SET DEFAULT {year};")
        print(f"\\copy staging.{name} ({', '.join(names)}) FROM '{os.path.join(folder, path)}' "
              "(FORMAT csv, DELIMITER ';', HEADER true)")
    values = [typed(c) if c.name.upper() in present else f"CAST(NULL AS {c.sql_type()})" for c in table.columns]
    selected = ", ".join(f"{v} AS {c.name.lower()}" for v, c in zip(values, table.columns))
    year = "file_year, " if table.has_file_year else ""
    print(f"CREATE UNLOGGED TABLE raw.{name} AS SELECT src_file, src_line, {year}{selected} FROM staging.{name};")
    print(f"DROP TABLE staging.{name};")
    for column in present:
        print(f"INSERT INTO oracle.delivered VALUES ('{table.name}', '{known[column].name}');")


def load_nothing(table):
    columns = ", ".join(f"{c.name.lower()} {c.sql_type()}" for c in table.columns)
    year = "file_year int, " if table.has_file_year else ""
    print(f"CREATE UNLOGGED TABLE raw.{table.name.lower()} (src_file int, src_line bigint, {year}{columns});")


def main():
    tables = models.read(sys.argv[1])
    folder = os.path.abspath(sys.argv[2])
    files = deliver(tables, folder)
    if len(sys.argv) > 3:
        folder = os.path.abspath(sys.argv[3])
    print("CREATE SCHEMA oracle; CREATE SCHEMA staging; CREATE SCHEMA raw;")
    print("CREATE TABLE oracle.delivered (table_name text, column_name text);")
    print("CREATE TABLE oracle.file (src_file int, name text);")
    for index, name, _, _ in files:
        print(f"INSERT INTO oracle.file VALUES ({index}, '{name}');")
    for table in tables:
        mine = [(index, name, year) for index, name, of, year in files if of is table]
        if mine:
            load_table(table, mine, folder)
        elif table.columns:
            load_nothing(table)


if __name__ == "__main__":
    main()
