"""What tests/jobs/study_language.json gives, worked out again day by day in plain Python from rows that
`parcours query` exported, and compared with the folder of a run.
usage: study_twin.py DRUGS.csv STAYS.csv PERSONS.csv OUT"""
import csv
import datetime
import math
import sys

import h5py

EPOCH = datetime.date(1970, 1, 1)
drugs_file, stays_file, persons_file, out = sys.argv[1:]
failures = []


def day(text):
    return (datetime.date.fromisoformat(text) - EPOCH).days if text else None


def date(number):
    return EPOCH + datetime.timedelta(days=number)


SEEN = (day("2019-03-01"), day("2021-06-30"))
YEAR = (day("2020-01-01"), day("2020-12-31"))
FAMILY = {"C10AA": "statin", "A02BC": "ppi"}
persons = {r["patient"]: r for r in csv.DictReader(open(persons_file))}
drugs, stays = {}, {}
for r in csv.DictReader(open(drugs_file)):
    family = FAMILY.get(r["atc"][:5], "a10")
    drugs.setdefault(r["patient"], []).append((day(r["event_date"]), int(r["n"]), family))
for r in csv.DictReader(open(stays_file)):
    stays.setdefault(r["patient"], []).append((day(r["event_date"]), day(r["event_end"])))
period = [int(x) for x in open(persons_file + ".period").read().split()]


def runs(days):
    """Runs of a set of days."""
    result = []
    for d in sorted(days):
        if result and result[-1][1] == d - 1:
            result[-1][1] = d
        else:
            result.append([d, d])
    return [tuple(r) for r in result]


def days_of(spans):
    return {d for first, last in spans for d in range(first, last + 1)}


def add_months(d, months):
    old = date(d)
    month = old.month - 1 + months
    year, month = old.year + month // 12, month % 12 + 1
    last = (datetime.date(year + month // 12, month % 12 + 1, 1) - datetime.timedelta(days=1)).day
    return (datetime.date(year, month, min(old.day, last)) - EPOCH).days


def join(spans, gap):
    result = []
    for first, last in sorted(spans):
        if result and first <= result[-1][1] + gap + 1:
            result[-1][1] = max(result[-1][1], last)
        else:
            result.append([first, last])
    return [tuple(r) for r in result]


class Patient:
    """All timelines of one patient."""

    def __init__(self, name):
        person = persons[name]
        self.name, self.sex, self.birth_year = name, person["sex"], int(person["birth_year"]) if person["birth_year"] else None
        self.drugs = sorted(drugs.get(name, []))
        self.stays = sorted(stays.get(name, []))
        self.death = day(person["death_date"])
        birth = day(person["birth_date"])
        self.statins = sorted((d, n) for d, n, f in self.drugs if f == "statin")
        # Stock: what is left each day, taken one a day.
        covered, left, spans = set(), 0, []
        supplies = {}
        for d, n in self.statins:
            supplies[d] = supplies.get(d, 0) + n * 309 // 10
        if supplies:
            d = min(supplies)
            while d <= max(supplies) or left > 0:
                left += supplies.get(d, 0)
                if left > 0:
                    covered.add(d)
                    left -= 1
                d += 1
        self.on_statin = runs(covered)
        # Carried over by at most 10 days; packages of 30 days.
        for d, _ in self.statins:
            end = max((last for _, last in spans), default=None)
            shift = min(10, end - d + 1) if end is not None and end >= d else 0
            spans.append((d + shift, d + shift + 29))
        self.carried = join(spans, 5)
        self.eras = []
        for family in ("a10", "ppi", "statin"):
            spans = [(d, d + n * 30 - 1) for d, n, f in self.drugs if f == family]
            for first, last in join(spans, 14):
                first, last = max(first, SEEN[0]), min(last, SEEN[1])
                if first <= last:
                    self.eras.append((first, last, family))
        self.without = runs(set(range(SEEN[0], SEEN[1] + 1)) - covered - days_of(self.stays))
        observed = set(range(max(period[0], birth if birth is not None else period[0]),
                             min(period[1], self.death if self.death is not None else period[1]) + 1))
        self.both = runs(covered & observed & set(range(SEEN[0], SEEN[1] + 1)))
        self.busy = join(self.stays + [(d, d) for d, _ in self.statins], 20)

    def held(self):
        """Which of one or two families hold each day, the larger sets first."""
        result = {}
        for d in days_of([(a, b) for a, b, _ in self.eras]):
            running = [e for e in self.eras if e[0] <= d <= e[1]]
            pairs = set()
            for i, a in enumerate(running):
                for b in running[i + 1:]:
                    if min(a[1], b[1]) - max(a[0], b[0]) + 1 >= 20:
                        pairs.add(tuple(sorted((a[2], b[2]))))
            singles = {(e[2],) for e in running if not any(e[2] in p for p in pairs)}
            for held in pairs | singles:
                result.setdefault("+".join(held), set()).add(d)
        return sorted((first, last, name) for name, days in result.items() for first, last in runs(days))


patients = [Patient(name) for name in sorted(persons)]


def read(name):
    with h5py.File(f"{out}/cohorts/{name}.h5") as f:
        columns = {k: [None if "null" in f[k].attrs and v == f[k].attrs["null"] else v for v in f[k][:]] for k in f}
    rows = []
    for i in range(len(columns["patient"])):
        row = {k: v[i] for k, v in columns.items()}
        for k, v in row.items():
            if isinstance(v, bytes):
                row[k] = v.rstrip(b"\0").decode()
        rows.append(row)
    return rows


def compare(name, found, expected):
    found, expected = sorted(found), sorted(expected)
    if found != expected or not expected:
        wrong = [x for x in found if x not in expected][:2] + ["expected"] + [x for x in expected if x not in found][:2]
        failures.append(f"{name}: {len(found)} rows, expected {len(expected)}: {wrong}")


def cut(last):
    return min(last, YEAR[1])


def spans_of(cohort, *more):
    return [(r["patient"], int(r["start_date"]), int(r["end_date"])) + tuple(r[m] for m in more) for r in read(cohort)]


def expected_spans(spans, low=None):
    return [(p.name, a, cut(b)) for p in patients for a, b in spans(p) if a <= YEAR[1] and (low is None or a >= low)]


compare("on_statin", spans_of("spans"), expected_spans(lambda p: p.on_statin, day("2019-01-01")))
compare("some_carry", spans_of("carried"), expected_spans(lambda p: p.carried))
compare("without", spans_of("silent"), expected_spans(lambda p: p.without))
compare("both", spans_of("in_both"), expected_spans(lambda p: p.both))
compare("episodes", spans_of("episodes"), [(p.name, a, b) for p in patients for a, b in
        join([(a, cut(b)) for a, b in p.busy if day("2019-06-01") <= a <= YEAR[1]], 40)])
compare("eras", spans_of("eras", "family"), [(p.name, a, cut(b), f) for p in patients for a, b, f in p.eras if a <= YEAR[1]])
compare("together", spans_of("sets", "family"), [(p.name, a, cut(b), f) for p in patients for a, b, f in p.held() if a <= YEAR[1]])

# The cohort of new users, with exits and measures.
starters = []
for p in patients:
    entries = [d for d, _ in p.statins if YEAR[0] <= d <= YEAR[1]]
    if not entries or any(entries[0] - 120 <= d <= entries[0] - 1 for d, _ in p.statins):
        continue
    start = entries[0]
    ends = []
    hospital = [a for a, _ in p.stays if a >= start + 1]
    if hospital:
        ends.append((min(hospital), 0, "in hospital"))
    if p.death is not None and p.death >= start:
        ends.append((p.death, 1, "death"))
    holding = [b for a, b in p.on_statin if a <= start <= b]
    if holding:
        ends.append((holding[0] + 200, 2, "on_statin"))
    ends.append((add_months(start, 9), 3, "plus"))
    ends.append((YEAR[1], 4, "study_end"))
    end, _, why = min(ends)
    window = set(range(start, start + 200))
    gaps = [a - start for a, _ in p.without if start + 1 <= a <= start + 364]
    starters.append({
        "p": p, "patient": p.name, "start_date": start, "end_date": end, "exit_reason": why, "length": end - start,
        "cma7": len(window & days_of(p.on_statin)) / 200,
        "covered": len(set(range(start - 30, start + 101)) & days_of([e[:2] for e in p.eras])),
        "n": sum(start <= d <= end for d, _, _ in p.drugs),
        "first_gap": min(gaps) if gaps else None,
        "died": p.death is not None and start <= p.death <= start + 365})
keys = ["patient", "start_date", "end_date", "exit_reason", "length", "cma7", "covered", "n", "first_gap", "died"]
compare("starters", [tuple(str(bool(r[k]) if k == "died" else r[k]) for k in keys) for r in read("starters")],
        [tuple(str(s[k]) for k in keys) for s in starters])


def table(name):
    return list(csv.DictReader(open(f"{out}/control/{name}.csv")))


def near(a, b):
    if a in ("", None) or b in ("", None):
        return a in ("", None) and b in ("", None)
    return abs(float(a) - float(b)) <= 1e-9 * (1 + abs(float(b)))


def quantile(values, q):
    values = sorted(values)
    place = q * (len(values) - 1)
    low = math.floor(place)
    return values[low] + (place - low) * (values[min(low + 1, len(values) - 1)] - values[low])


for r in table("table1"):
    group = [s for s in starters if r["sex"] in ("all", s["p"].sex)]
    name = r["measure"]
    values = [s[name] for s in group if s[name] is not None]
    if name in ("died", "exit_reason"):
        wanted = r["value"] if name == "exit_reason" else True
        count = sum(v == wanted for v in values)
        if int(r["records"]) != count or not near(r["share"], count / len(values)):
            failures.append(f"table1: {r}, expected {count} of {len(values)}")
        continue
    mean = sum(values) / len(values)
    sd = math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))
    expected = [len(values), len(group) - len(values), mean, sd] + [quantile(values, q) for q in (.25, .5, .75)]
    if not all(near(r[k], e) for k, e in zip(("records", "missing", "mean", "sd", "q1", "median", "q3"), expected)):
        failures.append(f"table1: {r}, expected {expected}")

why = {}
for s in starters:
    for key in (s["exit_reason"], "all"):
        count = why.setdefault(key, [0, 0])
        count[0] += 1
        count[1] += s["length"]
compare("why", [(r["exit_reason"], r["records"], r["total"]) for r in table("why")],
        [(k, str(v[0]), str(v[1])) for k, v in why.items()])

# Incidence, day by day.
cells, first_cell = {}, [0, 0]
for p in patients:
    spans = [(a, cut(b)) for a, b in p.on_statin if day("2019-01-01") <= a <= YEAR[1]]
    blocked = {d for a, b in p.stays for d in range(a + 1, b + 31)}
    eras = days_of([e[:2] for e in p.eras])
    for d in days_of(spans) - blocked:
        year = date(d).year
        age = year - p.birth_year
        key = (str(year), "true" if d in eras else "false", p.sex, f"{age // 20 * 20}-{age // 20 * 20 + 19}")
        for k in (key, ("all",) * 4):
            cell = cells.setdefault(k, [0, 0, set(), set()])
            outcomes = sum(a == d for a, _ in p.stays)
            cell[0] += outcomes
            cell[1] += 1
            cell[2].add(p.name)
            if outcomes:
                cell[3].add(p.name)
for s in starters:
    before = min((a for a, _ in s["p"].stays), default=10 ** 9)
    for d in range(s["start_date"] + 10, min(s["start_date"] + 100, s["end_date"]) + 1):
        if d > before:
            continue
        first_cell[0] += sum(a == d for a, _ in s["p"].stays)
        first_cell[1] += 1
found = {(r["year"], r["era"], r["sex"], r["band(age_in_year, 20)"]):
         (int(r["outcomes"]), int(r["person_days"]), int(r["population"]), int(r["patients"])) for r in table("rate")}
expected = {k: (v[0], v[1], len(v[2]), len(v[3])) for k, v in cells.items()}
compare("incidence", found.items(), expected.items())
total = table("rate")[-1]
if not near(total["rate"], int(total["outcomes"]) / int(total["person_days"]) * 365.25 * 1000):
    failures.append(f"the rate is {total}")
r = table("first_rate")[0]
compare("first rate", [(int(r["outcomes"]), int(r["person_days"]))], [tuple(first_cell)])

# The standardised rate of all: by class of sex and age of the day's year.
SHARES = [1000, 4000, 5500, 5500, 5500, 6000, 6000, 6500, 7000, 7000, 7000, 7000, 6500, 6000, 5500, 5000, 4000, 2500, 1500, 800, 200]
classes = {}
for p in patients:
    spans = [(a, cut(b)) for a, b in p.on_statin if day("2019-01-01") <= a <= YEAR[1]]
    blocked = {d for a, b in p.stays for d in range(a + 1, b + 31)}
    for d in days_of(spans) - blocked:
        age = date(d).year - p.birth_year
        which = 0 if age == 0 else 1 if age < 5 else min(age // 5 + 1, 20)
        cell = classes.setdefault((p.sex, which), [0, 0])
        cell[0] += sum(a == d for a, _ in p.stays)
        cell[1] += 1
weight = sum(SHARES[c] for _, c in classes)
rate = sum(SHARES[c] / weight * n / t for (_, c), (n, t) in classes.items()) * 365.25 * 1000
if not near(total["standardised"], rate):
    failures.append(f"the standardised rate is {total['standardised']}, expected {rate}")

# Cumulative incidence by its definition, Kaplan and Meier the same.
def curve(times, at):
    survival, incidence = 1.0, 0.0
    for t in sorted({t for t, _ in times}):
        if t > at:
            break
        n = sum(x >= t for x, _ in times)
        events, others = (sum(x == (t, why) for x in times) for why in (1, 2))
        incidence += survival * events / n
        survival *= 1 - (events + others) / n
    return survival, incidence


def follow(with_stay):
    result = {}
    for p in patients:
        for a, b in [(a, cut(b)) for a, b in p.on_statin if day("2019-01-01") <= a <= YEAR[1]]:
            events = [(x, 1) for x, _ in p.stays if a <= x <= b] if with_stay else []
            if p.death is not None and a <= p.death <= b:
                events.append((p.death, 2 if with_stay else 1))
            t, why = min(events, default=(b, 0))
            for key in (p.sex, "all"):
                result.setdefault(key, []).append((t - a, why))
    return result


times = follow(True)
for r in table("curve"):
    group, at = times[r["sex"]], int(r["day"])
    expected = (sum(t >= at for t, _ in group), sum(t <= at and w == 1 for t, w in group), sum(t <= at and w == 2 for t, w in group))
    if (int(r["at_risk"]), int(r["events"]), int(r["competing"])) != expected or not near(r["incidence"], curve(group, at)[1]):
        failures.append(f"curve: {r}, expected {expected} {curve(group, at)[1]}")
times = follow(False)["all"]
for r in table("alive"):
    if not near(r["survival"], curve(times, int(r["day"]))[0]):
        failures.append(f"alive: {r}, expected {curve(times, int(r['day']))[0]}")

# Overlap.
have = {"drug": set(), "stay": set(), "on_statin": set()}
for s in starters:
    p, days = s["p"], set(range(s["start_date"], s["end_date"] + 1))
    if any(d in days for d, _, _ in p.drugs):
        have["drug"].add(p.name)
    if days & days_of(p.stays):
        have["stay"].add(p.name)
    if days & days_of(p.on_statin):
        have["on_statin"].add(p.name)
names = list(have)
compare("pairs", [(r["timeline"], r["other"], int(r["patients"])) for r in table("pairs")],
        [(a, b, len(have[a] & have[b])) for i, a in enumerate(names) for b in names[i:]])
plain = {"statin": {p.name for p in patients if any(YEAR[0] <= d <= YEAR[1] for d, _ in p.statins)},
         "stay": {p.name for p in patients if any(YEAR[0] <= a <= YEAR[1] for a, _ in p.stays)}}
compare("plain pairs", [(r["timeline"], r["other"], int(r["patients"])) for r in table("plain_pairs")],
        [(a, b, len(plain[a] & plain[b])) for a, b in (("statin", "statin"), ("statin", "stay"), ("stay", "stay"))])

# Exports: the files over all shards, through their virtual datasets.
def export(name):
    with h5py.File(f"{out}/cohorts/{name}.h5") as f:
        return {k: f[k][:] for k in f}


def text(value):
    return value.rstrip(b"\0").decode()


order = {r["patient"]: i for i, r in enumerate(read("starters"))}
starters.sort(key=lambda s: order[s["patient"]])
found = [tuple(r.values()) for r in csv.DictReader(open(f"{out}/cohorts/new_users.csv"))]
expected = [(s["patient"], str(date(s["start_date"])), str(date(s["end_date"])), s["exit_reason"], f"{s['cma7']:.12g}",
             "true" if s["died"] else "false", "" if s["first_gap"] is None else str(s["first_gap"])) for s in starters]
if found != expected:
    failures.append(f"new_users.csv: {[x for x in zip(found, expected) if x[0] != x[1]][:1]}")
e = export("all_eras")
compare("all_eras", [(text(p), int(a), int(b), text(f)) for p, a, b, f in zip(e["patient"], e["start_date"], e["end_date"], e["family"])],
        [(p.name, a, b, f) for p in patients for a, b, f in p.eras])

e = export("cox")
found = list(zip(map(text, e["patient"]), *(map(int, e[k]) for k in ("length", "start", "stop", "year", "on_statin", "stay", "death"))))
expected, expected_csv = [], []
for s in starters:
    p, first, last = s["p"], s["start_date"], s["end_date"]
    covered = days_of(p.on_statin)

    def cut_at(key):
        begin = first
        for d in range(first, last + 1):
            events = (sum(a == d for a, _ in p.stays), int(p.death == d))
            if d == last or key(d + 1) != key(d) or events[0] or (events[1] and key is not None and key(d) is not None):
                yield begin - first, d - first + 1, d, events
                begin = d + 1

    for begin, end, d, events in cut_at(lambda d: (date(d).year, d in covered)):
        expected.append((p.name, s["length"], begin, end, date(d).year, int(d in covered)) + events)
    for begin, end, d, events in cut_at(lambda d: None):
        expected_csv.append((p.name, str(begin), str(end), str(events[0])))
compare("cox", found, expected)
found = [(r["patient"], r["start"], r["stop"], r["stay"]) for r in csv.DictReader(open(f"{out}/cohorts/cox_csv.csv"))]
compare("cox_csv", found, expected_csv)


def matrix(e, width):
    """Rows as {feature: value}, with the record and number of each bucket."""
    names, rows, record, bucket = [text(f) for f in e["feature"]], [], 0, 0
    for row in range(len(e["indptr"]) - 1):
        if bucket == e["buckets"][record]:
            record, bucket = record + 1, 0
        span = slice(e["indptr"][row], e["indptr"][row + 1])
        rows.append((text(e["patient"][record]), int(e["start_date"][record]), bucket,
                     {names[i]: int(v) for i, v in zip(e["indices"][span], e["data"][span])}))
        bucket += 1
    if names != sorted(names) or sum(e["buckets"]) != len(rows) or len(e["data"]) != len(e["indices"]):
        failures.append(f"a matrix of {len(rows)} rows and features {names}")
    return rows


e, expected, stays_of = export("sccs"), [], []
for s in starters:
    p, first, last = s["p"], s["start_date"], s["end_date"]
    for bucket in range((last - first) // 30 + 1):
        days = set(range(first + 30 * bucket, min(first + 30 * bucket + 29, last) + 1))
        cells = {}
        for name, spans in [(f"era={f}", [(a, b)]) for a, b, f in p.eras] + [("statin=statin", [(d, d)]) for d, _ in p.statins]:
            if days & days_of(spans):
                cells[name] = cells.get(name, 0) + len(days & days_of(spans))
        expected.append((p.name, first, bucket, cells))
        stays_of.append(sum(a in days for a, _ in p.stays))
if matrix(e, 30) != expected or not expected or list(e["stay"]) != stays_of:
    failures.append(f"sccs: {[x for x in zip(matrix(e, 30), expected) if x[0] != x[1]][:1]}")
if list(e["length"]) != [s["length"] for s in starters] or list(e["exit_bucket"]) != list(e["buckets"] - 1):
    failures.append("sccs: the records")
starts = {(p.name, a, n): sum(a + 45 * n <= x <= min(a + 45 * n + 44, cut(b)) for x, _ in p.stays)
          for p in patients for a, b in p.on_statin if day("2019-01-01") <= a <= YEAR[1] for n in range((cut(b) - a) // 45 + 1)}
compare("starts", [(p, a, n, cells.get("stay", 0)) for p, a, n, cells in matrix(export("starts"), 45)],
        [k + (v,) for k, v in starts.items()])

for line in failures:
    print("FAILED:", line)
sys.exit(len(failures) > 0)
