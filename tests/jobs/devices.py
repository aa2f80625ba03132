"""Devices for a synthetic delivery of the SNDS, which has none: lines of ER_TIP_F on claims of medicines, some of them
rented, one that ends before it begins, and implants of acute stays.

usage: devices.py FOLDER
"""
import csv
import glob
import os
import sys

CODES = (1103650, 1118915, 1129416, 2237000, 3100120, 3185500, 6126740)
CLAIM = 9  # columns of the key of a claim, which come first


def town(path):
    with open(path, newline="", encoding="latin-1") as file, \
            open(path.replace("ER_PHA_F", "ER_TIP_F"), "w", newline="", encoding="latin-1") as made:
        rows = csv.reader(file, delimiter=";")
        out = csv.writer(made, delimiter=";")
        out.writerow(next(rows)[:CLAIM] + ["TIP_ORD_NUM", "TIP_PRS_IDE", "TIP_ACT_QSN", "TIP_ACL_DTD", "TIP_ACL_DTF"])
        for number, row in enumerate(rows):
            if number % 7 == 0:
                day = row[1]  # of the flow: weeks after care
                last = ("1600-01-01", day, "2001-01-01")[number // 7 % 3]
                out.writerow(row[:CLAIM] + [number, CODES[number // 7 % len(CODES)], 1 + number % 3, "1600-01-01", last])


def stays(path):
    with open(path, newline="", encoding="latin-1") as file, \
            open(path.replace("A.CSV", "DMIP.CSV"), "w", newline="", encoding="latin-1") as made:
        out = csv.writer(made, delimiter=";")
        out.writerow(["ETA_NUM", "RSA_NUM", "NBR_POS", "TIP_PRS_IDE"])
        for number, row in enumerate(csv.DictReader(file, delimiter=";")):
            if number % 3 == 0:
                out.writerow([row["ETA_NUM"], row["RSA_NUM"], 1 + number % 2, CODES[number % len(CODES)]])


for source in sorted(glob.glob(os.path.join(sys.argv[1], "ER_PHA_F_*.CSV"))):
    town(source)
for source in sorted(glob.glob(os.path.join(sys.argv[1], "T_MCO??A.CSV"))):
    stays(source)
