"""The figures as JSON, with all that is needed to read them, and as tables for people."""

import json
import os
import platform
import subprocess

import duckdb

MIB = 1 << 20


class Results:
    def __init__(self, options):
        self.parts = {}
        self.others = {}
        self.setting = {
            "rows": None,
            "threads": options.threads,
            "cores": os.cpu_count(),
            "machine": platform.machine(),
            "cpu": cpu_name(),
            "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            "duckdb": duckdb.__version__,
            "binary": options.binary.parent.name,
            "commit": commit(),
        }

    def add(self, part, figures, watch=None):
        if figures:
            self.parts[part] = figures
            if watch:
                self.others[part] = watch.others()

    def write(self, as_json, as_markdown):
        as_json.write_text(json.dumps({"setting": self.setting, "others_share": self.others, **self.parts}, indent=2, default=str) + "\n")
        makers = {"intake": intake, "joins": joins, "asof": asof, "points": points, "streams": streams,
                  "first_byte": first_byte, "cached": cached, "questions": questions, "growth": growth,
                  "peers": peers, "csv": csv, "excel": excel, "upsert": upsert}
        tables = [makers[part](figures) + self.quiet(part) for part, figures in self.parts.items()]
        as_markdown.write_text("\n\n".join([self.head(), *tables]) + "\n")

    def quiet(self, part):
        if part not in self.others:
            return ""
        return f"\n\nOther work took {self.others[part] * 100:.0f} % of the machine meanwhile."

    def head(self):
        s = self.setting
        return (
            f"{'' if s['rows'] is None else format(s['rows'], ',') + ' observations; '}{s['threads']} threads on {s['cores']} cores ({s['cpu']}), "
            f"{s['memory_bytes'] / 2**30:.0f} GiB; DuckDB {s['duckdb']}; {s['binary']} build of {s['commit']}."
        )


def cpu_name():
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return "unknown"


def commit():
    here = os.path.dirname(os.path.abspath(__file__))
    found = subprocess.run(["git", "-C", here, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return found.stdout.strip() or "unknown"


def table(head, rows):
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])


def mib(size):
    return f"{size / MIB:,.0f} MiB"


def verdict(value, limit):
    return "met" if value <= limit else f"missed by {(value / limit - 1) * 100:.0f} %"


def intake(figures):
    rows = [
        [
            form,
            mib(f["file_bytes"]),
            f"{f['hub_seconds']:.1f} s",
            f"{f['duck_seconds']:.1f} s",
            f"{f['ratio']:.2f} ×",
            verdict(f["ratio"], 1.3),
            mib(f["hub_peak_bytes"]),
            verdict(f["hub_peak_bytes"], 1024 * MIB),
            mib(f["duck_peak_bytes"]),
            f"{mib(f['hub_bytes_written'])} / {mib(f['duck_bytes_written'])}",
        ]
        for form, f in figures.items()
    ]
    head = ["taken in", "file", "hub", "DuckDB", "ratio", "≤ 1.3 ×", "hub's peak", "≤ 1 GiB", "DuckDB's peak",
            "written, hub / DuckDB"]
    return table(head, rows)


def joins(figures, what="joined query", aim=1.5):
    rows = []
    for name, f in figures.items():
        if "problem" in f:
            rows.append([name, "", "refused", "", "", "missed: " + f["problem"].replace("|", "/")[:200]])
        else:
            rows.append([name, f"{f['rows']:,}", f"{f['hub_seconds']:.2f} s", f"{f['duck_seconds']:.2f} s",
                         f"{f['ratio']:.2f} ×", verdict(f["ratio"], aim)])
    return table([what, "rows of the answer", "hub", "DuckDB", "ratio", f"≤ {aim} ×"], rows)


def asof(figures):
    return joins(figures, "as-of join", 1.0)


def points(figures):
    names = {"clients_1": "hub, 1 client", "clients_8": "hub, 8 clients", "duck_in_process": "DuckDB in process"}
    rows = []
    for name, f in figures.items():
        of_hub = name.startswith("clients")
        rows.append([names[name], str(f["requests"]), f"{f['p50_ms']:.1f} ms", f"{f['p99_ms']:.1f} ms",
                     f"{f['per_second']:.0f}", verdict(f["p50_ms"], 5) if of_hub else "",
                     verdict(f["p99_ms"], 25) if of_hub else ""])
    return table(["a station's day", "reads", "p50", "p99", "per second", "p50 ≤ 5 ms", "p99 ≤ 25 ms"], rows)


def streams(figures):
    rows = []
    for form, f in figures.items():
        d = f["duck"]
        first = "" if d["first_byte_seconds"] is None else f"{d['first_byte_seconds'] * 1000:.0f} ms"
        rows.append([form, mib(f["bytes"]), f"{f['seconds']:.1f} s", f"{d['seconds']:.1f} s",
                     f"{f['seconds'] / d['seconds']:.2f} ×", f"{f['first_byte_seconds'] * 1000:.0f} ms", first,
                     mib(f["idle_bytes"]), mib(f["over_idle_bytes"]), verdict(f["over_idle_bytes"], 512 * MIB),
                     mib(d["over_idle_bytes"])])
    head = ["all rows out", "bytes", "hub", "DuckDB", "ratio", "hub's first byte", "DuckDB's first batch",
            "hub idle", "hub over idle", "≤ 512 MiB", "DuckDB over idle"]
    return table(head, rows)


def first_byte(figures):
    rows = []
    for form, f in figures.items():
        climb = f["second_half_bytes"] - f["first_half_bytes"]
        rows.append([form, mib(f["bytes"]), f"{f['first_byte_seconds'] * 1000:.0f} ms",
                     verdict(f["first_byte_seconds"], 0.3), f"{f['seconds']:.1f} s", mib(f["first_half_bytes"]),
                     mib(f["second_half_bytes"]), verdict(climb, 32 * MIB) if climb > 0 else "met"])
    return table(["export", "bytes", "first byte", "≤ 300 ms", "whole", "memory, first half", "second half",
                  "flat (32 MiB)"], rows)


def cached(figures):
    rows = []
    for name, f in figures["loads"].items():
        if "problem" in f:
            rows.append([name, "", "", "", f["problem"][:200], ""])
        else:
            share = f.get("of_bare")
            rows.append([name, f"{f['per_second']:,.0f}", f"{f['p50_ms']:.2f} ms", f"{f['p99_ms']:.2f} ms",
                         "" if share is None else f"{share * 100:.0f} %",
                         "" if share is None else "met" if share >= 0.6 else "missed"])
    return table([f"answers of {figures['bytes']:,} bytes", "per second", "p50", "p99", "of a bare route", "≥ 60 %"],
                 rows)


# The aims of the questions' groups: geometric mean and worst.
AIMS = {"all": (0.8, 1.5), "rollups": (0.2, 0.2)}


def questions(figures):
    rows = []
    for name, f in figures["queries"].items():
        if "problem" in f:
            rows.append([name, "", "", "", "", "missed: " + f["problem"].replace("|", "/")[:200]])
        else:
            limit = AIMS["rollups"][1] if name.startswith("r") else AIMS["all"][1]
            rows.append([name, f"{f['rows']:,}", f"{f['hub_seconds']:.3f} s", f"{f['duck_seconds']:.3f} s",
                         f"{f['ratio']:.2f} ×", verdict(f["ratio"], limit)])
    one_by_one = table([f"lake of {figures['rows']:,} rows", "rows of the answer", "hub", "DuckDB", "ratio",
                        "≤ 1.5 × (rollups 0.2)"], rows)
    rows = []
    for group, f in figures["means"].items():
        aim = AIMS.get(group)
        rows.append([group, str(f["of"]), f"{f['mean']:.2f} ×", verdict(f["mean"], aim[0]) if aim else "",
                     f"{f['worst_ratio']:.2f} × ({f['worst']})", verdict(f["worst_ratio"], aim[1]) if aim else ""])
    return one_by_one + "\n\n" + table(["group", "queries", "geometric mean", "≤ 0.8 × (rollups 0.2)", "worst",
                                       "≤ 1.5 × (rollups 0.2)"], rows)


def growth(figures):
    rows = []
    for what, sizes in figures.items():
        for size, f in sizes.items():
            publish = f"{f['publish_ms']:.0f} ms" if "publish_ms" in f else ""
            rows.append([f"{int(size):,} {what}", *(f"{f[name]:.1f} ms" for name in (
                "lookup_ms", "join_ms", "listing_ms", "versions_ms")), publish])
    return table(["with", "station's day", "join", "list of datasets", "list of versions", "a publication"], rows)


def peers(figures):
    rows = []
    kinds = [name for name in figures["hub"]]
    for who in [name for name in figures if name != "rows"]:
        if "problem" in figures[who]:
            rows.append([who, "", "", "", "", figures[who]["problem"][:200]])
            continue
        for kind in kinds:
            f, ours = figures[who][kind], figures["hub"][kind]
            times = "" if who == "hub" else f"{ours['per_second'] / f['per_second']:.1f} ×"
            met = "" if who == "hub" else (
                "met" if ours["per_second"] >= 5 * f["per_second"] and ours["p99_ms"] < f["p99_ms"] else "missed")
            rows.append([f"{who}, {kind.replace('_', ', ')} clients", f"{f['per_second']:,.0f}", f"{f['p50_ms']:.1f} ms",
                         f"{f['p99_ms']:.1f} ms", times, met])
    return table([f"{figures['rows']:,} rows", "per second", "p50", "p99", "the hub's times as many",
                  "≥ 5 × and lower p99"], rows)


def csv(figures):
    limits = {"utf-8": 1.5, "cp932": 2.0}
    rows = [
        [f"CSV in {encoding.upper()}", f"{figures['rows']:,}", mib(f["file_bytes"]), f"{f['seconds']:.1f} s",
         f"{figures['duck_seconds']:.1f} s", f"{f['ratio']:.2f} ×", f"≤ {limits[encoding]} ×: {verdict(f['ratio'], limits[encoding])}",
         mib(f["peak_bytes"]), verdict(f["peak_bytes"], 1024 * MIB), mib(figures["duck_peak_bytes"])]
        for encoding, f in figures["hub"].items()
    ]
    head = ["taken in", "rows", "file", "hub", "DuckDB (UTF-8)", "ratio", "aim", "hub's peak, worker included",
            "≤ 1 GiB", "DuckDB's peak"]
    return table(head, rows)


def excel(figures):
    rows = [["hub, file to checked columns", f"{figures['hub_seconds']:.1f} s",
             f"{figures['ratio']:.2f} × of {figures['fastest']}: {verdict(figures['ratio'], 1.0)}",
             mib(figures["hub_peak_bytes"])],
            ["hub, file to committed version", f"{figures['hub_upload_seconds']:.1f} s",
             f"{figures['upload_ratio']:.2f} × of {figures['fastest']}", ""]]
    rows += [[f"{name}, file to typed columns", f"{f['seconds']:.1f} s", "", mib(f["peak_bytes"])]
             for name, f in figures["readers"].items()]
    head = [f"workbook, {figures['rows']:,} rows, {mib(figures['file_bytes'])}", "time", "ratio (aim < 1)", "peak"]
    return table(head, rows)


def upsert(figures):
    rows = [
        [f"upsert, {kind}", f"{f['rows']:,}", f"{f['seconds']:.2f} s", f"{f['duck_seconds']:.2f} s",
         f"{f['ratio']:.2f} ×", f"{f['files_touched']} of {f['files']}",
         f"{f['bytes_written'] / MIB:.1f} of {f['bytes'] / MIB:.1f} MiB", f"{f['duck_bytes_written'] / MIB:.1f} MiB"]
        for kind, f in figures.items()
    ]
    head = ["1 % of the rows", "rows", "hub", "DuckDB rewriting all", "ratio", "files touched", "bytes written", "by DuckDB"]
    return table(head, rows)
