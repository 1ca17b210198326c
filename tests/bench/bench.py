"""Measures a hub beside DuckDB, in one run on the same machine and the same data.

The data is made once for a number of rows and kept. A hub of its own is started for the run, on a free
port and an empty data folder, and is stopped at the end.
"""

import argparse
import os
import pathlib
import shutil
import sys

import cached
import csvs
import data
import excel
import first_byte
import growth
import intake
import joins
import lake
import peers
import points
import questions
import report
import streams
import upserts
from hub import Hub
from quiet import Watch

# Those of one hub with the observations, and those that make what they need on a hub of their own.
SHARED = ("intake", "joins", "asof", "points", "streams", "first_byte", "cached", "upsert")
OWN = ("csv", "excel", "questions", "growth", "peers")
PARTS = SHARED + OWN
FORMS = ("csv", "parquet", "arrow")
CACHE = pathlib.Path.home() / ".cache" / "mochiyori"


def arguments():
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", CACHE / "target"))
    parser = argparse.ArgumentParser(description=__doc__, prog="tests/bench/run.sh")
    parser.add_argument("--rows", type=int, help="rows, about: of the observations (default 20 million), of the CSV "
                        "files (10 million) and of the workbook (500,000)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each upload and stream; default 3")
    parser.add_argument("--query-runs", type=int, default=5, help="runs of each joined query; default 5")
    parser.add_argument("--requests", type=int, default=2000, help="reads of a station's day; default 2000")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads of both; default: one a core")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts to measure")
    parser.add_argument("--lake-rows", type=int, default=lake.FULL_ROWS,
                        help="observations of the questions' lake; default 50 million")
    parser.add_argument("--queries", nargs="+", default=[], help="of the questions' lake, by their first letters")
    parser.add_argument("--peer-rows", type=int, default=10_000_000, help="rows that the peers hold; default 10 million")
    parser.add_argument("--load-seconds", type=int, default=5, help="length of each load of many small requests; default 5")
    parser.add_argument("--growth-rows", type=int, nargs="+", default=[1_000_000, 10_000_000, 50_000_000])
    parser.add_argument("--growth-versions", type=int, nargs="+", default=[10, 1_000, 10_000])
    parser.add_argument("--growth-datasets", type=int, nargs="+", default=[10, 1_000, 10_000])
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=FORMS, help="files in, and streams out")
    parser.add_argument("--binary", type=pathlib.Path, default=target / "release" / "mochiyori")
    parser.add_argument("--folder", type=pathlib.Path, default=CACHE / "bench", help="for data, lakes and results")
    return parser.parse_args()


def main():
    options = arguments()
    if not options.binary.exists():
        sys.exit(f"bench: there is no {options.binary}; build it, or name another with --binary")
    if {"points", "cached", "peers"} & set(options.only) and not helper(options).exists():
        sys.exit(f"bench: there is no {helper(options)}; build it: cargo build --workspace --example bare_route")
    options.folder.mkdir(parents=True, exist_ok=True)
    scratch = options.folder / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    results = report.Results(options)
    try:
        if set(options.only) & set(SHARED):
            shared_parts(options, results, scratch)
        for part in OWN:
            if part in options.only:
                with Hub(options.binary, scratch / part, options.threads) as hub:
                    watch = Watch(hub.pid)
                    results.add(part, own_part(part, options, hub, scratch), watch)
    finally:
        results.write(options.folder / "results.json", options.folder / "results.md")
        shutil.rmtree(scratch, ignore_errors=True)
    print((options.folder / "results.md").read_text())


def helper(options):
    """The program that makes the load of many small requests, and the bare route."""
    return options.binary.parent / "examples" / "bare_route"


def observations(options, rows):
    return data.prepare(options.folder / f"data-{data.FORM}-{rows}", rows)


def shared_parts(options, results, scratch):
    files = observations(options, options.rows or 20_000_000)
    results.setting["rows"] = files.rows
    with Hub(options.binary, scratch / "hub", options.threads) as hub:
        hub.describe(files)
        # The other parts read what this one takes in; without it one upload is enough.
        runs = options.runs if "intake" in options.only else 0
        watch = Watch(hub.pid)
        results.add("intake", intake.measure(hub, files, options.forms, runs, options.threads, scratch), watch)
        if "joins" in options.only:
            watch = Watch(hub.pid)
            results.add("joins", joins.measure(hub, files, options.query_runs, options.threads, scratch), watch)
        if "asof" in options.only:
            watch = Watch(hub.pid)
            asof = joins.measure(hub, files, options.query_runs, options.threads, scratch, "asof")
            results.add("asof", asof, watch)
        if "points" in options.only:
            watch = Watch(hub.pid)
            figures = points.measure(hub, files, helper(options), options.requests, options.load_seconds,
                                     options.threads, scratch)
            results.add("points", figures, watch)
        # The hub is started anew in these, so nothing is watched.
        if "cached" in options.only:
            hub.restart(keeps_answers=True)
            results.add("cached", cached.measure(hub, helper(options), (1, 8, 32), options.load_seconds))
            hub.restart()
        if "streams" in options.only:
            results.add("streams", streams.measure(hub, options.forms, options.runs, options.threads, scratch))
        if "first_byte" in options.only:
            results.add("first_byte", first_byte.measure(hub, options.forms, options.runs))
        # Last, since it changes what the others read.
        if "upsert" in options.only:
            watch = Watch(hub.pid)
            results.add("upsert", upserts.measure(hub, files, options.threads, scratch), watch)


def own_part(part, options, hub, scratch):
    if part == "csv":
        rows = options.rows or 10_000_000
        return csvs.measure(hub, rows, options.folder / f"named-{rows}", options.runs, options.threads, scratch)
    if part == "excel":
        return excel.measure(hub, options.rows or 500_000, options.folder / "books", options.runs)
    if part == "questions":
        files = lake.prepare(options.folder / f"lake-{options.lake_rows}", options.lake_rows)
        return questions.measure(hub, files, options.query_runs, options.threads, scratch, options.queries)
    if part == "growth":
        hub.describe(observations(options, options.growth_rows[0]))
        return growth.measure(hub, lambda rows: observations(options, rows), options.growth_rows,
                              options.growth_versions, options.growth_datasets)
    files = observations(options, options.peer_rows)
    hub.describe(files)
    return peers.measure(hub, files, options.folder, helper(options), options.requests, options.load_seconds, scratch)


if __name__ == "__main__":
    main()
