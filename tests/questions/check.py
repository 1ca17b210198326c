"""Checks the answers to the 15 questions of tests/slt/q*.sql on a running demo hub.

    check.py http://127.0.0.1:8080 [q03 q07 …]

Each statement is asked of the hub. The same question is worked out by pandas on whole datasets that are
downloaded as they are (by_hand.py), and for some by a client that knows REST alone (by_rest.py). Rows must be
the same: texts, dates and whole numbers exactly, other numbers to nine digits, since sums of floats depend on
their order. Roads at risk are also asked for as GeoJSON, which must be the same rows as points. Every answer must have rows, observations, a coverage from 0 to 1, and the attribution of at least
two datasets.
"""

import datetime
import math
import pathlib
import sys

import by_hand
import by_rest
from hub import Hub

STATEMENTS = pathlib.Path(__file__).parent.parent / "slt"
# The difference that the order of additions may make.
RELATIVE, ABSOLUTE = 1e-9, 1e-9


def main():
    base, *wanted = sys.argv[1:]
    hub = Hub(base)
    data = by_hand.Data(hub)
    failed = []
    for path in sorted(STATEMENTS.glob("q[0-9][0-9]_*.sql")):
        name = path.stem[:3]
        if wanted and name not in wanted:
            continue
        try:
            print(f"{path.stem}: {check(hub, data, name, path.read_text())}", flush=True)
        except AssertionError as problem:
            failed.append(path.stem)
            print(f"{path.stem}: WRONG: {problem}", flush=True)
    sys.exit(f"{len(failed)} are wrong: {', '.join(failed)}" if failed else 0)


def check(hub, data, name, sql):
    table, sources = hub.ask(sql)
    columns = table.column_names
    answer = list(zip(*(values(column) for column in table.columns)))
    assert answer, "it has no rows"
    assert columns[-2:] == ["observations", "coverage"], columns
    for row in answer:
        observations, coverage = row[-2:]
        assert observations >= 0 and (coverage is None or 0 <= coverage <= 1), row
    assert sum(row[-2] for row in answer) > 0, "it rests on no observation"
    assert len(sources) >= 2 and all(source["attribution"] for source in sources), sources
    by_pandas = getattr(by_hand, name)(data)
    compare(columns, answer, by_pandas, "pandas has")
    said = f"{len(answer)} rows as by pandas, {sum(row[-2] for row in answer):,} observations, {len(sources)} sources"
    if hasattr(by_rest, name):
        rows, of_pages = getattr(by_rest, name)(hub)
        compare(columns, answer, rows, "REST has")
        asked = {source["dataset"]: source["version"] for source in sources}
        assert asked == {dataset: source["version"] for dataset, source in of_pages.items()}, (asked, of_pages)
        said += "; by REST too"
    if name == "q08":
        check_layer(columns, answer, hub.layer(sql))
        said += "; as GeoJSON too"
    return said


def check_layer(columns, answer, features):
    """Each row is a point with its columns as properties."""
    assert len(features) == len(answer), f"{len(features)} features"
    for row, feature in zip(answer, features):
        row = dict(zip(columns, row))
        point = {"type": "Point", "coordinates": [row["longitude"], row["latitude"]]}
        assert feature["type"] == "Feature" and feature["geometry"] == point, feature
        told = feature["properties"]
        assert set(told) == set(row), feature
        if told["observed_at"] is not None:
            told["observed_at"] = datetime.datetime.fromisoformat(told["observed_at"]).timestamp()
        assert all(same(told[column], value) for column, value in row.items()), (row, told)


def values(column):
    return [plain(value) for value in column.to_pylist()]


def plain(value):
    """A value without what only its library says of it."""
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, datetime.datetime):
        return value.timestamp()
    return None if isinstance(value, float) and math.isnan(value) else value


def compare(columns, answer, expected, who):
    """As sets of rows, put in order by their exact columns."""
    expected = [tuple(plain(value) for value in row) for row in expected]
    assert len(answer) == len(expected), f"the hub has {len(answer)} rows, {who} {len(expected)}"
    exact = [at for at in range(len(columns))
             if not any(isinstance(row[at], float) for row in answer + expected)]
    order = lambda row: [repr(row[at]) for at in exact]
    for ours, theirs in zip(sorted(answer, key=order), sorted(expected, key=order)):
        for column, a, b in zip(columns, ours, theirs):
            assert same(a, b), f"{column}: the hub has {a}, {who} {b}\n  {ours}\n  {theirs}"


def same(a, b):
    if isinstance(a, bool) or isinstance(b, bool) or a is None or b is None or isinstance(a, (str, datetime.date)):
        return a == b
    return math.isclose(a, b, rel_tol=RELATIVE, abs_tol=ABSOLUTE)


if __name__ == "__main__":
    main()
