"""One station's rows of one day by REST, at one client and at eight that keep their connections.

The clients speak HTTP over bare sockets, since they share the machine with the hub and a heavier client
would be most of what is measured.
"""

import datetime
import random
import socket
import statistics
import threading
import time
import urllib.parse

import duck
from data import CONTRACTS, START, station_codes
from quiet import busy_seconds

TARGET = "bench_weather.observations"
DUCK_READS = 200


def measure(hub, files, requests, threads, scratch):
    days = chosen_days(files, requests)
    paths = [path(*day) for day in days]
    run_clients(hub, paths[: min(200, len(paths))], 1)
    results = {}
    for clients in (1, 8):
        before = busy_seconds(hub.pid)
        figures = summary(*run_clients(hub, paths, clients))
        figures["hub_cpu_ms"] = (busy_seconds(hub.pid) - before) * 1000 / len(paths)
        results[f"clients_{clients}"] = figures
        print(f"bench: station's day, {clients} clients: {results[f'clients_{clients}']}", flush=True)
    tables = {dataset: hub.files_of(dataset) for dataset in CONTRACTS}
    taken = duck.call("day_reads", days=days[:DUCK_READS], threads=threads, scratch=scratch, tables=tables)
    results["duck_in_process"] = summary(taken, sum(taken) / 1000)
    return results


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


def run_clients(hub, paths, clients):
    taken, problems = [], []

    def one(share):
        try:
            taken.extend(read_all(hub, share))
        except Exception as problem:
            problems.append(problem)

    workers = [threading.Thread(target=one, args=(paths[i::clients],)) for i in range(clients)]
    begun = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - begun
    if problems:
        raise problems[0]
    return taken, seconds


def read_all(hub, paths):
    taken = []
    with socket.create_connection((hub.host, hub.port), timeout=60) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for target in paths:
            request = f"GET {target} HTTP/1.1\r\nHost: {hub.host}:{hub.port}\r\nAccept: application/json\r\n\r\n"
            begun = time.perf_counter()
            connection.sendall(request.encode())
            answer = read_answer(connection)
            taken.append((time.perf_counter() - begun) * 1000)
            assert answer.startswith(b"HTTP/1.1 200") and b'"row_count":24' in answer.replace(b" ", b""), answer[:2000]
    return taken


def read_answer(connection):
    """The bytes of one answer, whose end is told by its length or by the last chunk."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += receive(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    if b"content-length" in fields:
        while len(body) < int(fields[b"content-length"]):
            body += receive(connection)
    else:
        while not body.endswith(b"0\r\n\r\n"):
            body += receive(connection)
    return head + b"\r\n\r\n" + body


def receive(connection):
    part = connection.recv(1 << 16)
    if not part:
        raise ConnectionError("the hub closed a connection that was to be kept")
    return part
