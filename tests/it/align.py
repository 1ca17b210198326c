"""Measures on one grid: the hub's answers beside pandas, which is given the same rows.

Prints a line for every comparison that was made; an answer that differs ends it."""

import json
import math
import sys
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import numpy as np
import pandas as pd

base, token, seed = sys.argv[1], sys.argv[2], int(sys.argv[3])
random = np.random.default_rng(seed)
ZONE = "Asia/Tokyo"
FROM, TO = pd.Timestamp("2026-03-30", tz=ZONE), pd.Timestamp("2026-05-03", tz=ZONE)


def ask(method, path, body=None, kind="application/json"):
    headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
    with urlopen(Request(base + path, body, headers, method=method)) as answer:
        return answer.read()


def publish(name, fields, rows):
    metadata = {"title": {"ja": name, "en": name}, "licence": "CC-BY-4.0", "attribution": name,
                "visibility": "public", "synthetic": True}
    contract = {"fields": fields, "primaryKey": [fields[0]["name"], "time"]}
    ask("PUT", f"/v1/datasets/otaru/{name}",
        json.dumps({"metadata": metadata, "contract": contract}).encode())
    text = rows.assign(time=rows.time.map(lambda t: t.isoformat())).to_csv(index=False)
    ask("POST", f"/v1/datasets/otaru/{name}/uploads?mode=append&file_name={name}.csv", text.encode(), "text/csv")


def times(every, share):
    """Times of a month, of which this share is there, in pieces with long gaps between."""
    all_times = pd.date_range("2026-04-01", "2026-05-01", freq=every, tz=ZONE)
    there = random.random(len(all_times)) < share
    for _ in range(6):
        begin = random.integers(len(all_times))
        there[begin:begin + random.integers(len(all_times) // 15)] = False
    return all_times[there]


def levels():
    parts = []
    for station in ("s1", "s2"):
        at = times("10min", 0.8)
        quality = random.choice(["normal", "quasi_normal", "doubtful", "missing"], len(at), p=[0.6, 0.2, 0.1, 0.1])
        parts.append(pd.DataFrame({
            "station": station, "time": at, "level": random.normal(2, 1, len(at)).round(3), "level_quality": quality}))
    return pd.concat(parts, ignore_index=True)


def weather():
    at = times("1h", 0.9)
    return pd.DataFrame({
        "site": "a", "time": at, "rain": random.integers(0, 30, len(at)) / 2,
        "wind_direction": random.integers(1, 17, len(at)) * 22.5,
        "wind_speed": random.integers(0, 40, len(at)) / 4})


number = {"type": "number", "role": "value"}
LEVELS, WEATHER = levels(), weather()
publish("levels", [
    {"name": "station", "type": "string", "role": "key"},
    {"name": "time", "type": "datetime", "role": "time", "interval": "PT10M", "label": "start"},
    {"name": "level", "unit": "m", **number},
    {"name": "level_quality", "type": "string", "role": "quality", "quality_of": "level"}], LEVELS)
publish("weather", [
    {"name": "site", "type": "string", "role": "key"},
    {"name": "time", "type": "datetime", "role": "time", "interval": "PT1H", "label": "end"},
    {"name": "rain", "unit": "mm", **number},
    {"name": "wind_direction", "unit": "deg", **number},
    {"name": "wind_speed", "unit": "m/s", **number}], WEATHER)

WIDTHS = {"1 hour": "1h", "3 hours": "3h", "1 day": "1D", "1 month": "MS"}


def by_pandas(every, station):
    """The grid without filling: value and coverage of each measure."""
    good = LEVELS[(LEVELS.station == station) & ~LEVELS.level_quality.isin(["doubtful", "missing"])]
    level = good.set_index("time").level.resample(WIDTHS[every])
    # A period that ends here is of the bucket that the moment before is in.
    ended = WEATHER.assign(time=WEATHER.time - pd.Timedelta(1, "us")).set_index("time")
    rain = ended.rain.resample(WIDTHS[every])
    angle = np.radians(ended.wind_direction)
    east = (ended.wind_speed * np.sin(angle)).resample(WIDTHS[every]).sum()
    north = (ended.wind_speed * np.cos(angle)).resample(WIDTHS[every]).sum()
    first = pd.Timestamp("2026-03-01", tz=ZONE) if every == "1 month" else FROM
    grid = pd.date_range(first, TO, freq=WIDTHS[every], inclusive="left")
    hours = pd.Series((grid + (pd.offsets.MonthBegin() if every == "1 month" else pd.Timedelta(every)) - grid)
                      .total_seconds() / 3600, grid)
    direction = np.degrees(np.arctan2(east, north))
    direction = direction.where(direction > 0, direction + 360).where(np.hypot(east, north) > 1e-6)
    table = pd.DataFrame(index=grid)
    table["otaru.levels.level"] = level.mean()
    table["otaru.levels.level_coverage"] = level.count().reindex(grid).fillna(0) / (hours * 6)
    table["otaru.weather.rain"] = rain.sum(min_count=1)
    table["otaru.weather.rain_coverage"] = rain.count().reindex(grid).fillna(0) / hours
    table["otaru.weather.wind_direction"] = direction
    table["otaru.weather.rain_max"] = rain.max()
    return table


def bridged(values, method, gap):
    """Values and whether they were filled, bucket by bucket."""
    known = values.dropna()
    filled, flags = [], []
    for at, value in values.items():
        before, after = known[known.index < at], known[known.index > at]
        made = math.nan
        if math.isnan(value):
            if method == "locf" and len(before) and at - before.index[-1] <= gap:
                made = before.iloc[-1]
            if method == "interpolate" and len(before) and len(after) and after.index[0] - before.index[-1] <= gap:
                share = (at - before.index[-1]) / (after.index[0] - before.index[-1])
                made = before.iloc[-1] + (after.iloc[0] - before.iloc[-1]) * share
        filled.append(value if math.isnan(made) else made)
        flags.append(not math.isnan(made))
    return pd.Series(filled, values.index), pd.Series(flags, values.index)


def compare(what, expected, **asked):
    measures = ["otaru.levels.level", "otaru.weather.rain", "otaru.weather.wind_direction", "otaru.weather.rain:max"]
    query = [("measure", measure) for measure in measures]
    query += [("from", FROM.isoformat()), ("to", TO.isoformat()), ("site", "eq.a")] + list(asked.items())
    answer = json.loads(ask("GET", "/v1/align?" + urlencode(query)))
    rows = answer["rows"]
    assert [pd.Timestamp(row["time"]) for row in rows] == list(expected.index), f"{what}: other buckets"
    for row, (at, known) in zip(rows, expected.iterrows()):
        for column, value in known.items():
            given = row[column]
            if isinstance(value, (bool, np.bool_)):
                same = given == bool(value)
            elif math.isnan(value):
                same = given is None
            else:
                same = given is not None and math.isclose(given, value, rel_tol=1e-9, abs_tol=1e-7)
            assert same, f"{what}: {column} at {at} is {given}, not {value}"
    units = {column["name"]: column.get("unit") for column in answer["columns"]}
    assert units["otaru.levels.level"] == "m" and units["otaru.weather.rain"] == "mm", units
    assert units["otaru.weather.wind_direction"] == "deg", units
    assert [source["dataset"] for source in answer["sources"]] == ["otaru.levels", "otaru.weather"]
    print(f"{what}: {len(rows)} rows")


for every in WIDTHS:
    plain = by_pandas(every, "s1")
    compare(every, plain, every=every, station="eq.s1")
    thin = plain.copy()
    for column in ("otaru.levels.level", "otaru.weather.rain"):
        thin[column] = thin[column].where(thin[f"{column}_coverage"] >= 0.7)
    compare(f"{every}, coverage of 0.7", thin.drop(columns=["otaru.weather.wind_direction", "otaru.weather.rain_max"]),
            every=every, station="eq.s1", min_coverage="0.7")
for every, gap in (("1 hour", "4 hours"), ("3 hours", "1 day")):
    for method in ("locf", "interpolate"):
        filled = by_pandas(every, "s2")
        for column in ("otaru.levels.level", "otaru.weather.rain"):
            filled[column], filled[f"{column}_filled"] = bridged(filled[column], method, pd.Timedelta(gap))
        filled = filled.drop(columns=["otaru.weather.wind_direction", "otaru.weather.rain_max"])
        compare(f"{every}, {method} over {gap}", filled, every=every, station="eq.s2", fill=method, max_gap=gap)
