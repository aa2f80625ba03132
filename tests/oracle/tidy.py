"""tidy.py MODEL DELIVERY OUT: a second reader of delivered CSV, for messy deliveries.

Writes each file that belongs to a table to OUT, with the rows that can be read, in one plain form
(UTF-8, LF, yyyy-mm-dd, decimal points) and their line in a column SRC_LINE, and OUT/rejected.csv:
table,file,line,reason of the others. It is slow and obvious; docs/ingest.md states the rules.
"""
import csv
import datetime
import os
import re
import sys

import load
import model as models

KEYS = {"T_MCOaaC", "T_MCOaaB", "T_MCOaaD", "T_MCOaaUM", "T_MCOaaA"}
KEY9 = ["FLX_DIS_DTD", "FLX_TRT_DTD", "FLX_EMT_TYP", "FLX_EMT_NUM", "FLX_EMT_ORD", "ORG_CLE_NUM", "DCT_ORD_NUM",
        "PRS_ORD_NUM", "REM_TYP_AFF"]
PERIODS = {"T_MCOaaC": ("EXE_SOI_DTD", "EXE_SOI_DTF"), "IR_IMB_R": ("IMB_ALD_DTD", "IMB_ALD_DTF")}
MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
TIME = r"(?:[: T]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?)?"


class Rejected(Exception):
    """The reason, as the rejects file names it."""


def keys_of(table):
    if table.name in KEYS:
        return ["ETA_NUM", "RSA_NUM"]
    if table.name.startswith("ER_"):
        return KEY9
    return ["DCD_IDT_ENC"] if table.name in ("KI_CCI_R", "KI_ECD_R") else []


def split_records(data, is_multiline):
    """(line, bytes) of each record, blank lines left out; with `is_multiline` quotes hold line feeds."""
    held, first = b"", 0
    for index, piece in enumerate(data.split(b"\n")):
        held, first = (held + b"\n" + piece, first) if held else (piece, index + 1)
        if is_multiline and held.count(b'"') % 2 == 1:
            continue
        record = held[:-1] if held.endswith(b"\r") else held
        held = b""
        if record.strip(b" \t"):
            yield first, record
    if held:
        yield first, held


def fields_of(record):
    if b'"' not in record:
        return record.split(b";")
    fields, place = [], 0
    while True:
        if record[place:place + 1] == b'"':
            text, place = b"", place + 1
            while True:
                end = record.find(b'"', place)
                if end < 0:
                    raise Rejected("quote")
                text += record[place:end]
                place = end + 1
                if record[place:place + 1] != b'"':
                    break
                text, place = text + b'"', place + 1
            if record[place:place + 1] not in (b";", b""):
                raise Rejected("quote")
            fields.append(text)
        else:
            end = record.find(b";", place)
            end = len(record) if end < 0 else end
            fields.append(record[place:end])
            place = end
        if place >= len(record):
            return fields
        place += 1
        if place == len(record):
            return fields + [b""]


def text_of(field):
    if any(byte < 32 and byte != 9 and byte not in (10, 13) for byte in field):
        raise Rejected("encoding")
    try:
        text = field.decode("utf-8")
    except UnicodeDecodeError:
        text = field.decode("latin-1")
    return text.strip(" \t\r\n")


def read_number(text, digits, scale):
    match = re.fullmatch(r"([+-]?)(\d*)(?:[.,](\d*))?", text)
    if not match or not (match.group(2) or match.group(3)):
        raise Rejected("number")
    whole, part = match.group(2).lstrip("0"), match.group(3) or ""
    if part[scale:].strip("0"):
        raise Rejected("number")
    part = part[:scale].ljust(scale, "0")
    if len((whole + part).lstrip("0")) > digits:
        raise Rejected("range")
    sign = "-" if match.group(1) == "-" else ""
    return sign + (whole or "0") + ("." + part if scale else "")


def read_date(text, is_ddmmyyyy):
    try:
        if is_ddmmyyyy and re.fullmatch(r"\d{7,8}", text):
            text = text.rjust(8, "0")
            return datetime.date(int(text[4:]), int(text[2:4]), int(text[:2]))
        match = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)" + TIME, text)
        if match:
            return datetime.date(int(match[1]), int(match[2]), int(match[3]))
        match = re.fullmatch(r"(\d\d)/(\d\d)/(\d{4})" + TIME, text)
        if match:
            return datetime.date(int(match[3]), int(match[2]), int(match[1]))
        match = re.fullmatch(r"(\d\d)([A-Za-z]{3})(\d{4})" + TIME, text)
        if match and match[2].upper() in MONTHS:
            return datetime.date(int(match[3]), MONTHS.index(match[2].upper()) + 1, int(match[1]))
        if not is_ddmmyyyy and re.fullmatch(r"-?\d{9,12}(\.0*)?", text):
            return datetime.date(1960, 1, 1) + datetime.timedelta(seconds=int(text.split(".")[0]))
    except (ValueError, OverflowError):
        pass
    raise Rejected("date")


def value_of(column, text):
    if text == "" or text in column.nulls:
        return ""
    if column.kind == "int":
        return read_number(text, 9 if column.size <= 9 else 18, 0)
    if column.kind == "decimal":
        return read_number(text, 9 if column.size <= 9 else 18, column.scale)
    if column.kind == "date":
        day = read_date(text, column.is_ddmmyyyy)
        return day.strftime("%d%m%Y") if column.is_ddmmyyyy else day.isoformat()
    if column.kind == "id" and len(text.encode("utf-8")) > column.size:
        raise Rejected("length")
    return text


def read_record(record, columns, keys, period):
    fields = fields_of(record)
    if len(fields) != len(columns):
        raise Rejected("columns")
    values = []
    for column, field in zip(columns, fields):
        value = column.seen.get(field)
        if value is None:
            value = column.seen[field] = value_of(column, text_of(field))
        if value == "" and column.name in keys:
            raise Rejected("key")
        values.append(value)
    if period:
        names = [column.name for column in columns]
        day_from, day_to = (values[names.index(name)] for name in period)
        if day_from and day_to and day_to < day_from:
            raise Rejected("period")
    return values


def tidy(table, path, out_path, rejected):
    with open(path, "rb") as file:
        data = file.read()
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    records = list(split_records(data, table.is_multiline))
    known = {column.name.upper(): column for column in table.columns}
    names = [name.strip() for name in records[0][1].decode("utf-8").split(";")]
    columns = [known.get(name.upper()) or models.Column(f"{name} text") for name in names]
    for column in columns:
        column.seen = {}  # field to value: texts repeat
    keys, period = keys_of(table), PERIODS.get(table.name)
    if period and not set(period) <= {column.name for column in columns}:
        period = None
    with open(out_path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";", lineterminator="\n")
        writer.writerow(names + ["SRC_LINE"])
        for index, (line, record) in enumerate(records[1:], 1):
            try:
                writer.writerow(read_record(record, columns, keys, period) + [line])
            except Rejected as problem:
                reason = str(problem)
                is_last = index == len(records) - 1 and not data.endswith(b"\n")
                if is_last and reason in ("columns", "quote"):
                    reason = "truncated"
                rejected.writerow([table.name, os.path.basename(path), line, reason])


def main():
    model_path, delivery, out = sys.argv[1:4]
    os.makedirs(out, exist_ok=True)
    with open(os.path.join(out, "rejected.csv"), "w", encoding="utf-8", newline="") as file:
        rejected = csv.writer(file, lineterminator="\n")
        for _, name, table, _ in load.deliver(models.read(model_path), delivery):
            tidy(table, os.path.join(delivery, name), os.path.join(out, name), rejected)


if __name__ == "__main__":
    main()
