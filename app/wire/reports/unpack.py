"""Takes gzip and zip away from a report, whatever its name says it is (RFC 1952, APPNOTE of PKZIP).

What comes out has at most MAX_UNPACKED bytes, and at most MAX_RATIO for each byte that went in: it is unpacked in
pieces, and given up at the first byte too many. A zip archive must hold exactly one file; only its own record at the
end is believed, so that an archive with a million names costs nothing. Raises BadReport.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final

from app.wire.reports.values import BadReport

MAX_UNPACKED: Final = 20 << 20
MAX_RATIO: Final = (
    400  # a summary of a year with equal rows shrinks to a hundredth; what attackers make, to a thousandth
)
_FREE: Final = 1 << 20  # up to here no ratio is looked at
_PIECE: Final = 16 * 1024

_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
_END = struct.Struct("<4s4H2LH")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_MAX_COMMENT = 65_535
_STORED, _DEFLATED = 0, 8
_IS_ENCRYPTED = 1


def unpack(packed: bytes) -> bytes:
    """The report itself."""
    if packed.startswith(_GZIP):
        return _inflate(packed, zlib.MAX_WBITS | 16)
    if packed.startswith(_ZIP):
        return _unzip(packed)
    if len(packed) > MAX_UNPACKED:
        raise _too_large()
    return packed


def _too_large() -> BadReport:
    return BadReport(f"the report is larger than {MAX_UNPACKED >> 20} MB when it is unpacked")


def _inflate(packed: bytes, window: int) -> bytes:
    engine, whole = zlib.decompressobj(window), bytearray()
    limit = min(MAX_UNPACKED, max(_FREE, MAX_RATIO * len(packed)))
    view = memoryview(packed)
    try:
        for start in range(0, len(packed), _PIECE):
            whole += engine.decompress(view[start : start + _PIECE], limit - len(whole) + 1)
            if len(whole) > limit:
                raise _too_large() if limit == MAX_UNPACKED else BadReport("the report grows too much when unpacked")
            if engine.eof:
                return bytes(whole)
    except zlib.error:
        raise BadReport("the compressed report is damaged") from None
    raise BadReport("the compressed report ends too early")


def _unzip(packed: bytes) -> bytes:
    """The one file of an archive."""
    try:
        return _one_file(packed)
    except struct.error:
        raise BadReport("the zip archive is damaged") from None


def _one_file(packed: bytes) -> bytes:
    at = packed.rfind(b"PK\x05\x06", max(0, len(packed) - _END.size - _MAX_COMMENT))
    if at < 0:
        raise BadReport("the zip archive ends too early")
    _, _, _, _, entries, _, directory, _ = _END.unpack_from(packed, at)
    if entries != 1:
        raise BadReport(f"the zip archive holds {entries} files; a report is exactly one")
    central = _CENTRAL.unpack_from(packed, directory)
    flags, method, checksum, size = central[3], central[4], central[7], central[8]
    start = central[16]
    local = _LOCAL.unpack_from(packed, start)
    if central[0] != b"PK\x01\x02" or local[0] != _ZIP:
        raise BadReport("the zip archive is damaged")
    if flags & _IS_ENCRYPTED:
        raise BadReport("the zip archive is encrypted")
    start += _LOCAL.size + local[9] + local[10]
    return _checked(_content(packed[start : start + size], method), checksum)


def _content(raw: bytes, method: int) -> bytes:
    if method == _DEFLATED:
        return _inflate(raw, -zlib.MAX_WBITS)
    if method != _STORED:
        raise BadReport(f"the zip archive is packed in a way that is not known here ({method})")
    if len(raw) > MAX_UNPACKED:
        raise _too_large()
    return raw


def _checked(content: bytes, checksum: int) -> bytes:
    if zlib.crc32(content) != checksum:
        raise BadReport("the zip archive is damaged")
    return content
