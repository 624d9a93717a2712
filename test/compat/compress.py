# SPDX-License-Identifier: Apache-2.0
"""The least that is a stream of lz4 or snappy, right or as only some clients write it."""

import struct

import wire


def _rotate(value, by):
    return (value << by | value >> 32 - by) & 0xFFFFFFFF


def _xxh32(raw):
    """Of less than 16 bytes, with seed 0."""
    value = 374761393 + len(raw) & 0xFFFFFFFF
    while len(raw) >= 4:
        value = _rotate(value + struct.unpack_from("<I", raw)[0] * 3266489917 & 0xFFFFFFFF, 17)
        value = value * 668265263 & 0xFFFFFFFF
        raw = raw[4:]
    for byte in raw:
        value = _rotate(value + byte * 374761393 & 0xFFFFFFFF, 11) * 2654435761 & 0xFFFFFFFF
    value = (value ^ value >> 15) * 2246822519 & 0xFFFFFFFF
    value = (value ^ value >> 13) * 3266489917 & 0xFFFFFFFF
    return value ^ value >> 16


def lz4(raw, is_old=False):
    """A frame of one stored block; the old clients' checksum covers the magic number too."""
    magic, descriptor = b"\x04\x22\x4d\x18", b"\x60\x40"
    checked = magic + descriptor if is_old else descriptor
    checksum = bytes([_xxh32(checked) >> 8 & 0xFF])
    return (magic + descriptor + checksum + struct.pack("<I", len(raw) | 1 << 31) + raw +
            bytes(4))


def old_lz4(raw):
    return lz4(raw, is_old=True)


def snappy(raw):
    """A raw block of one literal."""
    return wire.put_varint(len(raw)) + b"\xf4" + struct.pack("<H", len(raw) - 1) + raw


def framed_snappy(raw):
    block = snappy(raw)
    return b"\x82SNAPPY\0" + struct.pack(">iii", 1, 1, len(block)) + block


def zstd(raw):
    """A frame of one stored block, whose size the header says."""
    return (b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", len(raw)) +
            struct.pack("<I", len(raw) << 3 | 1)[:3] + raw)
