#!/usr/bin/env python3
"""Four of the bench's queries in Polars, over the same Parquet: polars_side.py PARQUET OUT. Prints JSON: seconds by
query, the best of three runs in one process. The answers go to OUT/<query>.csv. POLARS_MAX_THREADS limits its threads."""
import json
import os
import sys
import time

import polars


def table(parquet, name):
    """A table's file, or the folder of slices of a large one."""
    path = os.path.join(parquet, name)
    return polars.scan_parquet(os.path.join(path, "*.parquet") if os.path.isdir(path) else path + ".parquet")


def queries(parquet):
    claims, drugs = (table(parquet, name) for name in ("ER_PRS_F", "ER_PHA_F"))
    year = polars.col("event_date").dt.year().alias("y")
    lines, patients = polars.len().alias("lines"), polars.col("patient").drop_nulls().n_unique().alias("patients")
    paid, boxes = polars.col("PRS_PAI_MNT").sum().alias("paid"), polars.col("PHA_ACT_QSN").sum().alias("boxes")
    dates = polars.col("event_date").n_unique()
    return {"amount": claims.filter("valid_cost").select(lines, paid),
            "atc_year": drugs.group_by("atc", year).agg(lines, boxes, patients),
            "specialty_year": claims.group_by("PSP_SPE_COD", year).agg(lines, paid, patients),
            "three_dates": drugs.filter(polars.col("atc").str.starts_with("A10") & polars.col("patient").is_not_null())
                           .group_by("patient", year).agg(dates).filter(polars.col("event_date") >= 3)
                           .group_by("y").agg(polars.len().alias("people"))}


def main():
    seconds = {}
    for name, query in queries(sys.argv[1]).items():
        seconds[name] = float("inf")
        for _ in range(3):
            started = time.perf_counter()
            rows = query.collect()
            seconds[name] = min(seconds[name], time.perf_counter() - started)
        rows.write_csv(os.path.join(sys.argv[2], name + ".csv"))
    print(json.dumps({"version": polars.__version__, "seconds": seconds}))


if __name__ == "__main__":
    main()
