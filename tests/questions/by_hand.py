"""The 15 questions worked out once more, by pandas on whole datasets and with nothing taken from the
statements: times are moved as numbers of hours, groups are made in another order, distances are measured on
vectors in space. Each function returns the rows that its question must give, columns in the answer's order.
"""

import datetime
import math

import numpy as np
import pandas as pd

OK = ["normal", "quasi_normal"]
HOUR = 3_600
JAPAN = 9 * HOUR


class Data:
    """Whole datasets, each downloaded once."""

    def __init__(self, hub):
        self.hub, self.kept = hub, {}

    def __getitem__(self, dataset):
        if dataset not in self.kept:
            self.kept[dataset] = self.hub.whole(dataset)
        return self.kept[dataset].copy()


def seconds(times):
    return times.dt.tz_convert("UTC").dt.tz_localize(None).astype("datetime64[s]").astype("int64")


def hour_of(times):
    """The number of the hour that ends at a time, counted from midnight of 1970 in Japan."""
    return (seconds(times) + JAPAN) // HOUR - 1


def dates(numbers):
    return pd.to_datetime(np.asarray(numbers), unit="D")


def ok(frame, *columns):
    keep = pd.Series(True, frame.index)
    for column in columns:
        keep &= frame[column].isin(OK)
    return frame[keep]


def weather(data, value):
    """Station, hour and value of what is ok, with the calendar of the day that the hour belongs to."""
    column = "wind_quality" if value.startswith("wind") else f"{value}_quality"
    frame = ok(data["kisho.weather_hourly"], column)
    frame["hour"] = hour_of(frame["time"])
    frame["day"] = frame["hour"] // 24
    day = dates(frame["day"])
    frame["year"], frame["month"] = day.year, day.month
    return frame[["station_id", "hour", "day", "year", "month", value]]


def river(data, value):
    frame = ok(data["otaru_kaihatsu.river_hourly"], f"{value}_quality")
    frame["hour"] = hour_of(frame["time"])
    frame["day"] = frame["hour"] // 24
    day = dates(frame["day"])
    frame["year"], frame["month"] = day.year, day.month
    return frame[["gauge_id", "hour", "day", "year", "month", value]]


def space(frame):
    """Places as vectors from the middle of a sphere of radius 1."""
    latitude, longitude = np.radians(frame["latitude"].astype(float)), np.radians(frame["longitude"].astype(float))
    return np.stack(
        [np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)], axis=1
    )


def nearest(places, stations):
    """The station nearest to each place, and how far it is in km."""
    angles = np.arccos(np.clip(space(places) @ space(stations).T, -1, 1))
    at = angles.argmin(axis=1)
    return stations["station_id"].to_numpy()[at], angles.min(axis=1) * 6371


def stations(data, *kinds):
    frame = data["kisho.stations"]
    return frame[frame["observes"].isin(kinds)] if kinds else frame


def none(value):
    """A missing number as None."""
    return None if value is None or (isinstance(value, float) and math.isnan(value)) else value


def q01(data):
    frame = river(data, "flow")
    days = frame.groupby(["gauge_id", "day"])["flow"].agg(["sum", "size"]).reset_index()
    days = days[days["size"] > 19]
    calendar = dates(days["day"])
    days["mean"] = days["sum"] / days["size"]
    days["year"], days["month"] = calendar.year, calendar.month
    days["jun"] = np.select([calendar.day < 11, calendar.day < 21], [1, 2], 3)
    days["expected"] = np.where(days["jun"] < 3, 240, (calendar.days_in_month - 20) * 24)
    juns = days.groupby(["gauge_id", "year", "month", "jun"]).agg(
        flow=("mean", "mean"), observations=("size", "sum"), expected=("expected", "first")
    ).reset_index()
    juns["coverage"] = juns["observations"] / juns["expected"]
    juns = juns[juns["coverage"] >= 0.8 - 1e-12]
    normals = {(r.gauge_id, r.month, r.jun): r.flow for r in data["otaru_kaihatsu.flow_normals"].itertuples()}
    stages = {(r.month, r.jun): r for r in data["nosei.rice_stages"].itertuples()}
    gauges = {r.gauge_id: r for r in data["otaru_kaihatsu.river_gauges"].itertuples()}
    rice = data["nosei.rice_yearly"]
    area = {(c, y): a for c, y, a in zip(rice["市町村コード"], rice["年"], rice["作付面積"])}
    rows = []
    for r in juns.itertuples():
        stage = stages.get((r.month, r.jun))
        if stage is None:
            continue
        gauge, usual = gauges[r.gauge_id], normals[r.gauge_id, r.month, r.jun]
        planted = area.get((gauge.municipality_code, r.year))
        needed = None if planted is None else planted * 10_000 * stage.water_mm_day / 1_000 / 86_400
        rows.append((r.gauge_id, gauge.river_en, r.year, r.month, r.jun, stage.stage, r.flow, usual, r.flow / usual,
                     needed, r.observations, r.coverage))
    return rows


def q02(data):
    places = data["shicho.municipalities"]
    places["station_id"], _ = nearest(places, stations(data, "full"))
    station_of = dict(zip(places["code"], places["station_id"]))
    gauges = dict(zip(*[data["otaru_kaihatsu.river_gauges"][c] for c in ("gauge_id", "municipality_code")]))
    flow = river(data, "flow")
    flow = flow[flow["month"].between(5, 9)]
    flow["code"] = flow["gauge_id"].map(gauges)
    flow = flow.groupby(["code", "year"]).agg(
        flow=("flow", "mean"), hours=("flow", "size"), gauges=("gauge_id", "nunique")
    )
    means = {}
    for value in ("precipitation", "sunshine", "temperature"):
        frame = weather(data, value)
        means[value] = frame[frame["month"].between(5, 9)].groupby(["station_id", "year"])[value].agg(["mean", "size"])
    seasons = {}
    for (code, year), f in flow.iterrows():
        try:
            of = {value: means[value].loc[(station_of[code], year)] for value in means}
        except KeyError:
            continue
        hours = min(of[value]["size"] for value in of)
        whole = 153 * 24
        coverage = f["hours"] / (whole * f["gauges"])
        if coverage >= 0.8 and hours / whole >= 0.8:
            seasons[code, year] = (f["flow"], of["precipitation"]["mean"], of["sunshine"]["mean"],
                                   of["temperature"]["mean"], int(f["hours"] + hours), min(coverage, hours / whole))
    rice = data["nosei.rice_yearly"]
    rice = rice[rice["収量の品質"].isin(OK)]
    rows = []
    for lag in (0, 1):
        pairs = [(*seasons[code, year - lag], harvest, grade)
                 for code, year, harvest, grade in zip(rice["市町村コード"], rice["年"], rice["収量"], rice["一等米比率"])
                 if (code, year - lag) in seasons]
        if not pairs:
            continue
        p = np.array(pairs, dtype=float)
        r = lambda a, b: none(float(np.corrcoef(p[:, a], p[:, b])[0, 1])) if len(p) > 1 else None
        rows.append((lag, len(p), r(0, 6), r(1, 6), r(2, 6), r(3, 6), r(0, 7), r(3, 7), int(p[:, 4].sum()),
                     p[:, 5].min()))
    return rows


def q03(data):
    gauges = data["otaru_kaihatsu.river_gauges"]
    gauges["station_id"], _ = nearest(gauges, stations(data, "full", "rain_snow"))
    snow = weather(data, "snow_depth")
    snow = snow[snow["month"].isin([11, 12, 1, 2, 3, 4])]
    snow["winter"] = snow["year"] + (snow["month"] > 6)
    snow = snow.groupby(["station_id", "winter"])["snow_depth"].agg(["max", "size"])
    flow = river(data, "flow")
    flow = flow[flow["month"].isin([4, 5, 6])].groupby(["gauge_id", "year"])["flow"].agg(["mean", "size"])
    rows = []
    for gauge in gauges.itertuples():
        for (gauge_id, year), spring in flow.iterrows():
            if gauge_id != gauge.gauge_id or (gauge.station_id, year) not in snow.index:
                continue
            winter = snow.loc[(gauge.station_id, year)]
            coverage = min(winter["size"] / 4344, spring["size"] / 2184)
            if coverage >= 0.8:
                rows.append((gauge_id, gauge.river_en, gauge.station_id, year, winter["max"], spring["mean"],
                             int(winter["size"] + spring["size"]), coverage))
    return rows


def q04(data):
    gauges = data["otaru_kaihatsu.river_gauges"]
    gauges["station_id"], _ = nearest(gauges, stations(data))
    rain = weather(data, "precipitation")
    rain = rain[rain["month"].between(6, 10)]
    whole = rain[rain["station_id"].isin(gauges["station_id"])]["hour"].nunique()
    levels = river(data, "level")
    rows = []
    for gauge in gauges.itertuples():
        fallen = rain[rain["station_id"] == gauge.station_id].set_index("hour")["precipitation"]
        level = levels[levels["gauge_id"] == gauge.gauge_id].set_index("hour")["level"]
        best = None
        for lag in range(13):
            later = level.reindex(fallen.index + lag)
            there = later.notna().to_numpy()
            correlation = np.corrcoef(fallen.to_numpy()[there], later.to_numpy()[there])[0, 1]
            if best is None or correlation > best[1]:
                best = (lag, correlation, int(there.sum()))
        rows.append((gauge.gauge_id, gauge.river_en, gauge.station_id, *best, best[2] / whole))
    return rows


def q05(data):
    temperatures = weather(data, "temperature").groupby(["station_id", "day"])["temperature"]
    days = temperatures.agg(["min", "max", "size"]).reset_index()
    days = days[days["size"] >= 20]
    days["crossing"] = (days["min"] < 0) & (days["max"] > 0)
    accidents = data["keisatsu.accidents"]
    accidents["station_id"], accidents["km"] = nearest(accidents, stations(data, "full", "no_snow"))
    accidents = accidents[accidents["km"] <= 15]
    accidents["day"] = pd.to_datetime(accidents["date"]).astype("datetime64[s]").astype("int64") // 86_400
    days = days[days["station_id"].isin(accidents["station_id"])]
    both = accidents.merge(days, on=["station_id", "day"])
    rows = []
    for (crossing, surface), count in both.groupby(["crossing", "road_surface"]).size().items():
        of = days[days["crossing"] == crossing]
        rows.append((bool(crossing), surface, count, len(of), 100 * count / len(of), int(of["size"].sum()),
                     of["size"].sum() / (24 * len(of))))
    return rows


def traffic(data, *counters):
    """What was counted in both directions, with the number of the five minutes."""
    frame = data["douro.traffic_5min"]
    if counters:
        frame = frame[frame["counter_id"].isin(counters)]
    frame = ok(frame, "up_quality", "down_quality")
    frame["second"] = seconds(frame["time"]) + JAPAN
    frame["heavy"] = frame["up_large"] + frame["down_large"]
    frame["vehicles"] = frame["up_small"] + frame["down_small"] + frame["heavy"]
    return frame[["counter_id", "second", "heavy", "vehicles"]]


def q06(data):
    counters = data["douro.counters"]
    counters["station_id"], _ = nearest(counters, stations(data, "full", "no_snow"))
    hours = traffic(data)
    hours["hour"] = hours["second"] // HOUR
    hours = hours.groupby(["counter_id", "hour"]).agg(
        vehicles=("vehicles", "mean"), heavy=("heavy", "mean"), intervals=("heavy", "size")
    ).reset_index()
    hours = hours[hours["intervals"] >= 10]
    hours["station_id"] = hours["counter_id"].map(dict(zip(counters["counter_id"], counters["station_id"])))
    # The same hour's, or else the one before it.
    seen = weather(data, "temperature")[["station_id", "hour", "temperature"]]
    hours = hours.merge(seen, on=["station_id", "hour"], how="left")
    before = seen.assign(hour=seen["hour"] + 1).rename(columns={"temperature": "before"})
    hours = hours.merge(before, on=["station_id", "hour"], how="left")
    hours["temperature"] = hours["temperature"].fillna(hours["before"])
    hours = hours[hours["temperature"].notna()]
    names = ["1: under -10", "2: -10 to -3", "3: -3 to 0", "4: 0 to 3", "5: 3 and over"]
    band = pd.cut(hours["temperature"], [-99, -10, -3, 0, 3, 99], right=False, labels=names).astype(str)
    rows = []
    for name, of in hours.groupby(band):
        rows.append((name, len(of), 12 * of["vehicles"].mean(), of["heavy"].sum() / of["vehicles"].sum(),
                     int(of["intervals"].sum()), of["intervals"].sum() / (12 * len(of))))
    return rows


def q07(data):
    sites = data["daigaku.camera_sites"]
    sites["station_id"], _ = nearest(sites, stations(data, "full"))
    depth = weather(data, "snow_depth").groupby(["station_id", "day"])["snow_depth"].agg(["max", "size"])
    depth = depth[depth["size"] >= 20]["max"]
    plates = data["daigaku.plate_counts_daily"]
    plates["day"] = pd.to_datetime(plates["date"]).astype("datetime64[s]").astype("int64") // 86_400
    plates = plates[pd.to_datetime(plates["date"]).dt.month.isin([12, 1, 2, 3])]
    plates["station_id"] = plates["site_id"].map(dict(zip(sites["site_id"], sites["station_id"])))
    today = depth.reindex(pd.MultiIndex.from_frame(plates[["station_id", "day"]])).to_numpy()
    before = plates[["station_id", "day"]].assign(day=plates["day"] - 1)
    yesterday = depth.reindex(pd.MultiIndex.from_frame(before)).to_numpy()
    plates["rise"] = today - yesterday
    plates = plates[plates["rise"].notna()]
    rows = []
    for (site, snowy), of in plates.groupby(["site_id", plates["rise"] >= 3]):
        cars = of["vehicles"].sum()
        whole = of.groupby("day")["vehicles"].agg(["size", "count"])
        rows.append((site, sites.set_index("site_id").loc[site, "name_en"], bool(snowy),
                     int((whole["size"] == whole["count"]).sum()), int(cars),
                     of[of["plate_class"] == "rental"]["vehicles"].sum() / cars,
                     of[of["plate_prefecture"] != "01"]["vehicles"].sum() / cars,
                     int(of["vehicles"].count()), of["vehicles"].count() / len(of)))
    return rows


def score(temperature, rain, wind, slope, curve):
    points = 35 if -4 <= temperature <= 1 else 20 if temperature < -4 else 0
    points += min(30, rain * 10) + slope * 2 + (10 if curve else 0)
    if temperature < 1 and wind is not None and not math.isnan(wind) and wind >= 6:
        points += 15
    return min(100, points)


def q08(data):
    at = pd.Timestamp("2025-02-05 07:30", tz="Asia/Tokyo")
    points = data["douro.road_points"]
    points["station_id"], _ = nearest(points, stations(data, "full"))
    seen = data["kisho.weather_hourly"]
    usable = OK + ["provisional"]
    seen = seen[seen["temperature_quality"].isin(usable) & seen["precipitation_quality"].isin(usable)]
    seen["wind_speed"] = seen["wind_speed"].where(seen["wind_quality"].isin(usable))
    seen = seen[(seen["time"] <= at) & (seen["time"] > at - pd.Timedelta(hours=6))].sort_values("time")
    latest = {r.station_id: r for r in seen.itertuples()}
    rows = []
    for p in points.itertuples():
        r = latest.get(p.station_id)
        fresh = r is not None and at - r.time <= pd.Timedelta(hours=1)
        points_of = score(r.temperature, r.precipitation, r.wind_speed, p.slope, p.curve) if fresh else None
        rows.append((p.point_id, p.road_name, p.seq, p.longitude, p.latitude, p.station_id,
                     None if r is None else r.time.to_pydatetime(), not fresh, points_of, int(r is not None),
                     float(fresh)))
    return rows


def q09(data):
    block = dict(zip(*[data["shicho.municipalities"][c] for c in ("code", "block")]))
    people = {(c, y): n for c, y, n in zip(*[data["shicho.population_yearly"][c]
                                             for c in ("municipality_code", "year", "population")])}
    sums = {}
    for (code, month), of in ok(data["hokkaido.inbound_monthly"], "quality").groupby(["municipality_code", "month"]):
        if (code, month.year) not in people:
            continue
        fiscal = month.year - (month.month < 4)
        row = sums.setdefault((block[code], fiscal), np.zeros(7))
        row += [1, of["guests"].sum(), of["guest_nights"].sum(), people[code, month.year], of["guests"].count(),
                of["inns_answered"].iloc[0], of["inns_surveyed"].iloc[0]]
    return [(name, year, int(s[0]), int(s[1]), s[2] / s[1], s[1] / s[3] * 12, int(s[4]), s[5] / s[6])
            for (name, year), s in sums.items()]


def q10(data):
    places = data["shicho.municipalities"]
    places = places[places["block"] == "羊蹄山麓"]
    places["station_id"], _ = nearest(places, stations(data, "full"))
    station_of = dict(zip(places["code"], places["station_id"]))
    snow = weather(data, "snow_depth").groupby(["station_id", "year", "month"])["snow_depth"].agg(["mean", "size"])
    snow = snow[snow["size"] >= 538]
    guests = ok(data["hokkaido.inbound_monthly"], "quality")
    guests = guests[(guests["coverage"] >= 70) & guests["municipality_code"].isin(station_of)]
    kept = []
    for (code, month), of in guests.groupby(["municipality_code", "month"]):
        key = (station_of[code], month.year, month.month)
        if key in snow.index and of["guests"].sum() > 0:
            for r in of.itertuples():
                kept.append((r.country, r.guests / of["guests"].sum(), snow.loc[key, "mean"], snow.loc[key, "size"],
                             r.coverage))
    frame = pd.DataFrame(kept, columns=["country", "share", "depth", "hours", "coverage"])
    rows = []
    for country, of in frame.groupby("country"):
        rows.append((country, len(of), none(of["share"].corr(of["depth"])),
                     none(of[of["depth"] >= 50]["share"].mean()), none(of[of["depth"] < 1]["share"].mean()),
                     int(of["hours"].sum() + len(of)), of["coverage"].min() / 100))
    return rows


def daily_traffic(data, *counters):
    frame = traffic(data, *counters)
    frame["day"] = frame["second"] // 86_400
    days = frame.groupby(["counter_id", "day"])["vehicles"].agg(["mean", "size"])
    days = days[days["size"] >= 260]
    days["vehicles"] = days["mean"] * 288
    return days


def q11(data):
    counters = ["1110080", "1110060", "1110050", "1310340"]
    days = daily_traffic(data, *counters)
    wide = days["vehicles"].unstack(0).dropna()
    intervals = days["size"].unstack(0).loc[wide.index].sum(axis=1)
    calendar = dates(wide.index)
    holidays = set(pd.to_datetime(data["toukei.holidays"]["date"]))
    off = np.array([day.weekday() > 4 or day in holidays for day in calendar])
    otaru, yoichi, niki, furubira = (wide[c].to_numpy() for c in counters)
    rows = []
    for name, of in (("day off", off), ("weekday", ~off)):
        rows.append((name, int(of.sum()), otaru[of].mean(), (yoichi / otaru)[of].mean(), (niki / yoichi)[of].mean(),
                     (furubira / yoichi)[of].mean(), int(intervals[of].sum()),
                     intervals[of].sum() / (1152 * of.sum())))
    return rows


def q12(data):
    calls = data["kowan.port_calls"]
    calls = calls[calls["kind"] == "cruise"]
    calls = calls.groupby((seconds(calls["arrived"]) + JAPAN) // 86_400)["passengers"].sum()
    days = daily_traffic(data, "1110080").droplevel(0)
    visits = data["kanko.visits_daily"]
    visits = visits[visits["site_id"] == "V01"]
    visits.index = pd.to_datetime(visits["date"]).astype("datetime64[s]").astype("int64") // 86_400
    visits["visitors"] = visits["visitors"].where(visits["quality"].isin(OK)).astype(float)
    calendar = dates(visits.index)
    visits["weekday"] = calendar.weekday
    visits = visits[np.isin(calendar.month, range(4, 11))]
    visits["vehicles"], visits["size"] = days["vehicles"].reindex(visits.index), days["size"].reindex(visits.index)
    usual = visits[~visits.index.isin(calls.index)].groupby("weekday")[["vehicles", "visitors"]].median()
    rows = []
    for day, r in visits[visits.index.isin(calls.index)].iterrows():
        intervals = 0 if math.isnan(r["size"]) else int(r["size"])
        rows.append((dates([day])[0].date(), int(calls[day]),
                     none(float(r["vehicles"] - usual.loc[r["weekday"], "vehicles"])),
                     none(float(r["visitors"] - usual.loc[r["weekday"], "visitors"])),
                     intervals + int(not math.isnan(r["visitors"])), intervals / 288))
    return rows


def left_of_all(ring, x, y):
    """Whether a point lies within a convex ring that runs counter-clockwise."""
    return all((x2 - x1) * (y - y1) - (y2 - y1) * (x - x1) > 0 for (x1, y1), (x2, y2) in zip(ring, ring[1:]))


def q13(data):
    day = datetime.date(2025, 1, 13)
    exceptions = {r.service_id: r.exception_type for r in data["basu.service_dates"].itertuples() if r.date == day}
    running = {r.service_id for r in data["basu.services"].itertuples()
               if exceptions.get(r.service_id, 1 if r.start_date <= day <= r.end_date and r.monday else 2) == 1}
    trips = {r.trip_id for r in data["basu.trips"].itertuples() if r.service_id in running}
    times = data["basu.stop_times"]
    times = times[times["trip_id"].isin(trips)].groupby("stop_id")["departure_time"].agg(["size", "max"])
    people = data["shicho.population_yearly"]
    people = people[people["year"] == 2025].set_index("municipality_code")["aged_65_over"]
    stops = data["basu.stops"]
    rows = []
    names = dict(zip(*[data["shicho.municipalities"][c] for c in ("code", "name_ja")]))
    for area in data["shicho.municipality_areas"].itertuples():
        inner = area.geometry[area.geometry.index("((") + 2 : area.geometry.index("))")]
        ring = [tuple(float(n) for n in corner.split()) for corner in inner.split(",")]
        here = [s.stop_id for s in stops.itertuples() if left_of_all(ring, s.longitude, s.latitude)]
        served = times.reindex(here).dropna()
        departures = int(served["size"].sum())
        rows.append((area.municipality_code, names[area.municipality_code], len(here), departures,
                     served["max"].max() if len(served) else None,
                     departures / people[area.municipality_code] * 1000, len(served),
                     len(served) / len(here) if here else None))
    return rows


def q14(data):
    place = dict(zip(*[data["douro.counters"][c] for c in ("counter_id", "municipality_code")]))
    frame = traffic(data)
    frame["code"] = frame["counter_id"].map(place)
    frame["month"] = dates(frame["second"] // 86_400).to_period("M")
    sums = frame.groupby(["code", "month"]).agg(
        heavy=("heavy", "sum"), vehicles=("vehicles", "sum"), size=("heavy", "size"), counters=("counter_id", "nunique")
    ).reset_index()
    census = data["toukei.workers_by_industry"].sort_values("year").groupby("municipality_code").last()
    sums["primary"] = sums["code"].map(census["primary_sector"] / census["workers"])
    sums["heavy_share"] = sums["heavy"] / sums["vehicles"]
    sums["coverage"] = sums["size"] / (288 * sums["counters"] * sums["month"].dt.days_in_month)
    sums = sums[(sums["coverage"] >= 0.5) & sums["primary"].notna()]
    of_month = {month: none(of["heavy_share"].corr(of["primary"])) for month, of in sums.groupby("month")}
    columns = sums[["code", "month", "heavy_share", "primary", "size", "coverage"]]
    return [(code, month.start_time.date(), share, primary, of_month[month], size, coverage)
            for code, month, share, primary, size, coverage in columns.itertuples(index=False)]


def progress(direction, baseline, target, actual):
    if baseline is None or target is None or actual is None:
        return None
    if baseline == target:
        return float(actual <= target if direction == "decrease" else actual >= target)
    return (actual - baseline) / (target - baseline)


def q15(data):
    actuals = data["toukei.indicator_actuals"]
    rows = []
    for i in data["shicho.indicators"].itertuples():
        of = actuals[actuals["indicator_id"] == i.indicator_id].sort_values("period")
        good = ok(of, "quality")
        good = good[good["actual"].notna()]
        actual = end = None
        if len(good):
            year, actual = int(good["period"].iloc[-1]), float(good["actual"].iloc[-1])
            fiscal = i.period_kind == "fiscal_year"
            end = datetime.date(year + 1, 3, 31) if fiscal else datetime.date(year, 12, 31)
        baseline, target = none(i.baseline), none(i.target)
        rows.append((i.indicator_id, i.municipality_code, i.name_en, i.period_kind, end, baseline, target, actual,
                     progress(i.direction, baseline, target, actual), len(good),
                     len(good) / len(of) if len(of) else None))
    return rows
