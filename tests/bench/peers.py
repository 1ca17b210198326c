"""Station-day lookups and aggregates beside ROAPI and Datasette, which also give tables to apps over HTTP: the
same rows, at 1, 8 and 32 clients that keep their connections.

ROAPI holds the Parquet file's rows in memory, Datasette asks SQLite with an index on station and time. Both are
installed from PyPI into an environment of their own."""

import datetime
import http.client
import json
import pathlib
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.parse

import pyarrow.parquet as pq

from cached import load
from data import STATIONS
from points import chosen_days

VERSIONS = ("roapi", "datasette")
CLIENTS = (1, 8, 32)
# Clients and seconds before lookups are measured; each side keeps what it keeps.
WARM_UP = (8, 2)
DAY = "SELECT * FROM {table} WHERE station = '{station}' AND time >= {first} AND time < {last}"
MEANS = "SELECT station, count(temperature) AS n, avg(temperature) AS mean FROM {table} GROUP BY station"


def environment(folder):
    """A virtual environment with the peers; made once."""
    folder = folder / "peers-venv"
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *VERSIONS], check=True)
    return folder / "bin"


def measure(hub, files, folder, helper, requests, seconds, scratch):
    programs = environment(folder)
    days = chosen_days(files, requests)
    hub.upload("bench_weather.observations", files.observations_parquet)

    def loads(host, port, paths):
        return ways(host, port, paths, helper, seconds, pathlib.Path(scratch) / "requests")

    results = {"rows": files.rows, "hub": loads(hub.host, hub.port, hub_paths(days))}
    for peer in (Roapi, Datasette):
        try:
            with peer(programs, files, scratch) as running:
                results[peer.name] = loads("127.0.0.1", running.port, running.paths(days))
        except (OSError, RuntimeError, AssertionError) as problem:
            results[peer.name] = {"problem": str(problem)}
        print(f"bench: peers: {peer.name}: {results[peer.name]}", flush=True)
    print(f"bench: peers: hub: {results['hub']}", flush=True)
    return results


def hub_paths(days):
    lookups = []
    for station, first, last in days:
        filters = [("station", f"eq.{station}"), ("time", f"gte.{first}"), ("time", f"lt.{last}")]
        lookups.append(f"/v1/datasets/bench_weather/observations/rows?{urllib.parse.urlencode(filters)}")
    means = "/v1/sql?" + urllib.parse.urlencode({"q": MEANS.format(table="bench_weather.observations")})
    return {"lookup": lookups, "aggregate": [means]}


def ways(host, port, paths, helper, seconds, file):
    """Throughput and latency of each kind of request at each number of clients."""
    found = {}
    check(host, port, paths)
    for kind, of in paths.items():
        file.write_text("".join(" ".join(request(path)).rstrip() + "\n" for path in of))
        if kind == "lookup":
            load(helper, host, port, f"@{file}", *WARM_UP)
        for clients in CLIENTS:
            figures = load(helper, host, port, f"@{file}", clients, seconds)
            assert "problem" not in figures, figures["problem"][:400]
            found[f"{kind}_{clients}"] = figures
    return found


def check(host, port, paths):
    """A station's day has 24 rows with everyone, and the means are of every station."""
    for kind, rows in (("lookup", 24), ("aggregate", STATIONS)):
        method, target, body = request(paths[kind][0])
        connection = http.client.HTTPConnection(host, port, timeout=120)
        connection.request(method, target, body, {"Accept": "application/json"})
        answer = json.load(connection.getresponse())
        answer = answer["rows"] if isinstance(answer, dict) else answer
        assert len(answer) == rows, f"{kind}: {len(answer)} rows: {str(answer)[:300]}"


def request(path):
    """Method, target and body; a target alone is got."""
    return path if isinstance(path, tuple) else ("GET", path, "")


class Peer:
    """A program that serves the observations on a free port until the end of `with`."""

    def __init__(self, programs, files, scratch):
        self.programs, self.files, self.scratch = programs, files, pathlib.Path(scratch)

    def __enter__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = open(self.scratch / f"{self.name}.log", "wb")
        self.process = subprocess.Popen(self.command(), stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + 600
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended: {(self.scratch / f'{self.name}.log').read_text()[-500:]}")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return self
            except OSError:
                time.sleep(0.2)
        raise RuntimeError(f"{self.name} did not listen")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.log.close()


class Roapi(Peer):
    name = "roapi"

    def command(self):
        table = f"observations={self.files.observations_parquet}"
        return [self.programs / "roapi", "--table", table, "--addr-http", f"127.0.0.1:{self.port}"]

    def paths(self, days):
        def ask(sql):
            return ("POST", "/api/sql", sql)

        instant = lambda text: f"arrow_cast('{text}', 'Timestamp(Microsecond, Some(\"UTC\"))')"
        lookups = [ask(DAY.format(table="observations", station=s, first=instant(a), last=instant(b)))
                   for s, a, b in days]
        return {"lookup": lookups, "aggregate": [ask(MEANS.format(table="observations"))]}


class Datasette(Peer):
    name = "datasette"

    def command(self):
        self.database = self.scratch / "observations.db"
        self.fill()
        return [self.programs / "datasette", "serve", self.database, "--port", str(self.port), "--setting",
                "sql_time_limit_ms", "120000", "--setting", "max_returned_rows", "10000"]

    def fill(self):
        with sqlite3.connect(self.database) as connection:
            connection.execute("CREATE TABLE observations (station TEXT, time INTEGER, temperature REAL, "
                               "precipitation REAL, wind REAL, quality TEXT)")
            for batch in pq.ParquetFile(self.files.observations_parquet).iter_batches(1 << 17):
                columns = batch.to_pydict()
                columns["time"] = [int(value.timestamp()) for value in columns["time"]]
                connection.executemany("INSERT INTO observations VALUES (?, ?, ?, ?, ?, ?)", zip(*columns.values()))
            connection.execute("CREATE INDEX of_station ON observations (station, time)")

    def paths(self, days):
        def ask(sql):
            return "/observations.json?" + urllib.parse.urlencode({"sql": sql, "_shape": "array"})

        seconds = lambda text: str(int(datetime.datetime.fromisoformat(text).timestamp()))
        lookups = [ask(DAY.format(table="observations", station=s, first=seconds(a), last=seconds(b)))
                   for s, a, b in days]
        return {"lookup": lookups, "aggregate": [ask(MEANS.format(table="observations"))]}
