"""Joined queries: the hub over HTTP, its answer read as Arrow to the end, beside DuckDB in this process on
the very files of the lake. Each is run once unmeasured, and the two answers must be the same."""

import math
import pathlib
import statistics
import time

import pyarrow as pa

import duck
from data import CONTRACTS
from hub import Refused

HERE = pathlib.Path(__file__).parent


def measure(hub, files, runs, threads, scratch, folder="queries"):
    tables = {dataset: hub.files_of(dataset) for dataset in CONTRACTS}
    connection = duck.connect_to_lake(threads, scratch, tables, CONTRACTS)
    results = {}
    for path in sorted((HERE / folder).glob("*.sql")):
        sql = path.read_text()
        try:
            results[path.stem] = one_query(hub, connection, sql, runs)
        except Refused as refused:
            results[path.stem] = {"problem": str(refused)}
        print(f"bench: {path.stem}: {results[path.stem]}", flush=True)
    return results


def one_query(hub, connection, sql, runs, duck_sql=None):
    def by_hub():
        return hub.table(sql)

    def by_duck():
        return connection.sql(duck_sql or sql).to_arrow_table()

    first, second = by_hub(), by_duck()
    compare(first, second)
    times = {by_hub: [], by_duck: []}
    for _ in range(runs):
        for way, taken in times.items():
            begun = time.perf_counter()
            way()
            taken.append(time.perf_counter() - begun)
    hub_seconds, duck_seconds = (statistics.median(taken) for taken in times.values())
    return {
        "rows": first.num_rows,
        "hub_seconds": hub_seconds,
        "hub_runs": times[by_hub],
        "duck_seconds": duck_seconds,
        "duck_runs": times[by_duck],
        "ratio": hub_seconds / duck_seconds,
    }


def compare(first, second):
    """Answers are equal as sets of rows; floats may differ by the order in which they were added up."""
    left, right = rows_of(first), rows_of(second)
    assert len(left) == len(right), f"the hub has {len(left)} rows, DuckDB {len(right)}"
    for a, b in zip(left, right):
        for x, y in zip(a, b):
            same = math.isclose(x, y, rel_tol=1e-6, abs_tol=1e-6) if isinstance(x, float) and y is not None else x == y
            assert same, f"the hub has {a}, DuckDB {b}"


def rows_of(table):
    columns = []
    for column in table.columns:
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64())
        columns.append(column.to_pylist())
    # Floats last, so that rows are put in order by what is exact.
    exact = [i for i, column in enumerate(table.columns) if not pa.types.is_floating(column.type)]
    return sorted(zip(*columns), key=lambda row: [repr(row[i]) for i in exact])
