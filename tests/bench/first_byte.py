"""How soon an export of many rows begins, and whether memory stays flat while it streams: the greatest of the
second half of the bytes is put beside the greatest of the first half."""

import statistics
import time

from hub import memory

SQL = "SELECT * FROM bench_weather.observations"


def measure(hub, forms, runs):
    return {form: one_form(hub, form, runs) for form in ("arrow", "csv", "parquet") if form in forms}


def one_form(hub, form, runs):
    hub.restart()
    hub.query(SQL + " LIMIT 1", form).read()
    size = export(hub, form)["bytes"]
    taken = [export(hub, form, half=size // 2) for _ in range(runs)]
    result = {
        "bytes": size,
        "first_byte_seconds": statistics.median(one["first_byte_seconds"] for one in taken),
        "seconds": statistics.median(one["seconds"] for one in taken),
        "first_half_bytes": max(one["first_half_bytes"] for one in taken),
        "second_half_bytes": max(one["second_half_bytes"] for one in taken),
    }
    print(f"bench: first byte as {form}: {result}", flush=True)
    return result


def export(hub, form, half=None):
    begun = time.perf_counter()
    answer = hub.query(SQL, form)
    size = len(answer.read1(1 << 16))
    first = time.perf_counter() - begun
    resident, looked = [0, 0], 0
    while part := answer.read1(1 << 20):
        size += len(part)
        # A look costs a read of /proc; one in eight megabytes is enough to see a climb.
        if half and size - looked > 8 << 20:
            looked = size
            at = int(size > half)
            resident[at] = max(resident[at], memory(hub.pid, "VmRSS"))
    return {"bytes": size, "first_byte_seconds": first, "seconds": time.perf_counter() - begun,
            "first_half_bytes": resident[0], "second_half_bytes": resident[1]}
