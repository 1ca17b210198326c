"""As-of joins of random rows: the hub's answers beside DuckDB's, which reads the same CSV files.

Prints a line for every comparison that was made; an answer that differs ends it."""

import json
import sys
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import duckdb

base, token, seed = sys.argv[1], sys.argv[2], int(sys.argv[3])

database = duckdb.connect()
database.execute("SET TimeZone = 'Asia/Tokyo'")
database.execute(f"SELECT setseed({(seed % 1000) / 1000})")


def ask(method, path, body=None, kind="application/json"):
    headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
    with urlopen(Request(base + path, body, headers, method=method)) as answer:
        return answer.read()


def publish(name, rows, uploads):
    """A dataset of random rows in several files, with ties, gaps, and rows without a key or a time."""
    contract = {"fields": [
        {"name": "station", "type": "string", "role": "key"},
        {"name": "time", "type": "datetime", "role": "time"},
        {"name": "v", "type": "integer", "role": "value"},
    ]}
    metadata = {"title": {"ja": name, "en": name}, "licence": "CC-BY-4.0", "attribution": name,
                "visibility": "public", "synthetic": True}
    ask("PUT", f"/v1/datasets/otaru/{name}",
        json.dumps({"metadata": metadata, "contract": contract}).encode())
    database.execute(f"""
        CREATE TABLE {name} AS
        SELECT CASE WHEN random() < 0.95 THEN 's' || floor(random() * 7)::int END AS station,
               CASE WHEN random() < 0.95 THEN TIMESTAMPTZ '2026-04-01 00:00:00+09'
                    + to_minutes(floor(random() * 3000)::int) END AS time,
               floor(random() * 1000)::int AS v
        FROM range({rows})""")
    for part in range(uploads):
        text = database.sql(f"""
            SELECT coalesce(station, ''), coalesce(strftime(time, '%Y-%m-%dT%H:%M:%S+09:00'), ''), v
            FROM {name} WHERE rowid % {uploads} = {part}""").fetchall()
        if not text:
            continue
        csv = "station,time,v\n" + "".join(f"{s},{t},{v}\n" for s, t, v in text)
        ask("POST", f"/v1/datasets/otaru/{name}/uploads?mode=append&file_name={name}{part}.csv",
            csv.encode(), "text/csv")


def hub(sql):
    answer = ask("GET", "/v1/sql?" + urlencode({"q": sql, "format": "ndjson"}))
    return [tuple(json.loads(line).values()) for line in answer.splitlines()]


def compare(what, hub_sql, duck_sql):
    ours = sorted(map(repr, hub(hub_sql)))
    theirs = sorted(map(repr, database.sql(duck_sql).fetchall()))
    assert ours == theirs, f"{what}:\n{hub_sql}\nhub {len(ours)} rows, DuckDB {len(theirs)}\n" + "\n".join(
        f"{a} | {b}" for a, b in zip(ours, theirs) if a != b)[:2000]
    print(f"{what}: {len(ours)} rows")


def time_text(column):
    return f"strftime({column} AT TIME ZONE 'Asia/Tokyo', '%Y-%m-%dT%H:%M:%S+09:00')"


publish("many", 800, 3)
publish("few", 300, 2)
database.execute("CREATE TABLE none AS SELECT * FROM few WHERE v < 0")


def of_hub(name):
    """The table as the hub has it."""
    return "(SELECT * FROM otaru.few WHERE v < 0)" if name == "none" else f"otaru.{name}"


# Of equal times either side may choose another row, so that times are compared and not values.
for left, right in (("many", "few"), ("few", "many"), ("many", "none"), ("none", "few")):
    for sign in (">=", ">", "<=", "<"):
        for kind in ("LEFT", "INNER"):
            for key in ("a.station = b.station AND ", ""):
                columns = "a.station AS s, a.time AS t, a.v AS v, b.station AS bs, b.time AS bt"
                if not key:
                    columns = columns.replace("b.station AS bs, ", "")
                duck = (f"SELECT s, {time_text('t')}, v, {'bs, ' if key else ''}{time_text('bt')} FROM ("
                        f"SELECT {columns} FROM {left} a ASOF {kind} JOIN {right} b ON {key}a.time {sign} b.time)")
                on = "ON a.station = b.station" if key else ""
                here, there = of_hub(left), of_hub(right)
                ours = (f"SELECT {columns} FROM {here} a {kind} ASOF JOIN {there} b "
                        f"MATCH_CONDITION (a.time {sign} b.time) {on}")
                name = f"{left} {sign} {right} {kind} {'by key' if key else 'without keys'}"
                compare(name, ours, duck)
                duck_form = (f"SELECT {columns} FROM {here} a ASOF {kind} JOIN {there} b "
                             f"ON {key}a.time {sign} b.time")
                compare(name + " as DuckDB writes it", duck_form, duck)
                # The same merged: the rows of a join can't be counted beforehand.
                merged = ours.replace(f"JOIN {there} b", (
                    f"JOIN (SELECT r.* FROM {there} r LEFT JOIN (VALUES ('x')) AS o(x) ON r.station = o.x) b"))
                compare(name + " merged", merged, duck)

for minutes in (0, 1, 30):
    for sign, before, after in ((">=", "a", "b"), ("<", "b", "a")):
        duck = f"""
            SELECT s, {time_text('t')}, v, CASE WHEN near THEN {time_text('bt')} END FROM (
                SELECT a.station AS s, a.time AS t, a.v AS v, b.time AS bt,
                       {before}.time - {after}.time <= INTERVAL '{minutes} minutes' AS near
                FROM many a ASOF LEFT JOIN few b ON a.station = b.station AND a.time {sign} b.time)"""
        ours = f"""
            SELECT a.station AS s, a.time AS t, a.v AS v, b.time AS bt
            FROM otaru.many a ASOF JOIN otaru.few b
            MATCH_CONDITION (a.time {sign} b.time) WITHIN INTERVAL '{minutes} minutes'
            ON a.station = b.station"""
        compare(f"{sign} within {minutes} minutes", ours, duck)

# A condition on the left table, and one on the keys of the right one, change no match.
compare(
    "filtered",
    "SELECT a.time AS t, b.time AS bt FROM otaru.many a INNER ASOF JOIN otaru.few b "
    "MATCH_CONDITION (a.time >= b.time) ON a.station = b.station "
    "WHERE b.station = 's3' AND a.v < 500 AND a.time >= '2026-04-02'",
    f"SELECT {time_text('a.time')}, {time_text('b.time')} FROM many a ASOF JOIN few b "
    "ON a.station = b.station AND a.time >= b.time "
    "WHERE b.station = 's3' AND a.v < 500 AND a.time >= TIMESTAMPTZ '2026-04-02 00:00:00+09'",
)
