"""The 15 questions' shapes, scans, what rollups can answer, and grids of time, on the lake of 20 agencies: the hub over HTTP,
its answer read as Arrow to the end, beside DuckDB in this process on the very files of the lake. The two take
turns; medians are compared, and the answers before them."""

import math
import pathlib
import statistics

import duck
import lake as lakes
from hub import Refused
from joins import one_query

QUERIES = pathlib.Path(__file__).parent / "lake_queries"
DUCK = [".duck", ".sql"]
GROUPS = {"q": "questions", "s": "scans", "r": "rollups", "a": "grids"}


def measure(hub, lake, runs, threads, scratch, wanted=()):
    tables = lakes.take_in(hub, lake)
    connection = duck.connect_to_lake(threads, scratch, tables, lakes.contracts())
    results = {}
    for path in sorted(QUERIES.glob("*.sql")):
        if path.suffixes == DUCK:
            continue
        if wanted and not any(path.stem.startswith(name) for name in wanted):
            continue
        try:
            results[path.stem] = one_query(hub, connection, path.read_text(), runs, duck_sql(path))
        except (Refused, AssertionError) as problem:
            results[path.stem] = {"problem": str(problem)}
        print(f"bench: {path.stem}: {results[path.stem]}", flush=True)
    return {"rows": lake.rows, "queries": results, "means": means(results)}


def duck_sql(path):
    """The same question to DuckDB, where it has other words for it."""
    own = path.with_suffix("".join(DUCK))
    return own.read_text() if own.exists() else None


def means(results):
    """The geometric mean and the worst ratio of each group, and of questions and scans together."""
    found = {}
    for group, letters in {**{name: letter for letter, name in GROUPS.items()}, "all": "qs"}.items():
        ratios = {name: f["ratio"] for name, f in results.items() if name[0] in letters and "ratio" in f}
        if ratios:
            worst = max(ratios, key=ratios.get)
            mean = math.exp(statistics.fmean(math.log(ratio) for ratio in ratios.values()))
            found[group] = {"mean": mean, "worst": worst, "worst_ratio": ratios[worst], "of": len(ratios)}
    return found
