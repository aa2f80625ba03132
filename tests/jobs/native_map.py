"""A synthetic SOURCE_TO_CONCEPT_MAP: the codes of a store to concepts that events of a CDM have.

usage: native_map.py CDM_FOLDER CODES.csv OUT.csv
CODES.csv has lines vocabulary,code. Of seven codes one leads nowhere, one to two concepts, the others to one.
"""
import csv
import gzip
import random
import sys

TABLE = {"CIM10": "condition", "ATC": "drug", "CCAM": "procedure", "NABM": "measurement", "LPP": "device"}
FILE = {"condition": "condition_occurrence", "drug": "drug_exposure", "procedure": "procedure_occurrence", "measurement": "measurement",
        "device": "device_exposure"}


def concepts(folder, domain):
    with gzip.open(f"{folder}/{FILE[domain]}.csv.gz", "rt") as file:
        return sorted({int(row[domain + "_concept_id"]) for row in csv.DictReader(file)})


def main():
    folder, codes, out = sys.argv[1:]
    chance = random.Random(20)
    targets = {vocabulary: concepts(folder, domain) for vocabulary, domain in TABLE.items()}
    with open(codes) as file, open(out, "w") as made:
        made.write("source_code,source_concept_id,source_vocabulary_id,target_concept_id,invalid_reason\n")
        for number, (vocabulary, code) in enumerate(sorted(tuple(line) for line in csv.reader(file))):
            count = (0, 2, 1, 1, 1, 1, 1)[number % 7]
            for target in chance.sample(targets[vocabulary], count):
                made.write(f"{code},{chance.choice(targets[vocabulary])},{vocabulary},{target},\n")


main()
