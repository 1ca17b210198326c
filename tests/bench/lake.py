"""The lake of the questions: 20 agencies, from five-minute traffic to monthly guests, 50 million observations
at full size, drawn for ever the same from a fixed seed. Small sizes have fewer series and a shorter time.

Four agencies of each kind: road_1 … road_4 (5 minutes), wx_1 … wx_4 (10 minutes), river_1 … river_4 (hours),
day_1 … day_4 (days), month_1 … month_4 (months). The first of a kind is large and the others are small, as
offices are.
"""

import dataclasses
import pathlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data import JAPAN, field, texts

FULL_ROWS = 50_000_000
FULL_DAYS = 1_826
FIRST_DAY = np.datetime64("2019-04-01")
SEED = 20260501
TOWNS = 20
QUALITIES = ["normal", "quasi_normal", "estimated", "missing", "provisional"]
# Series of the four agencies of a kind at full size; with their intervals they make 50 million rows.
ROAD, WEATHER, RIVER = (40, 4, 4, 4), (48, 6, 6, 6), (100, 8, 8, 8)
SITES, COUNTRIES = 60, 19


@dataclasses.dataclass
class Lake:
    folder: pathlib.Path
    rows: int
    days: int
    series: float


def prepare(folder, rows):
    """Makes the files that are not there yet: one Parquet file a dataset, its rows in the order of time."""
    part = rows / FULL_ROWS
    series = min(1.0, max(part, 0.1))
    lake = Lake(folder, 0, max(62, round(FULL_DAYS * part / series)), series)
    done = folder / "done"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        for dataset, make in makers(lake).items():
            print(f"bench: making {dataset}", flush=True)
            write(folder / f"{dataset}.parquet", make)
        done.touch()
    lake.rows = sum(pq.read_metadata(folder / f"{dataset}.parquet").num_rows for dataset in contracts())
    return lake


def write(path, make):
    writer = None
    for table in make:
        writer = writer or pq.ParquetWriter(path, table.schema, compression="snappy")
        writer.write_table(table, row_group_size=1 << 20)
    writer.close()


def count(lake, full):
    return max(3, round(full * lake.series))


def makers(lake):
    made = {}
    for at in range(4):
        n = at + 1
        made[f"road_{n}.traffic"] = traffic(lake, n, count(lake, ROAD[at]))
        made[f"wx_{n}.weather"] = weather(lake, n, count(lake, WEATHER[at]))
        made[f"river_{n}.hourly"] = river(lake, n, count(lake, RIVER[at]))
        made[f"day_{n}.counts"] = counts(lake, n, count(lake, SITES if n == 1 else 6))
        made[f"month_{n}.guests"] = guests(lake, n)
    made["road_1.counters"] = places(count(lake, ROAD[0]), "c", "counter", count(lake, WEATHER[0]))
    made["wx_1.stations"] = places(count(lake, WEATHER[0]), "s", "station", None)
    made["river_1.gauges"] = places(count(lake, RIVER[0]), "g", "gauge", count(lake, WEATHER[0]))
    made["river_1.normals"] = normals(count(lake, RIVER[0]))
    made["month_1.people"] = people()
    made["month_1.rice"] = rice()
    made["day_1.holidays"] = holidays(lake)
    made["day_1.events"] = events(lake)
    return made


def names(letter, n):
    return [f"{letter}{i:03d}" for i in range(n)]


def blocks(lake, per_day, step_days):
    """First day, and instants of so many days at a time."""
    for first in range(0, lake.days, step_days):
        days = min(step_days, lake.days - first)
        steps = np.arange(days * per_day, dtype="int64") + first * per_day
        yield first, steps


def instants(steps, minutes, end):
    shift = 1 if end else 0
    start = FIRST_DAY.astype("datetime64[m]") + (steps + shift) * minutes
    return (start - JAPAN).astype("datetime64[us]")


def quality(random, rows):
    return np.searchsorted([0.965, 0.985, 0.988, 0.995], random.random(rows), side="right")


def masked(values, kinds):
    return pa.array(values, mask=kinds == 3)


def season(steps, per_day):
    """1 in the height of summer, -1 in the depth of winter."""
    return -np.cos(2 * np.pi * (steps / per_day + 65) / 365.25)


def traffic(lake, n, counters):
    for first, steps in blocks(lake, 288, 10):
        random = np.random.default_rng([SEED, 1, n, first])
        at = np.repeat(steps, counters)
        counter = np.tile(np.arange(counters), len(steps))
        rows = len(at)
        busy = (1.05 + np.cos(2 * np.pi * (at % 288 / 12 - 15) / 24)) * (6 + counter % 11 * 3)
        up, down = quality(random, rows), quality(random, rows)
        kinds = {"up": up, "down": down}
        columns = {
            "counter": texts(counter, names("c", counters)),
            "time": pa.array(instants(at, 5, False), pa.timestamp("us", "UTC")),
        }
        for way, kind in kinds.items():
            columns[f"{way}_small"] = masked(random.poisson(busy), kind)
            columns[f"{way}_large"] = masked(random.poisson(busy * (0.1 + counter % 7 * 0.03)), kind)
            columns[f"{way}_quality"] = texts(kind, QUALITIES)
        yield pa.table(columns)


def weather(lake, n, stations):
    for first, steps in blocks(lake, 144, 20):
        random = np.random.default_rng([SEED, 2, n, first])
        at = np.repeat(steps, stations)
        station = np.tile(np.arange(stations), len(steps))
        rows = len(at)
        warm = season(at, 144)
        day = np.cos(2 * np.pi * (at % 144 / 6 - 14) / 24)
        temperature = np.round(7 + 13 * warm + 3.5 * day - station % 30 * 0.15 + random.normal(0, 2, rows), 1)
        rain = np.where(random.random(rows) < 0.06, np.ceil(random.exponential(1.2, rows) * 2) / 2, 0.0)
        depth = np.round(np.clip(-warm - 0.45, 0, None) * (90 + station % 20 * 8) + random.random(rows))
        kinds = [quality(random, rows) for _ in range(3)]
        yield pa.table({
            "station": texts(station, names("s", stations)),
            "time": pa.array(instants(at, 10, True), pa.timestamp("us", "UTC")),
            "temperature": masked(temperature, kinds[0]),
            "temperature_quality": texts(kinds[0], QUALITIES),
            "precipitation": masked(rain, kinds[1]),
            "precipitation_quality": texts(kinds[1], QUALITIES),
            "snow_depth": masked(depth, kinds[2]),
            "snow_depth_quality": texts(kinds[2], QUALITIES),
            "wind_speed": pa.array(np.round(random.gamma(2.0, 1.5, rows), 1)),
        })


def river(lake, n, gauges):
    for first, steps in blocks(lake, 24, 120):
        random = np.random.default_rng([SEED, 3, n, first])
        at = np.repeat(steps, gauges)
        gauge = np.tile(np.arange(gauges), len(steps))
        rows = len(at)
        spring = np.exp(-(((at / 24 + 90) % 365.25 - 125) / 25) ** 2)
        flow = np.round((8 + gauge % 17) * (1 + 5 * spring) * random.lognormal(0, 0.15, rows), 2)
        kinds = quality(random, rows)
        yield pa.table({
            "gauge": texts(gauge, names("g", gauges)),
            "time": pa.array(instants(at, 60, True), pa.timestamp("us", "UTC")),
            "level": masked(np.round(0.2 * flow ** 0.55, 2), kinds),
            "level_quality": texts(kinds, QUALITIES),
            "flow": masked(flow, kinds),
            "flow_quality": texts(kinds, QUALITIES),
        })


def counts(lake, n, sites):
    random = np.random.default_rng([SEED, 4, n])
    day = np.repeat(np.arange(lake.days), sites * 10)
    site = np.tile(np.repeat(np.arange(sites), 10), lake.days)
    kind = np.tile(np.arange(10), lake.days * sites)
    kinds = quality(random, len(day))
    yield pa.table({
        "site": texts(site, names("p", sites)),
        "date": pa.array(FIRST_DAY + day, pa.date32()),
        "prefecture": texts(kind // 2, ["00", "01", "04", "13", "27"]),
        "class": texts(kind % 2, ["private", "rental"]),
        "vehicles": masked(random.poisson(40 + site % 9 * 15), kinds),
        "quality": texts(kinds, QUALITIES),
    })


def guests(lake, n):
    random = np.random.default_rng([SEED, 5, n])
    months = np.arange(FIRST_DAY.astype("datetime64[M]"), (FIRST_DAY + lake.days).astype("datetime64[M]"))
    rows = len(months) * TOWNS * COUNTRIES
    town = np.repeat(np.arange(TOWNS), len(months) * COUNTRIES)
    persons = random.poisson(60, rows)
    kinds = quality(random, rows)
    yield pa.table({
        "town": texts(town, names("t", TOWNS)),
        "month": pa.array(np.tile(np.repeat(months, COUNTRIES), TOWNS).astype("datetime64[D]"), pa.date32()),
        "country": texts(np.tile(np.arange(COUNTRIES), len(months) * TOWNS), names("n", COUNTRIES)),
        "guests": masked(persons, kinds),
        "nights": masked(persons * 2, kinds),
        "quality": texts(kinds, QUALITIES),
        "coverage": pa.array(np.round(55 + 45 * np.repeat(random.random(TOWNS * len(months)), COUNTRIES), 1)),
    })


def places(n, letter, key, stations):
    random = np.random.default_rng([SEED, 6, ord(letter)])
    columns = {
        key: pa.array(names(letter, n)),
        "town": texts(np.arange(n) % TOWNS, names("t", TOWNS)),
        "latitude": pa.array(np.round(42.6 + 0.8 * random.random(n), 4)),
        "longitude": pa.array(np.round(139.8 + 1.3 * random.random(n), 4)),
    }
    if stations:
        columns["station"] = texts(np.arange(n) % stations, names("s", stations))
    yield pa.table(columns)


def normals(gauges):
    gauge, month, jun = (part.ravel() for part in np.meshgrid(
        np.arange(gauges), np.arange(1, 13), np.arange(1, 4), indexing="ij"))
    yield pa.table({
        "gauge": texts(gauge, names("g", gauges)),
        "month": pa.array(month, pa.int64()),
        "jun": pa.array(jun, pa.int64()),
        "flow": pa.array(10.0 + gauge % 17),
    })


def people():
    town, year = (part.ravel() for part in np.meshgrid(np.arange(TOWNS), np.arange(2015, 2027), indexing="ij"))
    yield pa.table({
        "town": texts(town, names("t", TOWNS)),
        "year": pa.array(year, pa.int64()),
        "residents": pa.array(1000 + town * 731 + year, pa.int64()),
        "aged": pa.array(300 + town * 211, pa.int64()),
        "workers": pa.array(600 + town * 300, pa.int64()),
        "farming": pa.array(40 + town * 17 % 140, pa.int64()),
    })


def rice():
    random = np.random.default_rng([SEED, 7])
    town, year = (part.ravel() for part in np.meshgrid(np.arange(TOWNS), np.arange(2015, 2027), indexing="ij"))
    yield pa.table({
        "town": texts(town, names("t", TOWNS)),
        "harvest": pa.array(year, pa.int64()),
        "kg": pa.array(np.round(random.normal(530, 25, len(town)), 1)),
    })


def holidays(lake):
    yield pa.table({"date": pa.array(FIRST_DAY + np.arange(3, lake.days, 23), pa.date32())})


def events(lake):
    random = np.random.default_rng([SEED, 8])
    n = max(50, lake.days * 4)
    yield pa.table({
        "event": pa.array([f"e{i:06d}" for i in range(n)]),
        "date": pa.array(FIRST_DAY + np.sort(random.integers(0, lake.days, n)), pa.date32()),
        "kind": texts(random.integers(0, 4, n), ["dry", "wet", "snow", "ice"]),
        "latitude": pa.array(np.round(42.6 + 0.8 * random.random(n), 4)),
        "longitude": pa.array(np.round(139.8 + 1.3 * random.random(n), 4)),
    })


def time(interval, label):
    return field("time", "datetime", role="time", interval=interval, label=label)


def value(name, kind="number", unit=None):
    return field(name, kind, role="value", **({"unit": unit} if unit else {}))


def good(name, of):
    return field(name, "string", role="quality", quality_of=of, constraints={"required": True, "enum": QUALITIES})


def place(key, *more):
    return {
        "fields": [field(key, "string", role="key"), field("town", "string"), field("latitude", "number"),
                   field("longitude", "number"), *(field(name, "string") for name in more)],
        "primaryKey": [key],
    }


def contracts():
    """Each dataset's contract, in the order in which they are made."""
    by_id = {}
    for n in range(1, 5):
        by_id[f"road_{n}.traffic"] = {
            "fields": [field("counter", "string", role="key"), time("PT5M", "start"),
                       *(part for way in ("up", "down") for part in (
                           value(f"{way}_small", "integer", "{vehicles}/(5.min)"),
                           value(f"{way}_large", "integer", "{vehicles}/(5.min)"),
                           good(f"{way}_quality", f"{way}_small")))],
            "primaryKey": ["counter", "time"],
        }
        by_id[f"wx_{n}.weather"] = {
            "fields": [field("station", "string", role="key"), time("PT10M", "end"),
                       *(part for name, unit in (("temperature", "Cel"), ("precipitation", "mm"), ("snow_depth", "cm"))
                         for part in (value(name, unit=unit), good(f"{name}_quality", name))),
                       value("wind_speed", unit="m/s")],
            "primaryKey": ["station", "time"],
        }
        by_id[f"river_{n}.hourly"] = {
            "fields": [field("gauge", "string", role="key"), time("PT1H", "end"), value("level", unit="m"),
                       good("level_quality", "level"), value("flow", unit="m3/s"), good("flow_quality", "flow")],
            "primaryKey": ["gauge", "time"],
        }
        by_id[f"day_{n}.counts"] = {
            "fields": [field("site", "string", role="key"),
                       field("date", "date", role="time", interval="P1D", label="start"),
                       field("prefecture", "string", role="key"), field("class", "string", role="key"),
                       value("vehicles", "integer", "{vehicles}/d"), good("quality", "vehicles")],
            "primaryKey": ["site", "date", "prefecture", "class"],
        }
        by_id[f"month_{n}.guests"] = {
            "fields": [field("town", "string", role="place"),
                       field("month", "date", role="time", interval="P1M", label="start"),
                       field("country", "string", role="key"), value("guests", "integer", "{person}"),
                       value("nights", "integer", "{person}.d"), good("quality", "guests"),
                       field("coverage", "number", unit="%")],
            "primaryKey": ["town", "month", "country"],
        }
    by_id["road_1.counters"] = place("counter", "station")
    by_id["wx_1.stations"] = place("station")
    by_id["river_1.gauges"] = place("gauge", "station")
    by_id["river_1.normals"] = {
        "fields": [field("gauge", "string", role="key"), field("month", "integer", role="key"),
                   field("jun", "integer", role="key"), value("flow", unit="m3/s")],
        "primaryKey": ["gauge", "month", "jun"],
    }
    by_id["month_1.people"] = {
        "fields": [field("town", "string", role="place"), field("year", "integer", role="key"),
                   *(value(name, "integer", "{person}") for name in ("residents", "aged", "workers", "farming"))],
        "primaryKey": ["town", "year"],
    }
    by_id["month_1.rice"] = {
        "fields": [field("town", "string", role="place"), field("harvest", "integer", role="key"),
                   value("kg", unit="kg/(10.ar)")],
        "primaryKey": ["town", "harvest"],
    }
    by_id["day_1.holidays"] = {"fields": [field("date", "date", role="time")], "primaryKey": ["date"]}
    by_id["day_1.events"] = {
        "fields": [field("event", "string", role="key"), field("date", "date", role="time"), field("kind", "string"),
                   field("latitude", "number"), field("longitude", "number")],
        "primaryKey": ["event"],
    }
    return by_id


def take_in(hub, lake):
    """Makes the agencies and datasets and takes every file in; returns each dataset's files in the lake."""
    for dataset, contract in contracts().items():
        hub.make_dataset(dataset, contract)
        hub.upload(dataset, lake.folder / f"{dataset}.parquet")
    return {dataset: hub.files_of(dataset) for dataset in contracts()}
