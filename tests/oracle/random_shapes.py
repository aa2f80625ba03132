"""Shapes of random queries beside the plain SELECT: what `random_queries.py` puts around its expressions.

Subqueries in FROM and in WITH, set operations, windows, DISTINCT ON, LATERAL, grouping sets; EXISTS, IN, ANY, ALL and
values, alone or correlated on the patient. A row that PostgreSQL may choose freely among equal ones is never shown: a
window's and a DISTINCT ON's query shows its keys and what follows from them.
"""

KINDS = ("int", "decimal", "text", "date")


class Derived:
    """The columns of a subquery, in the form of a table's."""

    def __init__(self, kinds, values):
        self.by_type, self.values = {}, {}
        for index, kind in enumerate(kinds):
            self.by_type.setdefault(kind, []).append(f"c{index}")
            self.values[f"c{index}"] = values


class Shapes:
    """Mixed into a maker of expressions: `random`, `any`, `make`, `columns`, `scope` are its."""

    PATIENT_TABLES = ("er_pha_f", "er_cam_f", "er_ete_f", "t_mcoaac", "t_mcoaab", "ir_imb_r", "person")

    def within(self, scope, what):
        """What `what` makes, with other names in scope."""
        before, self.scope = self.scope, scope
        made = what()
        self.scope = before
        return made

    def some_values(self, table):
        values = self.columns[table].values
        return values[self.random.choice(sorted(values))]

    def maybe_where(self, share=0.6):
        return f" WHERE {self.make('bool', self.any(1, 2))}" if self.random.random() < share else ""

    # ---- subqueries of FROM: (text, kinds of its columns c0, c1 ... behind `patient`) ----

    def rows(self, table, kinds):
        shown = ", ".join(f"{self.make(kind, self.any(0, 1))} AS c{i}" for i, kind in enumerate(kinds))
        distinct = "DISTINCT " if self.random.random() < 0.2 else ""
        return f"SELECT {distinct}patient, {shown} FROM {table}{self.maybe_where()}"

    def groups(self, table, kinds):
        cells = {"int": lambda: self.any("count(*)", f"count(DISTINCT {self.make('text', 0)})", f"max({self.make('int', 1)})"),
                 "decimal": lambda: f"{self.any('sum', 'min')}({self.make('decimal', 0)})",
                 "text": lambda: f"{self.any('min', 'max')}({self.make('text', 1)})",
                 "date": lambda: f"{self.any('min', 'max')}({self.make('date', 1)})"}
        shown = ", ".join(f"{cells[kind]()} AS c{i}" for i, kind in enumerate(kinds))
        having = " HAVING count(*) > 1" if self.random.random() < 0.3 else ""
        return f"SELECT patient, {shown} FROM {table}{self.maybe_where()} GROUP BY patient{having}"

    def windows(self, table, kinds):
        """The order's key is c0; the rest follows from the keys alone, so equal rows may change places."""
        key = self.make(kinds[0], self.any(0, 1))
        order = f"ORDER BY {key}{self.any('', ' DESC', ' NULLS FIRST', ' DESC NULLS LAST')}"
        over = f"(PARTITION BY patient {order})"
        frame = self.any("", " RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW", " GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING",
                         " ROWS BETWEEN 2 PRECEDING AND CURRENT ROW", " RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING")
        framed = f"(PARTITION BY patient {order}{frame})"
        of = {"int": [f"row_number() OVER {over}", f"rank() OVER {over}", f"dense_rank() OVER {over}", f"ntile(3) OVER {over}",
                      f"count(*) OVER {framed}", f"count({key}) OVER {framed}", "count(*) OVER (PARTITION BY patient)"]}
        for function in ("lag", "lead", "first_value", "last_value", "min", "max"):
            of.setdefault(kinds[0], []).append(f"{function}({key}) OVER {over if function[0] == 'l' else framed}")
        if kinds[0] in ("int", "decimal"):
            of[kinds[0]].append(f"sum({key}) OVER {framed}")
        made = [key]
        for i, kind in enumerate(kinds[1:], 1):
            kinds[i] = kind if kind in of else "int"
            made.append(self.random.choice(of[kinds[i]]))
        shown = ", ".join(f"{text} AS c{i}" for i, text in enumerate(made))
        return f"SELECT patient, {shown} FROM {table}{self.maybe_where()}"

    def firsts(self, table, kinds):
        shown = ", ".join(f"{self.make(kind, self.any(0, 1))} AS c{i}" for i, kind in enumerate(kinds))
        order = ", ".join(f"c{i}{self.any('', ' DESC', ' NULLS FIRST')}" for i in range(len(kinds)))
        return f"SELECT DISTINCT ON (patient) patient, {shown} FROM {table}{self.maybe_where()} ORDER BY patient, {order}"

    def sets(self, _, kinds):
        def arm():
            table = self.any(*self.PATIENT_TABLES)
            shown = self.within({"": table}, lambda: ", ".join(f"{self.make(kind, 1)} AS c{i}" for i, kind in enumerate(kinds))
                                + f" FROM {table}{self.maybe_where(0.8)}")
            return f"SELECT patient, {shown}"
        verb = self.any("UNION ALL", "UNION", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL")
        return f"({arm()}) {verb} ({arm()})" + (f" UNION ALL ({arm()})" if self.random.random() < 0.2 else "")

    def derived(self):
        """(text, Derived)"""
        table = self.any(*self.PATIENT_TABLES)
        kinds = [self.any(*KINDS) for _ in range(self.any(1, 2, 3))]
        shape = self.any(self.rows, self.groups, self.windows, self.firsts, self.sets)
        text = self.within({"": table}, lambda: shape(table, kinds))
        return text, Derived(kinds, self.some_values(table))

    def from_subqueries(self):
        """(WITH clause or "", FROM item): and the scope is set."""
        text, made = self.derived()
        self.columns = dict(self.columns, **{"$a": made})
        clause, source = ("WITH q AS (" + text + ")\n", "q a") if self.random.random() < 0.4 else ("", f"({text}) a")
        self.scope = {"a": "$a"}
        more = self.any("", "table", "derived", "lateral", "twice" if clause else "")
        if more == "table":
            table = self.any("person", "ir_imb_r", "t_mcoaac")
            source += f" {self.any('JOIN', 'LEFT JOIN', 'RIGHT JOIN')} {table} b USING (patient)"
            self.scope["b"] = table
        elif more == "derived":
            other, self.columns["$b"] = self.derived()
            source += f" {self.any('JOIN', 'LEFT JOIN')} ({other}) b ON a.patient = b.patient"
            self.scope["b"] = "$b"
        elif more == "twice":
            source += " JOIN q b USING (patient)"
            self.scope["b"] = "$a"
        elif more == "lateral":
            table = self.any("er_pha_f", "t_mcoaac", "ir_imb_r")
            shown = self.within({"s": table}, lambda: f"count(*) AS c0, max({self.make('int', 0)}) AS c1, min({self.make('date', 0)}) AS c2 "
                                f"FROM {table} s WHERE s.patient = a.patient AND {self.make('bool', 1)}")
            source += f" CROSS JOIN LATERAL (SELECT {shown}) b"
            self.columns["$b"] = Derived(["int", "int", "date"], self.some_values(table))
            self.scope["b"] = "$b"
        return clause, source

    # ---- subqueries of conditions ----

    def inner(self, what, tables=None):
        """A subquery's text from `what()`, made with the table `s` in scope."""
        table = self.any(*(tables or self.PATIENT_TABLES))
        return self.within({"s": table}, lambda: what(f"{table} s"))

    def tested(self):
        """A condition with a subquery; `alias` is a table of the query around."""
        alias = self.any(*self.scope)
        patient = f"{alias}.patient" if alias else "patient"
        kind = self.any("int", "text", "date")
        x = self.make(kind, 0)
        day = self.column("date")
        later = f" AND s.event_date {self.any('<', '>=')} {day[0]}" if day and "." in day[0] and \
            not self.scope[day[0].split(".")[0]].startswith("$") and self.random.random() < 0.4 else ""
        dated = ("er_pha_f", "t_mcoaac", "ir_imb_r") if later else None
        forms = [
            lambda: f"({patient} {self.any('IN', 'NOT IN')} (" + self.inner(
                lambda t: f"SELECT s.patient FROM {t} WHERE s.patient IS NOT NULL AND {self.make('bool', 1)}") + "))",
            lambda: f"({x} {self.any('IN', 'NOT IN')} (" + self.inner(
                lambda t: f"SELECT {self.make(kind, 0)} FROM {t} WHERE {self.make('bool', 1)}") + "))",
            lambda: f"({x} {self.any('<', '>=', '=', '<>')} {self.any('ANY', 'ALL')} (" + self.inner(
                lambda t: f"SELECT {self.make(kind, 0)} FROM {t} WHERE {self.make('bool', 1)}") + "))",
            lambda: f"({x} {self.any('<', '>=', '=')} (" + self.inner(
                lambda t: f"SELECT {self.any('min', 'max')}({self.make(kind, 1)}) FROM {t}{self.maybe_where()}") + "))",
            lambda: f"{self.any('', 'NOT ')}EXISTS (" + self.inner(
                lambda t: f"SELECT 1 FROM {t} WHERE {self.make('bool', 2)}") + ")"]
        if alias:  # a bare name would be the subquery's own
            forms += [
                lambda: f"{self.any('', 'NOT ')}EXISTS (" + self.inner(
                    lambda t: f"SELECT 1 FROM {t} WHERE s.patient = {patient} AND {self.make('bool', 1)}{later}", dated) + ")",
                lambda: "((" + self.inner(
                    lambda t: f"SELECT count(*) FROM {t} WHERE s.patient = {patient} AND {self.make('bool', 1)}")
                + f") {self.any('> 1', '= 0', '% 2 = 1')})",
                lambda: f"({x} {self.any('>', '<=', '=')} (" + self.inner(
                    lambda t: f"SELECT {self.any('min', 'max')}({self.make(kind, 0)}) FROM {t} WHERE s.patient = {patient}") + "))"] * 2
        return self.random.choice(forms)()

    def reads_columns(self, text):
        names = {name for table in self.scope.values() for names in self.columns[table].by_type.values() for name in names}
        return any(name in text for name in names)

    def grouped_by(self, keys):
        """GROUP BY of the first outputs, at times as grouping sets. PostgreSQL 15 orders by a constant key as if it
        were never null, so sets are of columns."""
        numbers = [str(i + 1) for i in range(len(keys))]
        plain = ", ".join(numbers)
        if self.random.random() < 0.8 or not all(self.reads_columns(key) for key in keys):
            return f"GROUP BY {plain}\n"
        return "GROUP BY " + self.any(f"ROLLUP ({plain})", f"CUBE ({plain})", f"GROUPING SETS (({plain}), ({numbers[0]}))",
                                      f"GROUPING SETS (({plain}), ())") + "\n"
