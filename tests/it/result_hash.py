"""The hash of a result, computed from an Arrow stream as docs/CITING.md tells it."""

import datetime
import hashlib
import sys

import pyarrow as pa

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def value(cell, kind, shifted):
    if cell is None:
        return b"n"
    if pa.types.is_boolean(kind):
        return b"b" + bytes([cell])
    if pa.types.is_integer(kind):
        return f"i{cell};".encode()
    if pa.types.is_floating(kind):
        if cell == 0:
            return b"f0;"
        digits, exponent = f"{cell:.{12 if shifted else 11}e}".split("e")
        if shifted:
            digits = digits[:-1]
        return f"f{digits}e{int(exponent)};".encode()
    if pa.types.is_timestamp(kind):
        delta = cell.astimezone(datetime.timezone.utc) - EPOCH
        micros = (delta.days * 86400 + delta.seconds) * 1_000_000 + delta.microseconds
        return f"z{micros * 1000};".encode()
    if pa.types.is_string(kind):
        text = cell.encode()
        return f"t{len(text)}:".encode() + text
    raise TypeError(kind)


def short(data):
    return hashlib.sha256(data).digest()[:16]


def main(path, ordered):
    table = pa.ipc.open_stream(path).read_all()
    kinds = [field.type for field in table.schema]
    sums, sequences = [0, 0], [bytes(16), bytes(16)]
    for row in zip(*(column.to_pylist() for column in table.columns)):
        for grid in (0, 1):
            row_hash = short(b"".join(value(c, k, grid) for c, k in zip(row, kinds)))
            sums[grid] = (sums[grid] + int.from_bytes(row_hash, "big")) % 2**128
            sequences[grid] = short(sequences[grid] + row_hash)
    parts = [f"{number:032x}" for number in sums]
    if ordered:
        parts += [sequence.hex() for sequence in sequences]
    print("-".join(["mrh1", *parts]))


main(sys.argv[1], sys.argv[2] == "ordered")
