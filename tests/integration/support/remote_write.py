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
