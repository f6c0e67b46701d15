"""Remote write 1.0 requests, made by hand: protobuf in a snappy block of literals only."""

import struct


def uvarint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number, payload):
    """A length-delimited protobuf field."""
    return uvarint(number << 3 | 2) + uvarint(len(payload)) + payload


def encoded(text):
    return text if isinstance(text, bytes) else text.encode()


def label(name, value):
    return field(1, field(1, encoded(name)) + field(2, encoded(value)))


def sample(time_ms, value):
    packed = struct.pack("<Q", value) if isinstance(value, int) else struct.pack("<d", value)
    return field(2, b"\x09" + packed + b"\x10" + uvarint(time_ms & 0xFFFFFFFFFFFFFFFF))


def series(labels, samples):
    """labels: a dict, or pairs in the order wanted; samples: (time in ms, value), where an int gives the value's bits."""
    pairs = sorted(labels.items()) if isinstance(labels, dict) else labels
    body = b"".join(label(name, value) for name, value in pairs)
    return field(1, body + b"".join(sample(time, value) for time, value in samples))


def snappy(data):
    """The snappy block format without any compression."""
    out = bytearray(uvarint(len(data)))
    for start in range(0, len(data), 65536):
        part = data[start:start + 65536]
        out += bytes([61 << 2]) + struct.pack("<H", len(part) - 1) + part
    return bytes(out)


def request(*all_series):
    return snappy(b"".join(all_series))


def number(wire_number, value):
    """A varint field."""
    return uvarint(wire_number << 3) + uvarint(value & 0xFFFFFFFFFFFFFFFF)


def double(wire_number, value):
    return uvarint(wire_number << 3 | 1) + struct.pack("<d", value)


def exemplar(labels, time_ms, value):
    return field(3, b"".join(label(*pair) for pair in sorted(labels.items())) + double(2, value) + number(3, time_ms))


def histogram(time_ms, buckets):
    """An integer histogram of schema 0, with that many observations in its first positive buckets."""
    deltas = [count - before for count, before in zip(buckets, [0, *buckets])]
    packed = b"".join(uvarint((delta << 1 ^ delta >> 63) & 0xFFFFFFFFFFFFFFFF) for delta in deltas)
    return field(4, (
        number(1, sum(buckets)) + double(3, float(sum(buckets))) + number(4, 0) + double(5, 0.001) + number(6, 0)
        + field(11, number(1, 0) + number(2, len(buckets))) + field(12, packed) + number(15, time_ms)))


def series_of(labels, *parts):
    """A series with samples, exemplars and histograms as sample(), exemplar() and histogram() make them."""
    return field(1, b"".join(label(*pair) for pair in sorted(labels.items())) + b"".join(parts))


def metadata(metric, kind, help_text, unit=""):
    """kind: 1 counter, 2 gauge, 3 histogram."""
    return field(3, number(1, kind) + field(2, encoded(metric)) + field(4, encoded(help_text)) + field(5, encoded(unit)))
