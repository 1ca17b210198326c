"""Measures a hub beside DuckDB, in one run on the same machine and the same data.

The data is made once for a number of rows and kept. A hub of its own is started for the run, on a free
port and an empty data folder, and is stopped at the end.
"""

import argparse
import os
import pathlib
import shutil
import sys

import data
import intake
import joins
import points
import report
import streams
from hub import Hub
from quiet import Watch

PARTS = ("intake", "joins", "points", "streams")
FORMS = ("csv", "parquet", "arrow")
CACHE = pathlib.Path.home() / ".cache" / "mochiyori"


def arguments():
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", CACHE / "target"))
    parser = argparse.ArgumentParser(description=__doc__, prog="tests/bench/run.sh")
    parser.add_argument("--rows", type=int, default=20_000_000, help="observations, about; default 20 million")
    parser.add_argument("--runs", type=int, default=3, help="runs of each upload and stream; default 3")
    parser.add_argument("--query-runs", type=int, default=5, help="runs of each joined query; default 5")
    parser.add_argument("--requests", type=int, default=2000, help="reads of a station's day; default 2000")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads of both; default: one a core")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts to measure")
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=FORMS, help="files in, and streams out")
    parser.add_argument("--binary", type=pathlib.Path, default=target / "release" / "mochiyori")
    parser.add_argument("--folder", type=pathlib.Path, default=CACHE / "bench", help="for data, lakes and results")
    return parser.parse_args()


def main():
    options = arguments()
    if not options.binary.exists():
        sys.exit(f"bench: there is no {options.binary}; build it, or name another with --binary")
    options.folder.mkdir(parents=True, exist_ok=True)
    files = data.prepare(options.folder / f"data-{options.rows}", options.rows)
    scratch = options.folder / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    results = report.Results(options, files)
    try:
        with Hub(options.binary, scratch / "hub", options.threads) as hub:
            hub.describe(files)
            # The other parts read what this one takes in; without it one upload is enough.
            runs = options.runs if "intake" in options.only else 0
            watch = Watch(hub.pid)
            results.add("intake", intake.measure(hub, files, options.forms, runs, options.threads, scratch), watch)
            if "joins" in options.only:
                watch = Watch(hub.pid)
                results.add("joins", joins.measure(hub, files, options.query_runs, options.threads, scratch), watch)
            if "points" in options.only:
                watch = Watch(hub.pid)
                results.add("points", points.measure(hub, files, options.requests, options.threads, scratch), watch)
            if "streams" in options.only:
                # Its figures are of memory first; the hub is started anew in it, so nothing is watched.
                results.add("streams", streams.measure(hub, options.forms, options.runs, options.threads, scratch))
    finally:
        results.write(options.folder / "results.json", options.folder / "results.md")
        shutil.rmtree(scratch, ignore_errors=True)
    print((options.folder / "results.md").read_text())


if __name__ == "__main__":
    main()
