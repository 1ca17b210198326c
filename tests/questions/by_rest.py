"""Questions answered by REST alone, as an app without SQL does it: pages of rows and latest rows, chosen by
filters, and the rest worked out by the app in plain Python. Each function returns the rows of its question
and the sources that the pages named."""

import collections
import datetime
import math
import statistics

from by_hand import progress, score

OK = "in.(normal,quasi_normal)"


class Sources(dict):
    """The pages' sources by dataset, collected while rows are taken."""

    def of(self, answer):
        rows, sources = answer
        self.update({source["dataset"]: source for source in sources})
        return rows


def instant(text):
    return datetime.datetime.fromisoformat(text)


def km(a, b):
    x = math.radians(b["longitude"] - a["longitude"]) * math.cos(math.radians((a["latitude"] + b["latitude"]) / 2))
    return 6371 * math.hypot(x, math.radians(b["latitude"] - a["latitude"]))


def nearest(place, stations):
    return min(stations, key=lambda station: km(place, station))


def day_of_hour(text):
    """The day to which the hour that ends at a time belongs."""
    return (instant(text) - datetime.timedelta(hours=1)).date()


def q03(hub):
    """Snowpack and spring flow, gauge by gauge: only the months that are asked for are taken."""
    sources = Sources()
    stations = sources.of(hub.rows("kisho.stations", observes="in.(full,rain_snow)"))
    gauges = sources.of(hub.rows("otaru_kaihatsu.river_gauges"))
    years = range(2023, 2026)
    snow, rows = {}, []
    for gauge in gauges:
        station = nearest(gauge, stations)["station_id"]
        for year in years:
            if (station, year) not in snow:
                hours = sources.of(hub.rows(
                    "kisho.weather_hourly", ["time", "snow_depth"], station_id=f"eq.{station}", snow_depth_quality=OK,
                    time=[f"gt.{year - 1}-11-01T00:00:00+09:00", f"lte.{year}-05-01T00:00:00+09:00"]))
                snow[station, year] = [row["snow_depth"] for row in hours]
            winter = snow[station, year]
            spring = [row["flow"] for row in sources.of(hub.rows(
                "otaru_kaihatsu.river_hourly", ["time", "flow"], gauge_id=f"eq.{gauge['gauge_id']}", flow_quality=OK,
                time=[f"gt.{year}-04-01T00:00:00+09:00", f"lte.{year}-07-01T00:00:00+09:00"]))]
            coverage = min(len(winter) / 4344, len(spring) / 2184)
            if coverage >= 0.8:
                rows.append((gauge["gauge_id"], gauge["river_en"], station, year, max(winter),
                             math.fsum(spring) / len(spring), len(winter) + len(spring), coverage))
    return rows, sources


def q07(hub):
    """Rental cars and snow."""
    sources = Sources()
    stations = sources.of(hub.rows("kisho.stations", observes="eq.full"))
    rows = []
    for site in sources.of(hub.rows("daigaku.camera_sites")):
        station = nearest(site, stations)["station_id"]
        depths = collections.defaultdict(list)
        for hour in sources.of(hub.rows("kisho.weather_hourly", ["time", "snow_depth"], station_id=f"eq.{station}",
                                        snow_depth_quality=OK)):
            depths[day_of_hour(hour["time"])].append(hour["snow_depth"])
        depth = {day: max(values) for day, values in depths.items() if len(values) >= 20}
        counts = {True: collections.defaultdict(list), False: collections.defaultdict(list)}
        for row in sources.of(hub.rows("daigaku.plate_counts_daily", site_id=f"eq.{site['site_id']}")):
            day = datetime.date.fromisoformat(row["date"])
            before = day - datetime.timedelta(days=1)
            if day.month in (12, 1, 2, 3) and day in depth and before in depth:
                counts[depth[day] - depth[before] >= 3][day].append(row)
        for snowy, days in counts.items():
            every = [row for of_day in days.values() for row in of_day]
            seen = [row for row in every if row["vehicles"] is not None]
            cars = sum(row["vehicles"] for row in seen)
            share = lambda keep: sum(row["vehicles"] for row in seen if keep(row)) / cars
            rows.append((site["site_id"], site["name_en"], snowy,
                         sum(all(row["vehicles"] is not None for row in of_day) for of_day in days.values()), cars,
                         share(lambda row: row["plate_class"] == "rental"),
                         share(lambda row: row["plate_prefecture"] != "01"), len(seen), len(seen) / len(every)))
    return rows, sources


def q08(hub):
    """Risk per road segment: the hours up to the asked one for all stations at once."""
    sources = Sources()
    at = instant("2025-02-05T07:30:00+09:00")
    stations = sources.of(hub.rows("kisho.stations", observes="eq.full"))
    latest = {}
    usable = "in.(normal,quasi_normal,provisional)"
    for row in sources.of(hub.rows(
            "kisho.weather_hourly", ["station_id", "time", "temperature", "precipitation", "wind_speed", "wind_quality"],
            time=["gt.2025-02-05T01:30:00+09:00", "lte.2025-02-05T07:30:00+09:00"],
            temperature_quality=usable, precipitation_quality=usable)):
        kept = latest.get(row["station_id"])
        if row["wind_quality"] not in ("normal", "quasi_normal", "provisional"):
            row["wind_speed"] = None
        if kept is None or kept["time"] < row["time"]:
            latest[row["station_id"]] = row
    rows = []
    for point in sources.of(hub.rows("douro.road_points")):
        station = nearest(point, stations)["station_id"]
        row = latest.get(station)
        fresh = row is not None and at - instant(row["time"]) <= datetime.timedelta(hours=1)
        risk = score(row["temperature"], row["precipitation"], row["wind_speed"], point["slope"],
                     point["curve"]) if fresh else None
        rows.append((point["point_id"], point["road_name"], point["seq"], point["longitude"], point["latitude"],
                     station, None if row is None else instant(row["time"]), not fresh, risk, int(row is not None),
                     float(fresh)))
    return rows, sources


def q09(hub):
    """Inbound guests per resident."""
    sources = Sources()
    block = {row["code"]: row["block"] for row in sources.of(hub.rows("shicho.municipalities", ["code", "block"]))}
    people = {(row["municipality_code"], row["year"]): row["population"]
              for row in sources.of(hub.rows("shicho.population_yearly"))}
    months = collections.defaultdict(list)
    for row in sources.of(hub.rows("hokkaido.inbound_monthly", quality=OK)):
        months[row["municipality_code"], row["month"]].append(row)
    sums = collections.defaultdict(lambda: [0] * 7)
    for (code, month), of in months.items():
        year, number = int(month[:4]), int(month[5:7])
        row = sums[block[code], year - (number < 4)]
        guests = [r["guests"] for r in of if r["guests"] is not None]
        for at, value in enumerate([1, sum(guests), sum(r["guest_nights"] or 0 for r in of), people[code, year],
                                    len(guests), of[0]["inns_answered"], of[0]["inns_surveyed"]]):
            row[at] += value
    return [(name, year, s[0], s[1], s[2] / s[1], s[1] * 12 / s[3], s[4], s[5] / s[6])
            for (name, year), s in sums.items()], sources


def q12(hub):
    """What a cruise call does: one counter's intervals, day by day."""
    sources = Sources()
    calls = collections.Counter()
    for row in sources.of(hub.rows("kowan.port_calls", ["call_id", "arrived", "passengers"], kind="eq.cruise")):
        calls[instant(row["arrived"]).date()] += row["passengers"]
    traffic = collections.defaultdict(list)
    for row in sources.of(hub.rows(
            "douro.traffic_5min", ["time", "up_small", "up_large", "down_small", "down_large"],
            counter_id="eq.1110080", up_quality=OK, down_quality=OK)):
        traffic[row["time"][:10]].append(row["up_small"] + row["up_large"] + row["down_small"] + row["down_large"])
    days = {}
    for row in sources.of(hub.rows("kanko.visits_daily", site_id="eq.V01")):
        day = datetime.date.fromisoformat(row["date"])
        if not 4 <= day.month <= 10:
            continue
        counts = traffic[row["date"]]
        enough = len(counts) >= 0.9 * 288
        visitors = row["visitors"] if row["quality"] in ("normal", "quasi_normal") else None
        days[day] = (sum(counts) * 288 / len(counts) if enough else None, len(counts) if enough else 0, visitors)
    usual = {}
    for weekday in range(7):
        of = [known for day, known in days.items() if day.weekday() == weekday and day not in calls]
        usual[weekday] = tuple(statistics.median(k[at] for k in of if k[at] is not None) for at in (0, 2))
    rows = []
    for day in sorted(set(calls) & set(days)):
        vehicles, intervals, visitors = days[day]
        of = usual[day.weekday()]
        rows.append((day, calls[day], None if vehicles is None else vehicles - of[0],
                     None if visitors is None else visitors - of[1], intervals + (visitors is not None),
                     intervals / 288))
    return rows, sources


def q15(hub):
    """Indicator board: the latest good value of each indicator by the order of a page of one row."""
    sources = Sources()
    rows = []
    for i in sources.of(hub.rows("shicho.indicators")):
        of = sources.of(hub.rows("toukei.indicator_actuals", indicator_id=f"eq.{i['indicator_id']}"))
        good = [row for row in of if row["quality"] in ("normal", "quasi_normal") and row["actual"] is not None]
        last = max(good, key=lambda row: row["period"], default=None)
        actual = end = None
        if last:
            actual = last["actual"]
            fiscal = i["period_kind"] == "fiscal_year"
            end = datetime.date(last["period"] + 1, 3, 31) if fiscal else datetime.date(last["period"], 12, 31)
        rows.append((i["indicator_id"], i["municipality_code"], i["name_en"], i["period_kind"], end, i["baseline"],
                     i["target"], actual, progress(i["direction"], i["baseline"], i["target"], actual), len(good),
                     len(good) / len(of) if of else None))
    return rows, sources
