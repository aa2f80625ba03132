"""What the oracle takes from the model: names and types of columns, and file name patterns.

Nothing else is taken from it: how patients are found, dates and rules are written again in SQL.
"""
import json
import re


class Column:
    """A column of a delivered table: `name`, `kind` (int, decimal, date, ...), `size`, `scale`."""

    def __init__(self, line):
        words = line.split(" : ", 1)[0].split()
        self.name = words[0]
        match = re.fullmatch(r"([a-z]+)(?:\(([a-z0-9,]+)\))?", words[1])
        self.kind = match.group(1)
        argument = match.group(2) or ""
        self.is_ddmmyyyy = argument == "ddmmyyyy"
        numbers = [int(n) for n in argument.split(",") if n.isdigit()]
        self.size = numbers[0] if numbers else 0
        self.scale = numbers[1] if len(numbers) > 1 else 0
        self.nulls = []
        for word in words[2:]:
            if word.startswith("null="):
                self.nulls = word[5:].split(",")

    def sql_type(self):
        """The type in PostgreSQL that shows values as Parcours shows them."""
        if self.kind == "int":
            return "integer" if self.size <= 9 else "bigint"
        if self.kind == "decimal":
            return f"numeric(24,{self.scale})"
        return {"date": "date", "bool": "boolean", "float": "double precision"}.get(self.kind, "text")


class Table:
    def __init__(self, name, body):
        self.name = name
        self.columns = [Column(line) for line in body.get("columns", [])]
        self.patterns = [self._pattern(p) for p in body.get("files", [])]
        self.is_multiline = body.get("multiline", False)
        self.has_file_year = body.get("file_year", False)

    @staticmethod
    def _pattern(pattern):
        text = re.escape(pattern).replace(r"\{yyyy\}", r"(?P<yyyy>\d{4})").replace(r"\{yy\}", r"(?P<yy>\d\d)")
        return re.compile(text.replace(r"\*", ".*") + r"(\.gz|\.zst)?", re.IGNORECASE)

    def match(self, file_name):
        """None, or the year in the name (0: none)."""
        for pattern in self.patterns:
            match = pattern.fullmatch(file_name)
            if match:
                found = match.groupdict()
                if found.get("yyyy"):
                    return int(found["yyyy"])
                return 2000 + int(found["yy"]) if found.get("yy") else 0
        return None


def read(path):
    with open(path, encoding="utf-8") as file:
        tables = json.load(file)["tables"]
    items = tables.items() if isinstance(tables, dict) else tables
    return [Table(name, body) for name, body in items]
