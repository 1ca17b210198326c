"""Statements drawn from a seed: the hub's answers beside DuckDB's on the same rows, and beside its own without
rollups.

Prints how many statements of each kind were compared; the first that differs ends it."""

import json
import pathlib
import random
import re
import sys
import tempfile
from collections import Counter
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import duckdb

base, token, seed, statements = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
draw = random.Random(seed)
folder = pathlib.Path(tempfile.mkdtemp())
database = duckdb.connect()
database.execute("SET TimeZone = 'Asia/Tokyo'; SET threads = 1")
database.execute(f"SELECT setseed({seed % 1000 / 1000})")
LEFT_OUT = "('doubtful', 'missing', 'not_observed', 'closed')"


def ask(method, path, body, kind="application/json"):
    headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
    try:
        with urlopen(Request(base + path, body, headers, method=method)) as answer:
            return answer.read()
    except HTTPError as refused:
        sys.exit(f"{path}: {refused.read().decode()}\n{body[:2000]}")


def publish(name, contract, *uploads):
    """A dataset of some files, each the rows of a statement, and DuckDB's table of what the hub has in the end."""
    metadata = {"title": {"ja": name, "en": name}, "licence": "CC-BY-4.0", "attribution": name,
                "visibility": "public", "synthetic": True}
    ask("PUT", f"/v1/datasets/otaru/{name}", json.dumps({"metadata": metadata, "contract": contract}).encode())
    file = folder / f"{name}.parquet"
    for mode, rows in uploads:
        database.execute(f"COPY ({rows}) TO '{file}' (FORMAT parquet)")
        path = f"/v1/datasets/otaru/{name}/uploads?mode={mode}&file_name={name}.parquet"
        ask("POST", path, file.read_bytes(), "application/octet-stream")
    asked = {"sql": f"SELECT * FROM with_quality('otaru.{name}')", "format": "parquet"}
    file.write_bytes(ask("POST", "/v1/sql", json.dumps(asked).encode()))
    judged = {f["quality_of"]: f["name"] for f in contract["fields"] if "quality_of" in f}
    shown = [f"CASE WHEN {judged[f['name']]} IN {LEFT_OUT} THEN NULL ELSE {f['name']} END AS {f['name']}"
             if f["name"] in judged else f["name"] for f in contract["fields"]]
    database.execute(f"CREATE TABLE {name} AS SELECT {', '.join(shown)} FROM '{file}'")


def hourly(stations, first, hours):
    """Rows of the stations by the hour, some of them missing, and values missing or of any quality."""
    return f"""
        SELECT s.station, TIMESTAMPTZ '{first}+09' + to_hours(h::int) AS time,
               CASE WHEN random() < 0.9 THEN floor(random() * 40) / 2 - 5 END AS level,
               CASE WHEN random() < 0.8 THEN 'normal' WHEN random() < 0.7 THEN 'doubtful' END AS level_quality,
               CASE WHEN random() < 0.9 THEN floor(random() * 9)::bigint - 3 END AS n,
               (TIMESTAMPTZ '{first}+09' + to_hours(h::int))::date - floor(random() * 3)::int AS day,
               CASE WHEN random() < 0.8 THEN ['', 'a', 'ab', '雪', 'A'][1 + floor(random() * 5)::int] END AS note
        FROM (SELECT unnest({stations}) AS station) s, range({hours}) r(h) WHERE random() < 0.97"""


publish("hours", {"fields": [
    {"name": "station", "type": "string", "role": "key"},
    {"name": "time", "type": "datetime", "role": "time", "interval": "PT1H", "label": "end"},
    {"name": "level", "type": "number", "role": "value"},
    {"name": "level_quality", "type": "string", "role": "quality", "quality_of": "level"},
    {"name": "n", "type": "integer", "role": "value"},
    {"name": "day", "type": "date"},
    {"name": "note", "type": "string"}], "primaryKey": ["station", "time"]},
    ("append", hourly(["01", "1", "a", "札幌"], "2024-01-30 00:00:00", 2400)),
    ("upsert", hourly(["1", "a"], "2024-02-28 05:00:00", 100)),
    ("append", hourly(["a", "b"], "2024-06-01 00:00:00", 300)))
publish("places", {"fields": [
    {"name": "station", "type": "string", "role": "place"},
    {"name": "level", "type": "number", "role": "value"},
    {"name": "opened", "type": "date"}], "primaryKey": ["station"]},
    ("append", """SELECT * FROM (VALUES ('01', 1.5, DATE '2024-02-29'), ('a', NULL, DATE '2024-03-31'),
                  ('b', -3, NULL), ('none', 2, DATE '2024-04-01')) v(station, level, opened)"""))

DAYS = ["2024-02-29", "2024-03-01", "2024-04-01", "2024-03-31", "2024-06-05"]
TIMES = ["'2024-02-29 00:00'", "'2024-03-31 15:00'", "'2024-03-01 12:34'", "TIMESTAMPTZ '2024-02-29T15:00:00Z'",
         "DATE '2024-04-01'", "TIMESTAMP '2024-06-01 03:00:00'", "to_timestamp(1709150400)"]
DATES = [f"DATE '{day}'" for day in DAYS] + [f"'{day}'" for day in DAYS] + TIMES[3:]
VALUES = {"station": ["'01'", "'1'", "'a'", "'札幌'", "'zz'"], "note": ["''", "'a'", "'雪'", "'ab'"],
          "level": ["0", "-0.0", "3.5", "-5", "14"], "n": ["0", "-3", "2", "5"],
          "time": TIMES, "day": DATES, "opened": DATES}
COLUMNS = {"hours": ["station", "time", "level", "n", "day", "note"], "places": ["station", "level", "opened"]}
CLOCKS = {"time::date": VALUES["day"], "time::timestamp": TIMES, "day::timestamptz": TIMES,
          "date_part('hour', time)": ["0", "9", "23"], "date_part('month', time)": ["2", "3", "6"],
          "date_trunc('day', time)": TIMES, "time + INTERVAL '9 hours'": TIMES}
STRETCHES = ["station", "time::date", "date_trunc('month', time)::date", "date_part('hour', time)",
             "date_part('dow', time)", "(time - INTERVAL '1 hour')::date", "note", "day"]
SUMS = ["count(*)", "count(level)", "sum(level)", "round(avg(level), 6)", "min(level)", "max(n)", "sum(n)",
        "count(DISTINCT note)", "date_part('epoch', max(time))"]


def atom(table, name):
    column = draw.choice(COLUMNS[table])
    of, values = f"{name}.{column}", VALUES[column]
    if table == "hours" and draw.random() < 0.3:
        written, values = draw.choice(list(CLOCKS.items()))
        of = re.sub(r"\b(time|day)\b(?!')", rf"{name}.\1", written, count=1)
    value = lambda: draw.choice(values)
    return draw.choice([
        lambda: f"{of} {draw.choice(['=', '<>', '<', '<=', '>', '>='])} {value()}",
        lambda: f"{of} {draw.choice(['IN', 'NOT IN'])} ({', '.join(value() for _ in range(draw.randint(1, 5)))})",
        lambda: f"{of} {draw.choice(['', 'NOT '])}BETWEEN {value()} AND {value()}",
        lambda: f"{of} IS {draw.choice(['', 'NOT '])}NULL",
        lambda: f"{of} IS {draw.choice(['', 'NOT '])}DISTINCT FROM {value()}"])()


def condition(table, name, depth=2):
    if depth == 0 or draw.random() < 0.4:
        return atom(table, name)
    left, right = condition(table, name, depth - 1), condition(table, name, depth - 1)
    return draw.choice([f"{left} AND {right}", f"({left} OR {right})", f"NOT ({left})", f"coalesce({left}, true)"])


def filtered():
    return f"SELECT h.station, h.level, h.note, count(*) FROM @hours h WHERE {condition('hours', 'h')} GROUP BY 1, 2, 3"


def grouped():
    by = draw.sample(STRETCHES, draw.randint(1, 2))
    shown = [f"{of} AS c{at}" for at, of in enumerate(by + draw.sample(SUMS, 3))]
    return f"SELECT {', '.join(shown)} FROM @hours h WHERE {condition('hours', 'h')} GROUP BY {', '.join(by)}"


def asked_of_another():
    inner = f"SELECT p.level FROM @places p WHERE {condition('places', 'p', 1)}"
    asked = draw.choice([
        f"h.level {draw.choice(['', 'NOT '])}IN ({inner})", f"NOT (h.level IN ({inner}))",
        f"h.level {draw.choice(['', 'NOT '])}IN ({inner} AND p.station = h.station)",
        f"{draw.choice(['', 'NOT '])}EXISTS ({inner} AND p.station = h.station)",
        f"h.level > (SELECT max(q.level) FROM ({inner}) q)",
        f"coalesce(h.station <> (SELECT p.station FROM @places p WHERE p.station = {draw.choice(VALUES['station'])}), true)",
        f"(SELECT p.station FROM @places p WHERE p.station = {draw.choice(VALUES['station'])}) IS NULL"])
    return f"SELECT h.station, count(*) FROM @hours h WHERE {asked} {draw.choice(['AND', 'OR'])} {atom('hours', 'h')} GROUP BY 1"


def joined():
    kind = draw.choice(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"])
    on = f"h.station = p.station{draw.choice(['', ' AND h.day = p.opened', ' AND h.time >= p.opened'])}"
    return (f"SELECT p.station, count(*), count(h.level), sum(p.level) FROM @hours h {kind} @places p ON {on} "
            f"WHERE {draw.choice([atom('hours', 'h'), atom('places', 'p')])} GROUP BY 1")


def ranked():
    where = draw.choice(["true", condition("hours", "h")])
    return draw.choice([
        f"SELECT DISTINCT ON (station) station, level, n FROM @hours h WHERE {where} ORDER BY station, time DESC",
        f"SELECT station, n, note FROM @hours h WHERE {where} ORDER BY n DESC NULLS LAST, time, station LIMIT 20",
        f"SELECT station, rank() OVER (PARTITION BY station ORDER BY level NULLS FIRST) AS r, level FROM @hours h WHERE {where}",
        "SELECT station, count(*) FROM (SELECT station, time - lag(time) OVER (PARTITION BY station ORDER BY time) AS gap "
        f"FROM @hours h WHERE {where}) g WHERE gap {draw.choice(['>', '<=', '='])} "
        f"INTERVAL '{draw.choice(['1 day', '1 hour', '36 hours', '1 month'])}' GROUP BY 1"])


def put_together():
    of_hours = f"SELECT h.station, h.level FROM @hours h WHERE {condition('hours', 'h', 1)}"
    of_places = "SELECT p.station, p.level FROM @places p"
    both = f"{of_hours} {draw.choice(['UNION', 'UNION ALL', 'EXCEPT', 'INTERSECT'])} {of_places}"
    return f"SELECT station, count(*), sum(level) FROM ({both}) u GROUP BY 1"


def rows(of):
    number = lambda value: float(value) + 0.0 if isinstance(value, (int, float)) and not isinstance(value, bool) else value
    return sorted(repr([number(v) if not hasattr(v, "isoformat") else v.isoformat() for v in row]) for row in of)


compared = Counter()
for _ in range(statements):
    kind = draw.choice([filtered, grouped, grouped, asked_of_another, joined, ranked, put_together])
    sql = kind()
    theirs = rows(database.sql(sql.replace("@", "")).fetchall())
    for rollups in (True, False):
        asked = {"sql": sql.replace("@", "otaru."), "format": "ndjson", "rollups": rollups}
        answer = ask("POST", "/v1/sql", json.dumps(asked).encode())
        ours = rows(list(json.loads(line).values()) for line in answer.splitlines())
        assert ours == theirs, f"rollups={rollups}: {sql}\nhub {len(ours)} rows, DuckDB {len(theirs)}\n" + "\n".join(
            f"{a} | {b}" for a, b in zip(ours, theirs) if a != b)[:2000]
    compared[kind.__name__] += 1
for kind, count in sorted(compared.items()):
    print(f"{kind}: {count}")
