"""CSV files as offices have them, in UTF-8 and in CP932: from the first byte of the POST to the committed
version, beside DuckDB reading the UTF-8 file and writing sorted Parquet.

The rows have a station's name in Japanese, so that the encodings differ; the CP932 file is the UTF-8 file
in other bytes. DuckDB reads no CP932, so both are held against its UTF-8 run. The runs take turns. What the
hub then answers of the rows must be what DuckDB answers of its own file.
"""

import statistics
import time

import numpy as np
import pyarrow as pa
import pyarrow.csv

import data
import duck
from peak import Peak

DATASET = "bench_weather.named"
NAMES = ["倶知安", "余市", "小樽", "岩内", "蘭越", "寿都", "黒松内", "神恵内", "ニセコ", "共和", "積丹", "赤井川"]
HEADINGS = ["観測所番号", "観測所名", "日時", "気温", "降水量", "風速", "品質"]

CONTRACT = {
    "fields": [
        data.field("観測所番号", "string", role="key", alias="station"),
        data.field("観測所名", "string", alias="name"),
        {**data.HOUR, "name": "日時", "alias": "time"},
        data.field("気温", "number", role="value", unit="Cel", alias="temperature"),
        data.field("降水量", "number", role="value", unit="mm", alias="precipitation"),
        data.field("風速", "number", role="value", unit="m/s", alias="wind"),
        data.field("品質", "string", role="quality", quality_of="気温", alias="quality",
                   constraints={"required": True, "enum": data.QUALITIES}),
    ],
    "primaryKey": ["観測所番号", "日時"],
}


def prepare(folder, rows):
    """Makes both files once for a number of rows."""
    hours = max(24, round(rows / data.STATIONS))
    files = {"utf-8": folder / "named.csv", "cp932": folder / "named_cp932.csv"}
    done = folder / "done"
    if not done.exists():
        print(f"bench: making {data.STATIONS * hours:,} rows of CSV in two encodings", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        write(files, hours)
        done.touch()
    return data.STATIONS * hours, files


def write(files, hours):
    names = np.array([f"{NAMES[i % len(NAMES)]}{i:03d}" for i in range(data.STATIONS)], dtype=object)
    codes = {code: place for place, code in enumerate(data.station_codes())}
    with open(files["utf-8"], "wb") as utf8, open(files["cp932"], "wb") as cp932:
        for first, count in data.blocks(hours):
            table, hour = data.observations(first, count)
            written = [f"{data.START + np.timedelta64(int(h), 'h')}+09:00" for h in range(first, first + count)]
            station = [codes[code] for code in table["station"].to_pylist()]
            columns = [table["station"], data.texts(station, names), data.texts(hour, written)]
            columns += [table[name] for name in ("temperature", "precipitation", "wind", "quality")]
            options = pa.csv.WriteOptions(include_header=first == 0, quoting_style="none", quoting_header="none")
            sink = pa.BufferOutputStream()
            pa.csv.write_csv(pa.table(columns, names=HEADINGS), sink, options)
            block = sink.getvalue().to_pybytes()
            utf8.write(block)
            cp932.write(block.decode().encode("cp932"))


def measure(hub, rows, folder, runs, threads, scratch):
    count, files = prepare(folder, rows)
    hub.make_dataset(DATASET, CONTRACT)
    taken = {encoding: {"runs": [], "peak_bytes": 0, "file_bytes": file.stat().st_size} for encoding, file in files.items()}
    duck_runs = []
    target = scratch / "named.parquet"
    for run in range(runs):
        duck_runs.append(duck.call("take_named", file=files["utf-8"], target=target, threads=threads, scratch=scratch))
        for encoding, file in files.items():
            with Peak(hub.pid) as peak:
                begun = time.perf_counter()
                answer = hub.upload(DATASET, file)
                taken[encoding]["runs"].append(time.perf_counter() - begun)
            taken[encoding]["peak_bytes"] = max(taken[encoding]["peak_bytes"], peak.bytes)
            found = answer["report"]["encoding"]
            assert ("CP932" in found) == (encoding == "cp932"), f"{file.name} was read as {found}"
            assert answer["rows_added"] == count, f"{file.name}: {answer['rows_added']} of {count} rows"
            check(hub, target, threads, scratch, file, encoding)
        print(f"bench: CSV {run + 1}/{runs}: UTF-8 {taken['utf-8']['runs'][-1]:.1f} s, "
              f"CP932 {taken['cp932']['runs'][-1]:.1f} s, DuckDB {duck_runs[-1]['seconds']:.1f} s", flush=True)
    target.unlink()
    duck_seconds = statistics.median(one["seconds"] for one in duck_runs)
    for figures in taken.values():
        figures["seconds"] = statistics.median(figures["runs"])
        figures["ratio"] = figures["seconds"] / duck_seconds
    return {"rows": count, "hub": taken, "duck_seconds": duck_seconds,
            "duck_runs": [one["seconds"] for one in duck_runs],
            "duck_peak_bytes": max(one["peak_bytes"] for one in duck_runs)}


# The same question in both dialects; sums are of tenths, so that the order of adding can't show.
ANSWER = """SELECT {name} AS name, count(*) AS n, count({temperature}) AS known,
       sum(CAST(round({temperature} * 10) AS BIGINT)) AS tenths, sum(CAST(round({wind} * 10) AS BIGINT)) AS wind,
       count(*) FILTER (WHERE {quality} = 'doubtful') AS doubtful, min({time}) AS first, max({time}) AS last
FROM {table} GROUP BY 1 ORDER BY 1"""
ALIASES = {"name": '"観測所名"', "temperature": '"気温"', "wind": '"風速"', "quality": '"品質"', "time": '"日時"'}


def check(hub, target, threads, scratch, file, encoding):
    """The hub's answer of what it just took in is that of DuckDB."""
    theirs = duck.call("ask", sql=ANSWER.format(table=f"read_parquet('{target}')", **ALIASES),
                       threads=threads, scratch=scratch)
    ours = hub.table(ANSWER.format(table=DATASET, **ALIASES)).to_pylist()
    ours = [[duck.plain(value) for value in row.values()] for row in ours]
    assert ours == theirs, f"after {file.name} ({encoding}) the hub answers otherwise than DuckDB"
