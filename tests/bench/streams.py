"""All observations out, as Arrow and as CSV: how long, how soon the first byte, and how much more memory
the hub takes at most than while it had nothing to do. What comes is thrown away as it comes.

Each form begins with a new process of the hub that has answered one small query: memory that earlier work
left to the process would hide what streaming takes."""

import statistics
import time

import duck
from data import CONTRACTS
from hub import forget_peak, memory

SQL = "SELECT * FROM bench_weather.observations"


def measure(hub, forms, runs, threads, scratch):
    tables = {dataset: hub.files_of(dataset) for dataset in CONTRACTS}
    results = {}
    for form in ("arrow", "csv"):
        if form not in forms:
            continue
        results[form] = one_form(hub, form, runs)
        results[form]["duck"] = duck.call(
            "stream_out", form=form, runs=runs, threads=threads, scratch=scratch, tables=tables
        )
        print(f"bench: stream as {form}: {results[form]}", flush=True)
    return results


def one_form(hub, form, runs):
    hub.restart()
    hub.query(SQL + " LIMIT 1", form).read()
    idle = memory(hub.pid, "VmRSS")
    forget_peak(hub.pid)
    seconds, first_byte, size = [], [], 0
    for _ in range(runs):
        begun = time.perf_counter()
        answer = hub.query(SQL, form)
        size = len(answer.read1(1 << 20))
        first_byte.append(time.perf_counter() - begun)
        while part := answer.read1(1 << 20):
            size += len(part)
        seconds.append(time.perf_counter() - begun)
    return {
        "bytes": size,
        "seconds": statistics.median(seconds),
        "first_byte_seconds": statistics.median(first_byte),
        "idle_bytes": idle,
        "peak_bytes": memory(hub.pid, "VmHWM"),
        "over_idle_bytes": memory(hub.pid, "VmHWM") - idle,
    }
