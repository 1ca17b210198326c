"""Makes the data: the same rows for the same number, on any machine.

Agency bench_weather has hourly observations of many stations, in the order in which they come in: hour by
hour, and in each hour the stations in an order of that hour's own. Agency bench_road has traffic counts of
the same hours, the counters with the station beside each, the office that looks after each station, and
the road's temperature near each station, once in four hours at a minute of its own.
"""

import dataclasses
import pathlib

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

STATIONS = 228
COUNTERS = 40
OFFICES = 12
START = np.datetime64("2016-01-01T00:00:00")  # in Japan, as a person there writes it
JAPAN = np.timedelta64(9, "h")
BLOCK_HOURS = 2048
SEED = 20260401
# Told apart in the folders' names, so that data of an older form is not taken for this.
FORM = 2


@dataclasses.dataclass
class Files:
    rows: int
    hours: int
    observations_parquet: pathlib.Path
    observations_csv: pathlib.Path
    traffic: pathlib.Path
    counters: pathlib.Path
    offices: pathlib.Path
    surface: pathlib.Path


def station_codes():
    return np.array([f"{10000 + 317 * i:05d}" for i in range(STATIONS)], dtype=object)


def counter_codes():
    return np.array([f"C{i:03d}" for i in range(COUNTERS)], dtype=object)


def prepare(folder, rows):
    """Makes what is not there yet and says where everything is."""
    hours = max(24, round(rows / STATIONS))
    files = Files(
        STATIONS * hours,
        hours,
        folder / "observations.parquet",
        folder / "observations.csv",
        folder / "traffic.parquet",
        folder / "counters.parquet",
        folder / "offices.parquet",
        folder / "surface.parquet",
    )
    done = folder / "done"
    if not done.exists():
        print(f"bench: making {files.rows:,} observations", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        write_observations(files)
        write_traffic(files)
        write_places(files)
        done.touch()
    if not files.surface.exists():
        write_surface(files)
    return files


def blocks(hours):
    for first in range(0, hours, BLOCK_HOURS):
        yield first, min(BLOCK_HOURS, hours - first)


def utc(hour):
    return (START + hour.astype("timedelta64[h]") - JAPAN).astype("datetime64[us]")


def season(hour):
    """-1 in the depth of winter, 1 in the height of summer."""
    return -np.cos(2 * np.pi * (hour / 24 - 25) / 365.25)


def texts(indices, words):
    return pa.DictionaryArray.from_arrays(pa.array(indices, pa.int32()), pa.array(words, pa.string())).cast(pa.string())


def observations(first, hours):
    random = np.random.default_rng([SEED, 1, first])
    hour = np.repeat(np.arange(first, first + hours), STATIONS)
    station = random.permuted(np.tile(np.arange(STATIONS), (hours, 1)), axis=1).ravel()
    rows = hours * STATIONS
    day = np.cos(2 * np.pi * (hour % 24 - 14) / 24)
    temperature = np.round(8 + 13 * season(hour) + 4 * day - station % 30 * 0.2 + random.normal(0, 2, rows), 1)
    rain = np.where(random.random(rows) < 0.12, np.ceil(random.exponential(2.5, rows) * 2) / 2, 0.0)
    wind = np.round(random.gamma(2.0, 1.6, rows), 1)
    quality = np.searchsorted([0.97, 0.99, 0.995], random.random(rows), side="right")
    missing = quality == 3
    columns = {
        "station": texts(station, station_codes()),
        "time": pa.array(utc(hour), pa.timestamp("us", "UTC")),
        "temperature": pa.array(temperature, mask=missing),
        "precipitation": pa.array(rain, mask=missing),
        "wind": pa.array(wind, mask=missing),
        "quality": texts(quality, ["normal", "quasi_normal", "estimated", "missing"]),
    }
    return pa.table(columns), hour - first


def write_observations(files):
    parquet = csv = None
    for first, hours in blocks(files.hours):
        table, hour = observations(first, hours)
        written = [f"{START + np.timedelta64(int(h), 'h')}+09:00" for h in range(first, first + hours)]
        as_text = table.set_column(1, "time", texts(hour, written))
        if parquet is None:
            parquet = pq.ParquetWriter(files.observations_parquet, table.schema, compression="snappy")
            options = pa.csv.WriteOptions(quoting_style="none", quoting_header="none")
            csv = pa.csv.CSVWriter(files.observations_csv, as_text.schema, write_options=options)
        parquet.write_table(table, row_group_size=1 << 20)
        csv.write_table(as_text)
    parquet.close()
    csv.close()


def write_traffic(files):
    writer = None
    for first, hours in blocks(files.hours):
        random = np.random.default_rng([SEED, 2, first])
        hour = np.repeat(np.arange(first, first + hours), COUNTERS)
        counter = np.tile(np.arange(COUNTERS), hours)
        busy = 1 + np.cos(2 * np.pi * (hour % 24 - 15) / 24) * 0.9
        volume = random.poisson(busy * (60 + 25 * (counter % 9)))
        speed = np.round(58 + 6 * season(hour) - volume / 60 + random.normal(0, 3, hours * COUNTERS), 1)
        table = pa.table({
            "counter": texts(counter, counter_codes()),
            "time": pa.array(utc(hour), pa.timestamp("us", "UTC")),
            "volume": pa.array(volume, pa.int64()),
            "speed": pa.array(speed),
        })
        writer = writer or pq.ParquetWriter(files.traffic, table.schema)
        writer.write_table(table)
    writer.close()


def write_surface(files):
    """Under another name until it is whole: its being there says that it is."""
    part = files.surface.with_suffix(".part")
    writer = None
    for first, hours in blocks(files.hours):
        random = np.random.default_rng([SEED, 3, first])
        shifts = np.arange(first, first + hours, 4)
        hour = np.repeat(shifts, STATIONS)
        station = np.tile(np.arange(STATIONS), len(shifts))
        minute = random.integers(0, 240, len(hour))
        when = utc(hour) + minute.astype("timedelta64[m]")
        temperature = np.round(9 + 15 * season(hour) + random.normal(0, 3, len(hour)), 1)
        table = pa.table({
            "station": texts(station, station_codes()),
            "time": pa.array(when, pa.timestamp("us", "UTC")),
            "temperature": pa.array(temperature, mask=random.random(len(hour)) < 0.01),
        })
        writer = writer or pq.ParquetWriter(part, table.schema)
        writer.write_table(table)
    writer.close()
    part.rename(files.surface)


def write_places(files):
    stations = station_codes()
    beside = np.arange(COUNTERS) * 5
    pq.write_table(pa.table({
        "counter": pa.array(counter_codes(), pa.string()),
        "station": pa.array(stations[beside], pa.string()),
        "route": pa.array([f"R{5 + i % 7}" for i in range(COUNTERS)], pa.string()),
    }), files.counters)
    pq.write_table(pa.table({
        "station": pa.array(stations, pa.string()),
        "office": pa.array([f"office {i % OFFICES:02d}" for i in range(STATIONS)], pa.string()),
    }), files.offices)


def field(name, kind, **more):
    return {"name": name, "type": kind, **more}


HOUR = field("time", "datetime", role="time", interval="PT1H", label="end")
# None that the hub leaves out by itself: DuckDB sees the same values in the files.
QUALITIES = ["normal", "quasi_normal", "estimated", "missing"]

# Each dataset's contract, by its id.
CONTRACTS = {
    "bench_weather.observations": {
        "fields": [
            field("station", "string", role="key"),
            HOUR,
            field("temperature", "number", role="value", unit="Cel", constraints={"minimum": -60, "maximum": 60}),
            field("precipitation", "number", role="value", unit="mm", constraints={"minimum": 0}),
            field("wind", "number", role="value", unit="m/s", constraints={"minimum": 0}),
            field("quality", "string", role="quality", quality_of="temperature",
                  constraints={"required": True, "enum": QUALITIES}),
        ],
        "primaryKey": ["station", "time"],
    },
    "bench_road.traffic": {
        "fields": [
            field("counter", "string", role="key"),
            HOUR,
            field("volume", "integer", role="value"),
            field("speed", "number", role="value", unit="km/h"),
        ],
        "primaryKey": ["counter", "time"],
    },
    "bench_road.surface": {
        "fields": [
            field("station", "string", role="key"),
            field("time", "datetime", role="time"),
            field("temperature", "number", role="value", unit="Cel"),
        ],
        "primaryKey": ["station", "time"],
    },
    "bench_road.counters": {
        "fields": [field("counter", "string", role="key"), field("station", "string"), field("route", "string")],
        "primaryKey": ["counter"],
    },
    "bench_road.offices": {
        "fields": [field("station", "string", role="key"), field("office", "string")],
        "primaryKey": ["station"],
    },
}
