"""DuckDB, set as the hub is: the same threads, and a limit of memory where the hub has one.

It works in a process of its own, so that its memory is its own and none of it is left to the next
measurement. `call` runs one of the functions at the end there and returns what it returns.
"""

import datetime
import decimal
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

import duckdb

from hub import memory

MEMORY = "1GB"


def connect(threads, scratch):
    connection = duckdb.connect()
    connection.execute(f"SET threads = {threads}; SET memory_limit = '{MEMORY}'; SET TimeZone = 'Asia/Tokyo'")
    connection.execute(f"SET temp_directory = '{scratch}'; SET enable_progress_bar = false")
    return connection


def connect_to_lake(threads, scratch, tables, contracts=None):
    """Every dataset is a view of its files, under the name that it has in the hub. With the contracts, values
    of bad quality are left out, as the hub's SQL does."""
    connection = connect(threads, scratch)
    for dataset, files in tables.items():
        agency = dataset.split(".")[0]
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {agency}")
        shown = good_values(contracts[dataset]) if contracts else "*"
        connection.execute(f"CREATE VIEW {dataset} AS SELECT {shown} FROM read_parquet({files!r})")
    return connection


def good_values(contract):
    judges = {field["quality_of"]: field["name"] for field in contract["fields"] if "quality_of" in field}
    bad = "('doubtful', 'missing', 'not_observed', 'closed')"
    good = [f"CASE WHEN {judge} IN {bad} THEN NULL ELSE {value} END AS {value}" for value, judge in judges.items()]
    return f"* REPLACE ({', '.join(good)})" if good else "*"


def call(function, **parameters):
    command = [sys.executable, __file__, function, json.dumps(parameters, default=str)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def take_in(file, threads, scratch):
    """Reads, sorts by key and writes one file; the types of a CSV's columns are given, as a contract does."""
    if file.endswith(".csv"):
        types = ("{'station': 'VARCHAR', 'time': 'TIMESTAMPTZ', 'temperature': 'DOUBLE', "
                 "'precipitation': 'DOUBLE', 'wind': 'DOUBLE', 'quality': 'VARCHAR'}")
        source = f"read_csv('{file}', header = true, columns = {types})"
    else:
        source = f"read_parquet('{file}')"
    target = pathlib.Path(scratch) / "duckdb.parquet"
    connection = connect(threads, scratch)
    begun = time.perf_counter()
    connection.execute(
        f"COPY (SELECT * FROM {source} ORDER BY station, time) TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
    )
    seconds = time.perf_counter() - begun
    written = target.stat().st_size
    target.unlink()
    return {"seconds": seconds, "peak_bytes": memory(os.getpid(), "VmHWM"), "bytes_written": written}


def take_named(file, target, threads, scratch):
    """Reads the CSV with names in Japanese, sorts it by key and writes one file, which stays."""
    types = ("{'観測所番号': 'VARCHAR', '観測所名': 'VARCHAR', '日時': 'TIMESTAMPTZ', '気温': 'DOUBLE', "
             "'降水量': 'DOUBLE', '風速': 'DOUBLE', '品質': 'VARCHAR'}")
    source = f"read_csv('{file}', header = true, columns = {types})"
    connection = connect(threads, scratch)
    begun = time.perf_counter()
    connection.execute(
        f"COPY (SELECT * FROM {source} ORDER BY 観測所番号, 日時) TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
    )
    return {"seconds": time.perf_counter() - begun, "peak_bytes": memory(os.getpid(), "VmHWM")}


def rewrite(old, new, target, threads, scratch):
    """Rows of `new` in the place of those of `old` with the same key, all of it written anew: what an upsert
    is without a lake that knows its files. The file stays."""
    connection = connect(threads, scratch)
    begun = time.perf_counter()
    connection.execute(
        f"COPY (SELECT * FROM (SELECT * FROM read_parquet({old!r}) o WHERE NOT EXISTS (SELECT 1 FROM "
        f"read_parquet('{new}') n WHERE n.station = o.station AND n.time = o.time) "
        f"UNION ALL BY NAME SELECT * FROM read_parquet('{new}')) ORDER BY station, time) "
        f"TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
    )
    seconds = time.perf_counter() - begun
    return {"seconds": seconds, "bytes_written": pathlib.Path(target).stat().st_size}


def ask(sql, threads, scratch):
    """The rows of an answer, in plain values."""
    rows = connect(threads, scratch).sql(sql).to_arrow_table().to_pylist()
    return [[plain(value) for value in row.values()] for row in rows]


def plain(value):
    """A value as both sides give it: instants by the seconds since 1970, sums of whole numbers as such."""
    if isinstance(value, datetime.datetime):
        return round(value.timestamp())
    return int(value) if isinstance(value, decimal.Decimal) else value


def day_reads(days, threads, scratch, tables):
    """Milliseconds of each read of a station's day."""
    connection = connect_to_lake(threads, scratch, tables)
    sql = "SELECT * FROM bench_weather.observations WHERE station = ? AND time >= ? AND time < ? ORDER BY station, time"
    taken = []
    for parameters in days:
        begun = time.perf_counter()
        rows = connection.sql(sql, params=parameters).to_arrow_table().num_rows
        taken.append((time.perf_counter() - begun) * 1000)
        assert rows == 24, f"a day had {rows} rows"
    return taken


def stream_out(form, runs, threads, scratch, tables):
    """Reads all observations as Arrow batches, or writes them as CSV to nowhere."""
    seconds, first = [], []
    connection = connect_to_lake(threads, scratch, tables)
    idle = memory(os.getpid(), "VmRSS")
    for _ in range(runs):
        begun = time.perf_counter()
        if form == "arrow":
            reader = connection.sql("SELECT * FROM bench_weather.observations").to_arrow_reader(65_536)
            for batch in reader:
                if len(first) == len(seconds):
                    first.append(time.perf_counter() - begun)
        else:
            connection.execute("COPY (SELECT * FROM bench_weather.observations) TO '/dev/null' (FORMAT csv)")
        seconds.append(time.perf_counter() - begun)
    return {
        "seconds": statistics.median(seconds),
        "first_byte_seconds": statistics.median(first) if first else None,
        "over_idle_bytes": memory(os.getpid(), "VmHWM") - idle,
    }


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](**json.loads(sys.argv[2]))))
