"""Revised values: an upsert of one row in a hundred, of the newest hours (as when provisional figures become
final) and of hours all over the years. What it costs is time, and the files that are written anew.

DuckDB beside it writes all rows anew, since a file that others read can't be changed in place. Both then
answer the same of the rows.
"""

import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import data
import duck

DATASET = "bench_weather.observations"
SHARE = 100
ANSWER = """SELECT station, count(*) AS n, sum(CAST(round(temperature * 10) AS BIGINT)) AS tenths,
       sum(CAST(round(wind * 10) AS BIGINT)) AS wind FROM {table} GROUP BY 1 ORDER BY 1"""


def measure(hub, files, threads, scratch):
    results = {}
    for kind in ("recent", "scattered"):
        # The same rows before each.
        hub.upload(DATASET, files.observations_parquet)
        revised = scratch / f"revised_{kind}.parquet"
        rows = write(revised, files.hours, kind)
        before = hub.files_of(DATASET)
        begun = time.perf_counter()
        answer = hub.upload(DATASET, revised, mode="upsert")
        seconds = time.perf_counter() - begun
        published = answer["published"]
        # Rows without any value have none to revise, and stay as they are.
        met = published["rows_changed"] + published["rows_unchanged"]
        counted = (published["rows_added"], met, published["rows_total"])
        assert counted == (0, rows, files.rows), f"{counted} and not (0, {rows}, {files.rows})"
        added, removed = hub.entry(DATASET, answer["id"])
        target = scratch / f"rewritten_{kind}.parquet"
        rewritten = duck.call("rewrite", old=before, new=revised, target=target, threads=threads, scratch=scratch)
        theirs = duck.call("ask", sql=ANSWER.format(table=f"read_parquet('{target}')"), threads=threads, scratch=scratch)
        ours = hub.table(ANSWER.format(table=DATASET)).to_pylist()
        ours = [[duck.plain(value) for value in row.values()] for row in ours]
        assert ours == theirs, f"after the {kind} upsert the hub answers otherwise than DuckDB"
        target.unlink()
        results[kind] = {
            "rows": rows,
            "rows_changed": published["rows_changed"],
            "seconds": seconds,
            "files": len(before),
            "files_touched": len(removed),
            "files_written": len(added),
            "bytes": published["bytes_total"],
            "bytes_written": sum(added.values()),
            "duck_seconds": rewritten["seconds"],
            "duck_bytes_written": rewritten["bytes_written"],
            "ratio": seconds / rewritten["seconds"],
        }
        print(f"bench: upsert, {kind}: {results[kind]}", flush=True)
    return results


def write(path, hours, kind):
    """A hundredth of the hours, with other values of temperature and wind."""
    count = max(1, round(hours / SHARE))
    if kind == "recent":
        chosen = np.arange(hours - count, hours)
    else:
        chosen = np.unique(np.linspace(0, hours - 1, count).astype(int))
    writer, rows = None, 0
    for first, block in data.blocks(hours):
        inside = chosen[(chosen >= first) & (chosen < first + block)]
        if not len(inside):
            continue
        table, hour = data.observations(first, block)
        table = table.filter(pa.array(np.isin(hour, inside - first)))
        for name in ("temperature", "wind"):
            place = table.schema.get_field_index(name)
            values = table[name].to_numpy(zero_copy_only=False)
            table = table.set_column(place, name, pa.array(np.round(values + 0.5, 1), mask=np.isnan(values)))
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
        rows += table.num_rows
    writer.close()
    return rows
