"""Taking a file in: from the first byte of the POST to the committed version, beside DuckDB's way of the
same rows from the same file to one sorted Parquet file.

The hub receives the bytes over HTTP, hashes and keeps them, checks every cell and every key, sorts, writes
and commits; DuckDB reads, sorts and writes. The runs take turns, so that a busy moment hits both.
"""

import os
import statistics
import time

import duck
from peak import Peak

DATASET = "bench_weather.observations"


def measure(hub, files, forms, runs, threads, scratch):
    """With no runs it only takes the observations in, for the other parts."""
    if runs == 0 or not {"csv", "parquet"} & set(forms):
        hub.upload(DATASET, files.observations_parquet)
        return {}
    # CSV before Parquet: the other parts then read what the larger share of agencies' files becomes.
    return {
        form: one_form(hub, file, runs, threads, scratch)
        for form, file in (("csv", files.observations_csv), ("parquet", files.observations_parquet))
        if form in forms
    }


def one_form(hub, file, runs, threads, scratch):
    hub_seconds, duck_runs = [], []
    hub_peak = 0
    for run in range(runs):
        with Peak(hub.pid) as peak:
            begun = time.perf_counter()
            hub.upload(DATASET, file)
            hub_seconds.append(time.perf_counter() - begun)
        hub_peak = max(hub_peak, peak.bytes)
        duck_runs.append(duck.call("take_in", file=file, threads=threads, scratch=scratch))
        print(f"bench: {file.name} {run + 1}/{runs}: hub {hub_seconds[-1]:.1f} s, "
              f"DuckDB {duck_runs[-1]['seconds']:.1f} s", flush=True)
    duck_seconds = [one["seconds"] for one in duck_runs]
    return {
        "file_bytes": file.stat().st_size,
        "hub_seconds": statistics.median(hub_seconds),
        "hub_runs": hub_seconds,
        "hub_peak_bytes": hub_peak,
        "hub_bytes_written": sum(os.stat(path).st_size for path in hub.files_of(DATASET)),
        "duck_seconds": statistics.median(duck_seconds),
        "duck_runs": duck_seconds,
        "duck_peak_bytes": max(one["peak_bytes"] for one in duck_runs),
        "duck_bytes_written": duck_runs[-1]["bytes_written"],
        "ratio": statistics.median(hub_seconds) / statistics.median(duck_seconds),
    }
