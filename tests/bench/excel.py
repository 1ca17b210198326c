"""An Excel workbook of observations, from the file to typed columns: the hub beside the readers that Python
has, each in its own process, the imports not counted.

The hub's first figure is a preview held against a contract: the file is received over HTTP, read in a worker
process, and every cell converted and checked; nothing is stored. Its second is a whole upload, to the
committed version. python-calamine and openpyxl (read-only) give rows, which are turned into typed Arrow
columns; fastexcel, by way of polars, gives typed columns by itself. Sums of the columns must agree.
"""

import datetime
import json
import os
import statistics
import subprocess
import sys
import time
import zipfile

from hub import memory
from peak import Peak

DATASET = "bench_weather.book"
COLUMNS = ["station", "time", "level", "flow", "count", "quality"]
MAX_ROWS = 1_000_000  # A sheet has 1,048,576.
READERS = ("calamine", "fastexcel", "openpyxl")

CONTRACT = {
    "fields": [
        {"name": "station", "type": "string", "role": "key"},
        {"name": "time", "type": "datetime", "role": "time"},
        {"name": "level", "type": "number", "unit": "m"},
        {"name": "flow", "type": "number", "unit": "m3/s"},
        {"name": "count", "type": "integer"},
        {"name": "quality", "type": "string"},
    ],
    "primaryKey": ["station", "time"],
}

STYLES = """<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">
<numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy/m/d h:mm"/></numFmts>
<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>
<fills count="1"><fill><patternFill patternType="none"/></fill></fills>
<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>
<cellXfs count="2"><xf/><xf numFmtId="164" applyNumberFormat="1"/></cellXfs>
<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>"""
PARTS = {
    "[Content_Types].xml": """<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="xml" ContentType="application/xml"/>
<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>
<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>
<Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>
<Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>""",
    "_rels/.rels": """<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>""",
    "xl/workbook.xml": """<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">
<sheets><sheet name="観測" sheetId="1" r:id="rId1"/></sheets></workbook>""",
    "xl/_rels/workbook.xml.rels": """<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/>
<Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/>
<Relationship Id="rId3" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" Target="sharedStrings.xml"/></Relationships>""",
    "xl/styles.xml": STYLES,
}
STATIONS = [f"観測所{i:03d}" for i in range(200)]
QUALITIES = ["normal", "quasi_normal", "doubtful", "missing"]


def prepare(folder, rows):
    path = folder / f"observations_{rows}.xlsx"
    if not path.exists():
        print(f"bench: making a workbook of {rows:,} rows", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        write(unfinished, rows)
        unfinished.rename(path)
    return path


def write(path, rows):
    """As Excel writes it: shared texts, days as numbers with a format, a gap here and there."""
    words = COLUMNS + STATIONS + QUALITIES
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as book:
        for name, text in PARTS.items():
            book.writestr(name, head + text)
        items = "".join(f"<si><t>{word}</t></si>" for word in words)
        count = len(words)
        book.writestr("xl/sharedStrings.xml",
                      f'{head}<sst xmlns="{space}" count="{count}" uniqueCount="{count}">{items}</sst>')
        with book.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            cells = "".join(f'<c r="{"ABCDEF"[i]}1" t="s"><v>{i}</v></c>' for i in range(len(COLUMNS)))
            sheet.write(f'{head}<worksheet xmlns="{space}"><sheetData><row r="1">{cells}</row>'.encode())
            for first in range(0, rows, 10_000):
                block = [one_row(row) for row in range(first, min(rows, first + 10_000))]
                sheet.write("".join(block).encode())
            sheet.write(b"</sheetData></worksheet>")


def one_row(row):
    noise = (row * 2_654_435_761 % 2**32) >> 8
    station, hour, at = row % len(STATIONS), row // len(STATIONS), row + 2
    day = f"{42370 + hour / 24:.10f}"  # from 2016-01-01
    level = "" if noise % 50 == 0 else f'<c r="C{at}"><v>{noise % 1000 / 100}</v></c>'
    return (
        f'<row r="{at}"><c r="A{at}" t="s"><v>{len(COLUMNS) + station}</v></c><c r="B{at}" s="1"><v>{day}</v></c>'
        f'{level}<c r="D{at}"><v>{noise % 100000 / 10}</v></c><c r="E{at}"><v>{noise % 300}</v></c>'
        f'<c r="F{at}" t="s"><v>{len(COLUMNS) + len(STATIONS) + noise % 4}</v></c></row>'
    )


def expected(rows):
    """What must be found in the book: rows, filled levels, and sums of hundredths and whole numbers."""
    noises = [(row * 2_654_435_761 % 2**32) >> 8 for row in range(rows)]
    levels = [noise % 1000 for noise in noises if noise % 50]
    return {
        "rows": rows,
        "levels": len(levels),
        "level_hundredths": sum(levels),
        "count": sum(noise % 300 for noise in noises),
        "last_hour": (rows - 1) // len(STATIONS),
    }


def measure(hub, rows, folder, runs):
    rows = min(rows, MAX_ROWS)
    path = prepare(folder, rows)
    sums = expected(rows)
    hub.make_dataset(DATASET, CONTRACT)
    previews, uploads = [], []
    readers = {name: {"runs": [], "peak_bytes": 0} for name in READERS}
    hub_peak = 0
    for run in range(runs):
        with Peak(hub.pid) as peak:
            begun = time.perf_counter()
            seen = hub.preview(DATASET, path)
            previews.append(time.perf_counter() - begun)
        hub_peak = max(hub_peak, peak.bytes)
        assert (seen["report"]["rows"], seen["report"]["error_count"]) == (rows, 0), seen["report"]
        begun = time.perf_counter()
        hub.upload(DATASET, path)
        uploads.append(time.perf_counter() - begun)
        check_hub(hub, sums)
        for name, figures in readers.items():
            one = call(name, path)
            assert one["sums"] == sums, f"{name} reads {one['sums']}, and there is {sums}"
            figures["runs"].append(one["seconds"])
            figures["peak_bytes"] = max(figures["peak_bytes"], one["peak_bytes"])
        print(f"bench: workbook {run + 1}/{runs}: hub {previews[-1]:.1f} s ({uploads[-1]:.1f} s to a version), "
              + ", ".join(f"{name} {f['runs'][-1]:.1f} s" for name, f in readers.items()), flush=True)
    for figures in readers.values():
        figures["seconds"] = statistics.median(figures["runs"])
    fastest = min(READERS, key=lambda name: readers[name]["seconds"])
    seconds = statistics.median(previews)
    return {
        "rows": rows,
        "file_bytes": path.stat().st_size,
        "hub_seconds": seconds,
        "hub_runs": previews,
        "hub_upload_seconds": statistics.median(uploads),
        "hub_upload_runs": uploads,
        "hub_peak_bytes": hub_peak,
        "readers": readers,
        "fastest": fastest,
        "ratio": seconds / readers[fastest]["seconds"],
        "upload_ratio": statistics.median(uploads) / readers[fastest]["seconds"],
    }


def check_hub(hub, sums):
    sql = (f"SELECT count(*) AS rows, count(level) AS levels, sum(CAST(round(level * 100) AS BIGINT)) AS hundredths, "
           f"sum(\"count\") AS count, max(time) AS last FROM {DATASET}")
    found = hub.table(sql).to_pylist()[0]
    last = datetime.datetime(2016, 1, 1) + datetime.timedelta(hours=sums["last_hour"])
    theirs = (sums["rows"], sums["levels"], sums["level_hundredths"], sums["count"], last)
    ours = (found["rows"], found["levels"], found["hundredths"], found["count"], found["last"].replace(tzinfo=None))
    assert ours == theirs, f"the hub answers {ours}, and the workbook holds {theirs}"


def call(reader, path):
    """Runs one reader in a process of its own."""
    command = [sys.executable, __file__, reader, str(path)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def read_with_calamine(path):
    return from_rows(iter(python_calamine.CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()))


def read_with_openpyxl(path):
    return from_rows(openpyxl.load_workbook(path, read_only=True).worksheets[0].iter_rows(values_only=True))


def read_with_fastexcel(path):
    # polars' own reader for Excel, which is fastexcel.
    return polars.read_excel(path, engine="calamine").to_arrow()


def from_rows(rows):
    """Rows as typed columns."""
    next(rows)
    columns = zip(*rows)
    types = [pa.string(), pa.timestamp("us"), pa.float64(), pa.float64(), pa.float64(), pa.string()]
    # python-calamine gives an empty text where there is no value, and a day alone at midnight.
    midnight = datetime.time()

    def plain(value):
        if type(value) is datetime.date:
            return datetime.datetime.combine(value, midnight)
        return None if value == "" else value

    arrays = [pa.array([plain(v) for v in c] if t != pa.string() else c, t) for c, t in zip(columns, types)]
    return pa.table(arrays, names=COLUMNS)


def sums_of(table):
    level = table["level"].cast(pa.float64())
    hundredths = pc.cast(pc.round(pc.multiply(level, 100)), pa.int64())
    last = pc.max(table["time"].cast(pa.timestamp("us"))).as_py() - datetime.datetime(2016, 1, 1)
    return {
        "rows": table.num_rows,
        "levels": table.num_rows - level.null_count,
        "level_hundredths": pc.sum(hundredths).as_py(),
        "count": round(pc.sum(table["count"]).as_py()),
        "last_hour": round(last.total_seconds() / 3600),
    }


def main():
    reader, path = sys.argv[1:]
    read = globals()[f"read_with_{reader}"]
    begun = time.perf_counter()
    table = read(path)
    seconds = time.perf_counter() - begun
    print(json.dumps({"seconds": seconds, "peak_bytes": memory(os.getpid(), "VmHWM"), "sums": sums_of(table)}))


if __name__ == "__main__":
    import openpyxl
    import polars
    import pyarrow as pa
    import pyarrow.compute as pc
    import python_calamine

    main()
