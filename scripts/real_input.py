"""Turns published files as their agencies hand them out into files that the hub takes in today.

    python scripts/real_input.py FOLDER OUT

FOLDER holds the publishers' files (jma/, mlit_river/, traffic/, tourism/, municipal/, geo/). OUT gets one
file a dataset, `<agency>.<dataset>.<format>`, in each of the formats that the hub reads: CSV, Parquet,
Arrow file, Arrow stream. The contracts of these datasets stand in datasets/real/.

The script stays outside of the product. It reads layouts; what values may be is the contracts' business.
Nothing is guessed: a cell that the script does not understand stops it.
"""

import csv
import datetime as dt
import json
import re
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet

TOKYO = dt.timezone(dt.timedelta(hours=9))
FULL_DAY = 288  # five-minute intervals


def main(folder: Path, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    towns = Towns(folder / "geo/shiribeshi_20_municipalities.geojson")
    tables = {
        "mlit.municipalities.csv": towns.table(),
        "jma.stations.csv": stations(folder / "jma/ame_master.csv", towns),
        "jma.weather_daily.parquet": weather_daily(folder / "jma"),
        "mlit.traffic_daily.arrow": traffic_daily(folder / "traffic/jartic_daily_20260115_otaru.csv", towns),
        "mlit.river_hourly.arrows": river_hourly(folder / "mlit_river/301011281104010_kind6_200401.dat"),
        "mlit.river_daily.parquet": river_daily(folder / "mlit_river/301011281104010_kind7_2004.dat"),
        "hokkaido.inbound_monthly.csv": inbound_monthly(folder / "tourism/harp_inbound_monthly_totals.csv"),
        "nstac.municipal_indicators.csv": municipal_indicators(folder / "municipal/SSDSE-A-2025.csv"),
    }
    for name, table in tables.items():
        write(table, out / name)
        print(f"{name}: {table.num_rows} rows")


def write(table: pa.Table, path: Path) -> None:
    match path.suffix:
        case ".csv":
            # The csv module leaves a missing value empty and quotes where it must, no more.
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(table.column_names)
                writer.writerows(zip(*(column.to_pylist() for column in table.columns)))
        case ".parquet":
            pa.parquet.write_table(table, path, compression="zstd")
        case ".arrow":
            pa.feather.write_feather(table, path, compression="zstd")
        case ".arrows":
            with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as stream:
                stream.write_table(table)


def rows_of(path: Path, encoding: str = "utf-8-sig") -> list[list[str]]:
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.reader(file))


def with_check_digit(code: str) -> str:
    """The six digits of a municipality code from its first five: `R01400`, `01400` and `1400` are one."""
    digits = code.removeprefix("R").rjust(5, "0")
    if not re.fullmatch(r"\d{5}", digits):
        raise ValueError(f"{code!r} is no municipality code")
    total = sum(int(digit) * weight for digit, weight in zip(digits, (6, 5, 4, 3, 2)))
    return f"{digits}{(11 - total % 11) % 10}"


def number(text: str) -> float | None:
    """A number, or None for an empty cell."""
    text = text.strip()
    return float(text) if text else None


# Places


class Towns:
    """The 20 municipalities by their outlines."""

    def __init__(self, path: Path) -> None:
        self.outlines: dict[str, list[list[list[list[float]]]]] = {}
        self.names: dict[str, tuple[str, str]] = {}
        for feature in json.loads(path.read_text(encoding="utf-8"))["features"]:
            of = feature["properties"]
            code = with_check_digit(of["N03_007"])
            shape = feature["geometry"]
            several = shape["type"] == "MultiPolygon"
            self.outlines.setdefault(code, []).extend(shape["coordinates"] if several else [shape["coordinates"]])
            self.names[code] = (of["N03_004"], of["N03_002"])

    def at(self, longitude: float, latitude: float) -> str:
        """The code of the municipality that a place lies in."""
        found = [code for code, polygons in self.outlines.items() if any(inside(longitude, latitude, p) for p in polygons)]
        if len(found) != 1:
            raise ValueError(f"{latitude}, {longitude} lies in {len(found)} of the municipalities")
        return found[0]

    def table(self) -> pa.Table:
        codes = sorted(self.names)
        return pa.table({
            "municipality_code": codes,
            "name": [self.names[code][0] for code in codes],
            "subprefecture": [self.names[code][1] for code in codes],
        })


def inside(x: float, y: float, polygon: list[list[list[float]]]) -> bool:
    """Whether a line from the place to the east crosses the outline, holes included, an odd number of times."""
    odd = False
    for ring in polygon:
        for (x1, y1), (x2, y2) in zip(ring, ring[1:] + ring[:1]):
            if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
                odd = not odd
    return odd


def stations(path: Path, towns: Towns) -> pa.Table:
    """The weather stations of Shiribeshi. Snow gauges, listed at the same places under ids of their own, are left out."""
    header, *rows = rows_of(path)
    at = header.index
    # After the location come latitude and longitude, each as degrees, minutes, and degrees in one number.
    # The headings above them are shifted.
    latitude, longitude = at("location") + 3, at("location") + 6
    rows = [row for row in rows if row[at("fuken_id") - 1] == "後志" and row[at("f_pre")] == "Y"]
    return pa.table({
        "station_id": [row[at("amedas_id")] for row in rows],
        "name": [row[at("station_name")] for row in rows],
        "kana": [row[at("station_name_kana")] for row in rows],
        "municipality_code": [towns.at(float(row[longitude]), float(row[latitude])) for row in rows],
        "latitude": [float(row[latitude]) for row in rows],
        "longitude": [float(row[longitude]) for row in rows],
        "height": [float(row[at("height")]) for row in rows],
    })


# 気象庁: one file a station and month, first column the day


# What the hub calls an element, and how the tables begin its heading.
ELEMENTS = {
    "precipitation": "降水量合計",
    "temperature_mean": "平均気温",
    "temperature_max": "最高気温",
    "temperature_min": "最低気温",
    "wind_speed_mean": "平均風速",
    "wind_gust": "最大瞬間風速 (m/s)",
    "sunshine": "日照時間",
    "snowfall": "降雪合計",
    "snow_depth": "最深積雪",
}
QUALITY_OF_MARK = {"": "normal", ")": "quasi_normal", "]": "insufficient"}


def weather_daily(folder: Path) -> pa.Table:
    ids = {row[10]: row[0] for row in rows_of(folder / "ame_master.csv") if row[2] == "後志" and row[5] == "Y"}
    rows: list[dict[str, object]] = []
    for path in sorted((folder / "etrn_daily_2020_01").glob("*.csv")):
        name, year, month = re.fullmatch(r"後志地方(\D+)(\d{4})_(\d+)", path.stem).groups()
        header, *days = rows_of(path)
        at = {element: only(i for i, title in enumerate(header) if title.startswith(begin)) for element, begin in ELEMENTS.items()}
        for cells in days:
            day = dt.date(int(year), int(month), int(cells[0]))
            row: dict[str, object] = {"station": name, "station_id": ids.get(name), "date": day}
            for element, index in at.items():
                row[element], row[f"{element}_quality"] = marked(cells[index])
            rows.append(row)
    fields = [("station", pa.string()), ("station_id", pa.string()), ("date", pa.date32())]
    for element in ELEMENTS:
        fields += [(element, pa.float64()), (f"{element}_quality", pa.string())]
    return pa.Table.from_pylist(rows, schema=pa.schema(fields))


def marked(cell: str) -> tuple[float | None, str | None]:
    """A value and its quality. What an empty cell meant the copy no longer says, so it has no quality either."""
    value, mark = re.fullmatch(r"(-?[0-9.]*) ?([)\]]?)", cell.strip()).groups()
    return (float(value), QUALITY_OF_MARK[mark]) if value else (None, None)


def only(found):
    (one,) = found
    return one


# 国土交通省


WAYS = {"up": "上り", "down": "下り"}
COUNTS = {"small": "小型交通量", "large": "大型交通量", "unclassified": "車種判別不能交通量"}
FLAGS = {"missing": "欠測", "ultrasonic_fault": "超音波異常"}


def traffic_daily(path: Path, towns: Towns) -> pa.Table:
    """One row a counter and day, for the counters of the Otaru bureau (81-03)."""
    header, *rows = rows_of(path)
    records = [dict(zip(header, row)) for row in rows]
    records = [r for r in records if (r["地方整備局等番号"], r["開発建設部／都道府県コード"]) == ("81", "03")]
    columns: dict[str, list] = {
        "counter_id": [r["常時観測点コード"] for r in records],
        "date": [dt.datetime.strptime(r["観測年月日"], "%Y%m%d").date() for r in records],
        "municipality_code": [towns.at(float(r["lng"]), float(r["lat"])) for r in records],
    }
    for way, way_ja in WAYS.items():
        for name, name_ja in (COUNTS | FLAGS).items():
            suffix = "_intervals" if name in FLAGS else ""
            columns[f"{way}_{name}{suffix}"] = [whole(r[f"{way_ja}・{name_ja}"]) for r in records]
    present = [whole(r["count"]) for r in records]
    return pa.table(columns | {
        "total": [whole(r["交通量"]) for r in records],
        "intervals_present": present,
        "intervals_expected": [FULL_DAY] * len(records),
        # By the rule that weather tables follow: four fifths of the samples make a value fit for use.
        "total_quality": ["normal" if n == FULL_DAY else "quasi_normal" if n >= 0.8 * FULL_DAY else "insufficient" for n in present],
    })


def whole(text: str) -> int | None:
    return int(text) if text else None


QUALITY_OF_FLAG = {"": "normal", "*": "provisional", "$": "missing", "#": "closed", "-": "not_observed"}


def dat(path: Path) -> tuple[str, str, list[list[str]]]:
    """Kind, gauge and rows with data of a file of the hydrological database."""
    kind, *rows = rows_of(path, "cp932")
    gauge = only(row[1].strip() for row in rows if row[0] == "観測所記号")
    return kind[0], gauge, [row for row in rows if row and re.match(r"\d", row[0])]


def flagged(cells: list[str]) -> list[tuple[float | None, str]]:
    """The pairs of value and flag in a row. A flag that says there is no value goes before the value."""
    pairs = []
    # The last flag of a row is left out with its comma where it is empty.
    for value, flag in zip(cells[::2], cells[1::2] + [""] * (len(cells) % 2)):
        quality = QUALITY_OF_FLAG[flag.strip()]
        pairs.append((number(value) if quality in ("normal", "provisional") else None, quality))
    return pairs


def river_hourly(path: Path) -> pa.Table:
    """Values are of the hour that ends at the label; 24時 is 00:00 of the next day."""
    kind, gauge, rows = dat(path)
    if not kind.startswith("時刻流量月表"):
        raise ValueError(f"{path.name} holds {kind}")
    times, values, qualities = [], [], []
    for day, *cells in rows:
        midnight = dt.datetime.strptime(day, "%Y/%m/%d").replace(tzinfo=TOKYO)
        for hour, (value, quality) in enumerate(flagged(cells), start=1):
            times.append(midnight + dt.timedelta(hours=hour))
            values.append(value)
            qualities.append(quality)
    return pa.table({
        "gauge_id": [gauge] * len(times),
        "time": pa.array(times, pa.timestamp("ms", "Asia/Tokyo")),
        "discharge": pa.array(values, pa.float64()),
        "discharge_quality": qualities,
    })


def river_daily(path: Path) -> pa.Table:
    """A row with the year, then a row a month that holds this month's days alone."""
    kind, gauge, rows = dat(path)
    if not kind.startswith("日流量年表"):
        raise ValueError(f"{path.name} holds {kind}")
    year, dates, values, qualities = None, [], [], []
    for first, *cells in rows:
        if match := re.fullmatch(r"(\d{4})年", first):
            year = int(match[1])
            continue
        month = int(re.fullmatch(r"(\d{1,2})月", first)[1])
        for day, (value, quality) in enumerate(flagged(cells), start=1):
            dates.append(dt.date(year, month, day))
            values.append(value)
            qualities.append(quality)
    return pa.table({
        "gauge_id": [gauge] * len(dates),
        "date": pa.array(dates, pa.date32()),
        "discharge": pa.array(values, pa.float64()),
        "discharge_quality": qualities,
    })


# 北海道


def inbound_monthly(path: Path) -> pa.Table:
    """宿泊客数 are persons, 宿泊客延数 person-nights: two measures, so two columns."""
    header, *rows = rows_of(path)
    months: dict[tuple[str, str], dict[str, object]] = {}
    for row in rows:
        r = dict(zip(header, row))
        month = months.setdefault((r["全国地方公共団体コード"], r["年月"]), {
            "全国地方公共団体コード": r["全国地方公共団体コード"],
            "市町村名": r["市町村名"],
            "年月": r["年月"],
            "対象宿泊施設数": whole(r["対象宿泊施設数"]),
            "回答施設数": whole(r["回答施設数"]),
        })
        month[r["項目"]] = whole(r["計"])
    names = ["全国地方公共団体コード", "市町村名", "年月", "宿泊客数", "宿泊客延数", "対象宿泊施設数", "回答施設数"]
    return pa.table({name: [month[name] for month in months.values()] for name in names})


# 統計センター


INDICATORS = ["総人口", "15歳未満人口", "65歳以上人口", "世帯数", "可住地面積", "事業所数（民営）（宿泊業、飲食サービス業）"]


def municipal_indicators(path: Path) -> pa.Table:
    """Three rows of headings (codes, years, names), then one municipality a row."""
    _, years, names, *rows = rows_of(path, "cp932")
    columns = {
        "地域コード": [with_check_digit(row[0]) for row in rows],
        "都道府県": [row[1] for row in rows],
        "市区町村": [row[2] for row in rows],
    }
    for name in INDICATORS:
        index = names.index(name)
        columns[f"{name}（{years[index]}年）"] = [whole(row[index]) for row in rows]
    return pa.table(columns)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: real_input.py FOLDER OUT")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
