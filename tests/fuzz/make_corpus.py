#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets: a folder for each, a file for each seed.

usage: make_corpus.py SOURCE_FOLDER CORPUS_FOLDER
"""

import json
import pathlib
import re
import sys

top, out = (pathlib.Path(p) for p in sys.argv[1:])


def seed(target, texts):
    folder = out / target
    folder.mkdir(parents=True, exist_ok=True)
    for i, text in enumerate(texts):
        (folder / f"seed{i:03}").write_bytes(text if isinstance(text, bytes) else text.encode())


def blocks(page, kind):
    return re.findall(f"```{kind}\n(.*?)```", (top / "docs" / page).read_text(), re.S)


snds = json.loads((top / "partition/models/snds.json").read_text())
small = {k: v for k, v in snds.items() if k not in ("tables", "derived", "keys")}
small["keys"] = {"claim": snds["keys"]["claim"]}
names = ["IR_BEN_R", "IR_BEN_R_ARC", "ER_PRS_F", "ER_DCT_F", "ER_PHA_F", "IR_PHA_R", "IR_NAT_V"]
small["tables"] = {n: dict(snds["tables"][n]) for n in names}
for table in small["tables"].values():
    table.pop("references", None)
    table["columns"] = [re.sub(r" codes=\S+", "", c) for c in table["columns"]]
seed("model", blocks("model.md", "json") + [json.dumps(small)])

header = "PSEUDO;RANK;NUM;FROM_DAY;TO_DAY;DIAG;NOTE;SMALL;CIP;COST;PRICE;RATE;FLAG;BORN\n"
rows = [
    'aB3;1;N1;2019-01-02;18APR2013:00:00:00;I10;"a;b";12;3400930000011;12,50;1.25;0.5;1;01041950\n',
    "aB3;;N2;02/01/2019;1600-01-01;;;-7;0;;;1e3;t;1041950\r\n",
    '"x\n";2;N3;1870000000;;NONE;"a ""b""";1.0;;;;;;\n',
    "caf\xe9;1;N4;;;;;;;;;;;",
]
seed("csv", [bytes([4 * unit]) + (header + "".join(rows)).encode("latin-1") for unit in (0, 3, 60)] +
     [b"\x01PSEUDO;RANK;ID;SEX;YEAR;MONTH;DEATH\na;1;p;1;1950;4;1600-01-01\n", b"\x02CODE;TEXT\n1;\"a\nb\"\n",
      b"\x03\xef\xbb\xbfWORD\none\n\ntwo"])

words = ["i", "amount * 3 - i", "atc LIKE 'A10%' AND i > 3", "CASE WHEN ok THEN 1 ELSE i END", "d + 30 BETWEEN DATE '2020-01-01' AND d",
         "extract(year FROM d)", "COALESCE(i, 0) IN (1, 2, NULL)", "substr(id, 2, 3) || '-' || atc", "round(amount / 7, 1)::text",
         "atc ~ '^A[0-9]+'", "d - INTERVAL '1 month'", "NULLIF(i % 7, 0) IS DISTINCT FROM 3", "(i, d) < (3, DATE '2020-01-01')"]
queries = [q for f in sorted((top / "tests/oracle/queries").glob("*.sql"))[:60] for q in [f.read_text()]]
parts = [p.strip() for q in queries for p in re.findall(r"WHERE (.*?)(?:GROUP|ORDER|;|$)", q, re.S)]
seed("sql", words + [p for p in parts if p])

studies = [p.read_text() for p in sorted((top / "jobs").glob("*.json"))]
plain = '{"study": "s", "events": {"v": {"from": "VISIT", "code": "C", "codes": "c", "where": "N > 0"}}, "codes": {"c": ' \
        '{"ICD": ["E10-E14"]}}, "cohorts": {"a": {"entry": {"from": "v", "pick": "first"}, "require": [{"none": "v", ' \
        '"days": [-365, -1]}]}}, "statistics": {"f": {"attrition": "a"}, "t": {"count": "a", "by": ["sex"]}}}'
queries = ["SELECT C, count(*) AS n FROM VISIT v JOIN a USING (patient) GROUP BY 1", "SELECT year(start_date), sum(value) FROM v GROUP BY 1 HAVING count(*) > 20",
           "SELECT n, count(*) FROM (SELECT patient, count(*) AS n FROM v GROUP BY patient) x GROUP BY n", "SELECT count(*) FROM v WHERE EXISTS (SELECT 1 FROM death d WHERE d.patient = v.patient)"]
asked = [plain.replace('{"attrition": "a"}', json.dumps({"sql": q})) for q in queries]
everything = json.dumps({
    "study": "s", "parameters": {"n": 3, "t": "v"}, "dates": ["2019-01-01", "2020-12-31"], "codes": {"c": {"ICD": ["E10-E14"], "except": {"ICD": ["=E11"]}}},
    "events": {"v": {"from": "VISIT", "code": "C", "value": "N"}, "w": {"from": "${t}", "codes": "c", "apart": "${n}", "pick": "last", "per": "code"},
               "g": {"from": ["v", "w"], "group": ["start_date"], "having": "value > ${n}", "measures": {"m": {"sum": "v", "days": [-9, 0]}}}},
    "periods": {"p": {"subtract": ["study", "v"]}, "q": {"every": "month"}, "r": {"intersect": ["p", "observation"]}},
    "exposures": {"e": {"from": "v", "supply": "value * 30", "carry": "all", "gap": 7, "per": "code", "clip": "p"}, "f": {"from": "e", "per": "code", "combine": {"most": 2, "shortest": 5}}},
    "cohorts": {"a": {"entry": {"from": "g", "pick": "first"}, "require": [{"any": [{"age": [18, None]}, {"not": {"none": "v", "months": [-6, -1]}}]}],
                      "exit": ["death", {"end_of": "e", "plus": 9}], "gap": 0, "measures": {"s": {"share_of": "e", "days": [0, 99]}}},
                "z": {"entry": {"match": {"cases": "a", "controls": "q", "on": ["sex"], "near": {"birth_year": 1}, "ratio": 2}}}},
    "statistics": {"i": {"incidence": "v", "in": "a", "split": ["year", "e"], "by": ["year", "e"], "clean": 3}, "k": {"survival": "v", "in": "a", "competing": ["death"], "at": [9, 99]},
                   "o": {"overlap": ["v", "w"]}, "t": {"summary": ["s"], "in": "a"}},
    "exports": {"x": {"buckets": "a", "days": 30, "features": ["e"], "per": "code"}, "y": {"intervals": "a", "split": ["e"], "outcomes": ["v"]}}})
libraries = [p.read_text() for p in sorted((top / "jobs/library").glob("*.json"))]
seed("study", [plain, everything] + asked + libraries + studies + blocks("study.md", "json"))
