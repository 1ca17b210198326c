"""One station's rows of one day by REST, at one client and at eight that keep their connections."""

import datetime
import json
import pathlib
import random
import statistics
import urllib.parse

import duck
from cached import load
from data import CONTRACTS, START, station_codes
from quiet import busy_seconds

DUCK_READS = 200
CHECKED_READS = 20


def measure(hub, files, helper, requests, seconds, threads, scratch):
    days = chosen_days(files, requests)
    paths = [path(*day) for day in days]
    check(hub, paths[:CHECKED_READS])
    targets = pathlib.Path(scratch) / "requests"
    targets.write_text("".join(f"GET {path}\n" for path in paths))
    results = {}
    for clients in (1, 8):
        before = busy_seconds(hub.pid)
        figures = load(helper, hub.host, hub.port, f"@{targets}", clients, seconds)
        figures["hub_cpu_ms"] = (busy_seconds(hub.pid) - before) * 1000 / figures["requests"]
        results[f"clients_{clients}"] = figures
        print(f"bench: station's day, {clients} clients: {figures}", flush=True)
    tables = {dataset: hub.files_of(dataset) for dataset in CONTRACTS}
    taken = duck.call("day_reads", days=days[:DUCK_READS], threads=threads, scratch=scratch, tables=tables)
    results["duck_in_process"] = summary(taken, sum(taken) / 1000)
    return results


def check(hub, paths):
    """Every day has its 24 rows."""
    for target in paths:
        answer = json.load(hub.request("GET", target, headers={"Accept": "application/json"}))
        assert answer["row_count"] == 24, f"{target}: {str(answer)[:300]}"


def chosen_days(files, count):
    """Days drawn for ever the same from all stations and the whole time, in Japan from midnight on."""
    draw = random.Random(20260401)
    stations = station_codes()
    begin = START.astype(datetime.datetime)
    days = []
    for _ in range(count):
        first = begin + datetime.timedelta(days=draw.randrange(files.hours // 24))
        last = first + datetime.timedelta(days=1)
        days.append([str(draw.choice(stations)), f"{first.isoformat()}+09:00", f"{last.isoformat()}+09:00"])
    return days


def path(station, first, last):
    filters = urllib.parse.urlencode([("station", f"eq.{station}"), ("time", f"gte.{first}"), ("time", f"lt.{last}")])
    return f"/v1/datasets/bench_weather/observations/rows?{filters}"


def summary(milliseconds, seconds):
    ordered = sorted(milliseconds)
    return {
        "requests": len(ordered),
        "p50_ms": statistics.median(ordered),
        "p99_ms": ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))],
        "per_second": len(ordered) / seconds,
    }
