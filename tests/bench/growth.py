"""The cost of growth: how long a lookup, a join and a listing take with more rows, more versions of a dataset,
and more datasets. Each is the median of some requests after one that is not measured."""

import statistics
import time
import urllib.parse

import numpy as np

from data import CONTRACTS, HOUR, START, field, station_codes
from hub import dataset_path

REPEATS = 15
JOIN = """SELECT c.route, count(*) AS n, avg(o.temperature) AS temperature
FROM bench_road.counters c JOIN bench_weather.observations o ON o.station = c.station
WHERE o.time >= TIMESTAMP WITH TIME ZONE '2016-01-02 00:00:00+09:00'
  AND o.time < TIMESTAMP WITH TIME ZONE '2016-01-04 00:00:00+09:00'
GROUP BY c.route"""


def measure(hub, prepare, rows, versions, datasets):
    """`prepare` makes the data of so many rows; the three lists say at which sizes to look."""
    found = {"rows": {}, "versions": {}, "datasets": {}}
    for count in rows:
        hub.upload("bench_weather.observations", prepare(count).observations_parquet)
        found["rows"][count] = latencies(hub)
        print(f"bench: {count:,} rows: {found['rows'][count]}", flush=True)
    found["versions"] = with_versions(hub, versions)
    found["datasets"] = with_datasets(hub, datasets)
    return found


def latencies(hub, dataset="bench_weather.observations", key="station", code=None, join=JOIN):
    day = urllib.parse.urlencode([
        (key, f"eq.{code or station_codes()[3]}"), ("time", "gte.2016-01-02T00:00:00+09:00"),
        ("time", "lt.2016-01-03T00:00:00+09:00")])
    path = f"{dataset_path(dataset)}/rows?{day}"
    return {
        "lookup_ms": timed(lambda: hub.request("GET", path).read()),
        "join_ms": timed(lambda: hub.table(join)),
        "listing_ms": timed(lambda: hub.request("GET", "/v1/datasets?limit=100").read()),
        "versions_ms": timed(lambda: hub.request("GET", f"{dataset_path(dataset)}/versions?limit=100").read()),
    }


def timed(ask):
    ask()
    taken = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken)


def with_versions(hub, sizes):
    """Each version appends a day of one station; the reads are of the first day."""
    contract = {"fields": [field("station", "string", role="key"), HOUR, field("level", "number", role="value")],
                "primaryKey": ["station", "time"]}
    hub.make_dataset("bench_growth.versions", contract)
    join = "SELECT c.route, count(*) AS n FROM bench_road.counters c JOIN bench_growth.versions v " \
           "ON v.station = c.station GROUP BY c.route"
    code, found, made = str(station_codes()[0]), {}, 0
    begun = time.perf_counter()
    for size in sizes:
        while made < size:
            hours = (START + np.timedelta64(made * 24 + hour, "h") for hour in range(24))
            body = "station,time,level\n" + "".join(f"{code},{hour}+09:00,1.5\n" for hour in hours)
            hub.request("POST", f"{dataset_path('bench_growth.versions')}/uploads?mode=append", body.encode(),
                        {"Content-Type": "text/csv"}).read()
            made += 1
        found[size] = latencies(hub, "bench_growth.versions", code=code, join=join)
        found[size]["publish_ms"] = (time.perf_counter() - begun) * 1000 / made
        print(f"bench: {size:,} versions: {found[size]}", flush=True)
    return found


def with_datasets(hub, sizes):
    """Datasets without rows, beside the one that is read."""
    contract = CONTRACTS["bench_road.offices"]
    found, made = {}, 0
    for size in sizes:
        while made < size:
            hub.make_dataset(f"bench_many.dataset_{made:05d}", contract)
            made += 1
        found[size] = latencies(hub)
        print(f"bench: {size:,} datasets: {found[size]}", flush=True)
    return found
