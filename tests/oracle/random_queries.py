"""random_queries.py SEED COUNT FOLDER: writes COUNT random queries for `compare.py queries`.

Expressions of every kind over real columns and values of the database that psql's environment names:
three-valued logic, arithmetic, dates, text functions, CASE, joins, groups, and the shapes of `random_shapes.py`.
The seed says it all.
"""
import os
import random
import subprocess
import sys

import compare
from random_shapes import Shapes

TABLES = ["er_prs_f", "er_pha_f", "er_cam_f", "er_ete_f", "t_mcoaac", "t_mcoaab", "ir_imb_r", "person"]
JOINS = [  # (FROM, tables by alias)
    ("ER_PHA_F a JOIN ER_PRS_F b USING (patient, claim)", {"a": "er_pha_f", "b": "er_prs_f"}),
    ("ER_PRS_F a LEFT JOIN ER_ETE_F b USING (patient, claim)", {"a": "er_prs_f", "b": "er_ete_f"}),
    ("T_MCOaaB a JOIN T_MCOaaC b USING (patient, mco_stay)", {"a": "t_mcoaab", "b": "t_mcoaac"}),
    ("ER_CAM_F a JOIN PERSON b USING (patient)", {"a": "er_cam_f", "b": "person"}),
    ("PERSON a LEFT JOIN IR_IMB_R b USING (patient)", {"a": "person", "b": "ir_imb_r"}),
    ("IR_IMB_R a JOIN T_MCOaaC b ON a.patient = b.patient AND b.event_date >= a.event_date", {"a": "ir_imb_r", "b": "t_mcoaac"}),
    ("ER_PRS_F a LEFT JOIN IR_SPE_V b ON a.PSE_SPE_COD = b.PFS_SPE_COD", {"a": "er_prs_f", "b": "ir_spe_v"}),
    ("ER_PHA_F a JOIN IR_PHA_R b ON a.PHA_PRS_C13 = b.PHA_CIP_C13", {"a": "er_pha_f", "b": "ir_pha_r"}),
]
TYPES = {"integer": "int", "bigint": "big", "numeric": "decimal", "text": "text", "date": "date", "boolean": "bool"}


class Columns:
    """Columns of a table by type, with some of their values."""

    def __init__(self, table):
        self.by_type, self.values = {}, {}
        known = compare.psql(f"""SELECT column_name, data_type FROM information_schema.columns WHERE table_name = '{table}'
            AND table_schema = 'public' AND column_name NOT IN ('claim', 'mco_stay', 'patient', 'patient_status',
            'src_file', 'src_line', 'ben_rng_gem', 'rng_nai')""")
        script = "; ".join(f"SELECT '{name}', v FROM (SELECT DISTINCT {name}::text AS v FROM {table}) s WHERE v NOT LIKE '%''%' "
                           "AND v NOT LIKE '%|%' ORDER BY md5(v) LIMIT 6" for name, _ in known)
        for name, value in compare.psql(script):
            self.values.setdefault(name, []).append(value)
        for name, kind in known:
            if name in self.values:
                self.by_type.setdefault(TYPES[kind], []).append(name)


class Maker(Shapes):
    def __init__(self, seed, columns):
        self.random, self.columns, self.scope = random.Random(seed), columns, {}

    def any(self, *choices):
        return self.random.choice(choices)

    def column(self, kind):
        """(text, table columns, name) of a column of that type, or None."""
        found = [(alias, name) for alias, table in self.scope.items()
                 for name in self.columns[table].by_type.get(kind, [])]
        if not found:
            return None
        alias, name = self.random.choice(found)
        return (f"{alias}.{name}" if alias else name), self.columns[self.scope[alias]].values[name]

    def constant(self, kind):
        """A value of some column of the type, as a literal."""
        if kind == "int":
            return str(self.any(0, 1, 2, 3, 7, 10, 71, 100, -1, 2019))
        if kind == "decimal":
            return self.any("0.5", "10.00", "25.1", "-3.33", "100")
        if kind == "date":
            return f"DATE '{self.any('2018-01-01', '2019-06-15', '2020-02-29', '2019-12-31')}'"
        if kind == "bool":
            return self.any("TRUE", "FALSE", "NULL")
        found = self.column("text")
        return f"'{self.random.choice(found[1])}'" if found else "'x'"

    def make(self, kind, depth):
        if depth == 0 or self.random.random() < 0.15:
            found = self.column(kind) if self.random.random() < 0.85 else None
            return found[0] if found else self.constant(kind)
        return getattr(self, kind)(depth - 1)

    def case(self, kind, depth):
        return f"CASE WHEN {self.make('bool', depth)} THEN {self.make(kind, depth)} ELSE {self.make(kind, depth)} END"

    def int(self, depth):
        a, b = self.make("int", depth), self.make("int", 0)
        return self.any(
            f"({a} + {b})", f"({a} - {b})", f"({a} % {self.any(2, 3, 7, -5)})", f"({a} / {self.any(2, 5, -3)})",
            f"abs({a})", f"(- {a})", f"coalesce({a}, {b})", f"nullif({a}, {b})", f"greatest({a}, {b})", f"least({a}, {b})",
            f"({a} * {self.any(2, 3, -1)})", self.case("int", depth), f"div({a}, {self.any(2, 7)})::int",
            f"width_bucket({self.make('decimal', depth)}, {self.any(-10, 0)}, {self.any(50, 100)}, {self.any(1, 5)})",
            f"CAST(extract({self.any('year', 'quarter', 'week', 'doy', 'isodow', 'dow', 'isoyear')} FROM {self.make('date', depth)}) AS int)",
            f"CAST(extract({self.any('year', 'month', 'day')} FROM age({self.make('date', depth)}, {self.make('date', 0)})) AS int)",
            f"strpos({self.make('text', depth)}, {self.make('text', 0)})", f"ascii({self.make('text', depth)})",
            f"octet_length({self.make('text', depth)})", f"length({self.make('text', depth)})",
            f"year({self.make('date', depth)})", f"month({self.make('date', depth)})",
            f"({self.make('date', 0)} - {self.make('date', 0)})", f"CAST(extract(day FROM {self.make('date', depth)}) AS integer)",
            f"position({self.any(chr(39) + '1' + chr(39), chr(39) + 'A' + chr(39))} in {self.make('text', depth)})")

    def decimal(self, depth):
        a, b = self.make("decimal", depth), self.make("decimal", 0)
        return self.any(f"({a} + {b})", f"({a} - {b})", f"({a} * {self.make('int', 0)})", f"abs({a})", f"coalesce({a}, {b})",
                        f"round({a}, {self.any(0, 1, 2)})", f"trunc({a}, {self.any(0, 1)})", f"floor({a})", f"ceil({a})",
                        f"sign({a})", f"({a} % {self.any(3, '0.7')})", f"nullif({a}, {b})", f"least({a}, {b})",
                        f"{self.make('int', depth)}::numeric", f"{self.make('int', depth)}::text::numeric(12,2)",
                        f"extract({self.any('year', 'month', 'decade', 'epoch', 'julian')} FROM {self.make('date', depth)})", self.case("decimal", depth), f"greatest({a}, {b})", f"(- {a})")

    def text(self, depth):
        a = self.make("text", depth)
        return self.any(
            f"left({a}, {self.any(1, 2, 3, -1)})", f"right({a}, {self.any(1, 2)})", f"substr({a}, {self.any(1, 2, 0)}, {self.any(1, 3)})",
            f"substr({a}, {self.any(2, 3)})", f"upper({a})", f"lower({a})", f"trim({a})", f"({a} || {self.make('text', 0)})",
            f"coalesce({a}, '-')", f"replace({a}, '1', 'xy')", self.case("text", depth), f"lpad({a}, {self.any(2, 6)}, '0')",
            f"nullif({a}, {self.constant('text')})", f"concat({a}, '/', {self.make('text', 0)})", f"ltrim({a}, '0')",
            f"split_part({a}, '{self.any('0', '1', 'A')}', {self.any(1, 2, -1)})", f"initcap({a})", f"reverse({a})",
            f"translate({a}, '01A', '{self.any('x', 'ab', '')}')", f"repeat({a}, {self.any(0, 2)})",
            f"overlay({a} placing '*' from {self.any(1, 2)} for {self.any(0, 1)})", f"rpad({a}, {self.any(1, 5)}, 'xy')",
            f"concat_ws('-', {a}, {self.make('text', 0)})", f"{self.make('int', depth)}::text", f"{self.make('date', depth)}::text",
            f"to_char({self.make('date', depth)}, '{self.any('YYYY-MM', 'IYYY-IW', 'FMDay DDth Mon', 'Q/YY', 'DDD')}')",
            f"greatest({a}, {self.make('text', 0)})", f"rtrim({a}, '{self.any('012', 'A')}')")

    def date(self, depth):
        a = self.make("date", depth)
        return self.any(f"({a} + {self.any(1, 30, 365)})", f"({a} - {self.any(1, 31)})", f"coalesce({a}, {self.constant('date')})",
                        f"greatest({a}, {self.make('date', 0)})", self.case("date", depth),
                        f"CAST(date_trunc('{self.any('month', 'year', 'quarter', 'week')}', {a}) AS date)",
                        f"CAST({a} + INTERVAL '{self.any('1 month', '3 months', '1 year', '-2 months', '10 days')}' AS date)",
                        f"make_date({self.any(2019, 2020)}, {self.any(2, 12)}, {self.any(1, 28)})")

    def bool(self, depth):
        kind = self.any("int", "int", "decimal", "text", "text", "date")
        a, b = self.make(kind, depth), self.make(kind, min(depth, 1))
        values = ", ".join(self.constant(kind) for _ in range(3))
        return self.any(
            f"({a} {self.any('=', '<>', '<', '<=', '>', '>=')} {b})", f"({a} {self.any('=', '<>', '<', '>')} {self.constant(kind)})",
            f"({a} BETWEEN {self.constant(kind)} AND {b})", f"({a} NOT BETWEEN {b} AND {self.constant(kind)})",
            f"({a} {self.any('IN', 'NOT IN')} ({values}))", f"({a} IS {self.any('NULL', 'NOT NULL')})",
            f"({a} IS {self.any('', 'NOT ')}DISTINCT FROM {b})",
            f"({self.make('text', depth)} {self.any('LIKE', 'NOT LIKE', 'ILIKE')} '{self.any('A%', '%1', '_0%', '%a%', '0__', '2%9', '%')}')",
            f"({self.make('bool', depth)} AND {self.make('bool', depth)})", f"({self.make('bool', depth)} OR {self.make('bool', depth)})",
            f"(NOT {self.make('bool', depth)})", f"({self.make('bool', depth)} IS {self.any('TRUE', 'FALSE', 'NOT TRUE', 'NOT FALSE', 'NULL')})",
            f"starts_with({self.make('text', depth)}, '{self.any('A', '0', '1')}')",
            f"({self.make('text', depth)} {self.any('~', '!~', '~*')} '{self.any('^A', '[0-9]+$', '^[A-C][0-9]{2}', '0|1', '(1|A).*0', 'a', '^.{3}')}')",
            f"({self.make('text', depth)} SIMILAR TO '{self.any('A%', '(1|2)%', '%[0-9]', '[A-Z][0-9]+%')}')",
            f"({a} BETWEEN SYMMETRIC {b} AND {self.constant(kind)})", f"({a} = ANY (ARRAY[{values}]))",
            f"({a} {self.any('<', '>=', '<>')} ALL (ARRAY[{values}]))",
            f"(({self.make('int', 0)}, {a}) {self.any('=', '<', '>=', '<>')} ({self.make('int', 0)}, {b}))",
            f"({self.make('text', 0)} LIKE {self.make('text', 0)} || '%')")

    def aggregate(self):
        """(text, whether it is a float)"""
        kind = self.any("int", "int", "decimal", "text", "date")
        x = self.make(kind, self.any(0, 1, 2))
        where = f" FILTER (WHERE {self.make('bool', 1)})" if self.random.random() < 0.2 else ""
        verb = self.any("count", "min", "max", "count(DISTINCT", "sum", "avg", "stddev", "ordered", "sum(DISTINCT")
        if verb == "ordered":
            return self.ordered(kind, x, where)
        if verb == "count(DISTINCT":
            return f"count(DISTINCT {x}){where}", False
        if kind in ("text", "date") and verb not in ("count", "min", "max"):
            verb = "max"
        if verb == "sum(DISTINCT":
            return f"sum(DISTINCT {x}){where}", False
        if verb == "stddev":
            return f"{self.any('stddev', 'stddev_pop', 'variance', 'var_pop')}({x}){where}", True
        return f"{verb}({x}){where}", verb == "avg"

    def ordered(self, kind, x, where):
        fraction = self.any("0", "0.1", "0.25", "0.5", "0.9", "1")
        order = f"WITHIN GROUP (ORDER BY {x}{self.any('', ' DESC')}){where}"
        if kind in ("int", "decimal") and self.random.random() < 0.5:
            return f"percentile_cont({fraction}) {order}", True
        return self.any(f"percentile_disc({fraction}) {order}", f"mode() {order}"), False

    def gated(self, source, where):
        """A query whose result may leave: no identifier, minimum or maximum; patients in the last column."""
        alias = "a." if "b" in self.scope else ""
        keys = [self.any(f"year({alias}event_date)", f"month({alias}event_date)", self.make("bool", 1), f"{alias}valid")
                if "person" not in (self.scope.get("a"), self.scope.get("")) else self.any(f"{alias}sex", f"{alias}birth_year / 20")
                for _ in range(self.any(1, 2))]
        # No nulls in cells: a cell without them stands for all patients of its row.
        cells = [self.any("count(*)", f"sum(coalesce({self.make('int', 1)}, 0))", f"sum(coalesce({self.make('decimal', 0)}, 0.1))")
                 for _ in range(2)]
        shown = [f"{key} AS k{i}" for i, key in enumerate(keys)] + [f"{cell} AS a{i}" for i, cell in enumerate(cells)]
        numbers = ", ".join(str(i + 1) for i in range(len(keys)))
        return (f"SELECT {', '.join(shown)}, count(DISTINCT {alias}patient) AS patients\nFROM {source}\n{where}"
                f"GROUP BY {numbers}\nORDER BY {numbers}\n-- keys: {len(keys)}\n-- any scale\n")

    def query(self):
        clause, kind = "", self.random.random()
        if kind < 0.3:
            table = self.random.choice(TABLES)
            source, self.scope = table, {"": table}
        elif kind < 0.6:
            source, self.scope = self.random.choice(JOINS)
        else:
            clause, source = self.from_subqueries()
        conditions = [self.make("bool", self.any(1, 2, 3))] if self.random.random() < 0.5 else []
        if kind < 0.6 and self.random.random() < 0.08:
            # Without rows of nobody: each stay of theirs counts as a patient of its own.
            known = f"WHERE {next(iter(self.scope)) + '.' if len(self.scope) > 1 else ''}patient IS NOT NULL\n"
            return self.gated(source, known + "".join(f"AND {text}\n" for text in conditions))
        if self.random.random() < 0.3:
            conditions.append(self.tested())
        where = "".join(f"{'AND' if i else 'WHERE'} {text}\n" for i, text in enumerate(conditions))
        if self.random.random() < 0.25:
            shown = ", ".join(f"{self.make(self.any('int', 'decimal', 'text', 'date', 'bool'), 2)} AS c{i}" for i in range(4))
            if self.random.random() < 0.15:
                shown += f", CASE WHEN {self.tested()} THEN 1 ELSE 0 END AS c4"
            return f"{clause}SELECT {shown}\nFROM {source}\n{where}LIMIT 200\n-- any scale\n"
        keys = [self.make(self.any("int", "text", "date", "bool"), self.any(0, 1, 2)) for _ in range(self.any(0, 1, 1, 2))]
        cells = [self.aggregate() for _ in range(self.any(1, 2, 3))]
        shown = [f"{key} AS k{i}" for i, key in enumerate(keys)] + ["count(*) AS n"]
        shown += [f"{text} AS a{i}" for i, (text, _) in enumerate(cells)]
        floats = " ".join(f"a{i}" for i, (_, is_float) in enumerate(cells) if is_float)
        text = f"{clause}SELECT {', '.join(shown)}\nFROM {source}\n{where}"
        if keys:
            text += self.grouped_by(keys)
            if self.random.random() < 0.3:
                text += f"HAVING {self.any('count(*) > 2', 'count(*) % 2 = 1', 'count(*) BETWEEN 1 AND 3')}\n"
            text += self.any("", f"ORDER BY {self.any('n DESC', 'a0', 'a0 DESC', 'k0 DESC NULLS LAST', '1 NULLS FIRST')}\n")
        return text + (f"-- float: {floats}\n" if floats else "") + "-- any scale\n"


def those_that_run(texts):
    """The queries that PostgreSQL takes: some divide, cast or nest in ways that fail there too."""
    script = ["SET statement_timeout = '5s';"]
    for index, text in enumerate(texts):
        script += ["\\o /dev/null", text.replace("LIMIT 200\n", "") + ";", "\\o", f"\\echo {index} :ERROR"]
    options = [option for option in compare.PSQL if "ON_ERROR_STOP" not in option]
    done = subprocess.run(options, input="\n".join(script), text=True, check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL)
    good = {line.split()[0] for line in done.stdout.splitlines() if line.endswith(" false")}
    return [text for index, text in enumerate(texts) if str(index) in good]


def main():
    seed, count, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    os.makedirs(folder, exist_ok=True)
    tables = set(TABLES) | {table for _, scope in JOINS for table in scope.values()}
    columns = {table: Columns(table) for table in sorted(tables)}
    made = first = 0
    while made < count:
        size = max(20, count - made)
        texts = [Maker(f"{seed}/{first + index}", columns).query() for index in range(size)]
        first += size
        for text in those_that_run(texts)[:count - made]:
            made += 1
            with open(f"{folder}/{seed:04d}_{made:05d}.sql", "w", encoding="utf-8") as file:
                file.write(text)


if __name__ == "__main__":
    main()
