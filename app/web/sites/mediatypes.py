"""The media type of a file by its name, and where that says nothing, by its first bytes."""

from __future__ import annotations

import functools
import mimetypes

SNIFFED = 512
_UTF8 = "; charset=utf-8"
# What Python does not know, or what the web has another word for.
_OWN = {
    ".avif": "image/avif",
    ".css": "text/css" + _UTF8,
    ".csv": "text/csv" + _UTF8,
    ".gz": "application/gzip",
    ".htm": "text/html" + _UTF8,
    ".html": "text/html" + _UTF8,
    ".ico": "image/x-icon",
    ".js": "text/javascript" + _UTF8,
    ".json": "application/json",
    ".log": "text/plain" + _UTF8,
    ".map": "application/json",
    ".md": "text/markdown" + _UTF8,
    ".mjs": "text/javascript" + _UTF8,
    ".svg": "image/svg+xml",
    ".txt": "text/plain" + _UTF8,
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".xml": "text/xml" + _UTF8,
    ".zst": "application/zstd",
}
_BINARY = "application/octet-stream"


def media_type(name: str, start: bytes) -> str:
    """The type of a file with this name that begins so."""
    dot = name.rfind(".")
    return _by_extension(name[dot:].lower() if dot > 0 else "") or _by_content(start[:SNIFFED])


@functools.lru_cache(maxsize=512)
def _by_extension(extension: str) -> str:
    if extension in _OWN:
        return _OWN[extension]
    found = _types().types_map[True].get(extension) or _types().types_map[False].get(extension) or ""
    return found + _UTF8 if found.startswith("text/") else found


@functools.cache
def _types() -> mimetypes.MimeTypes:
    """Python's own table, and no file of this machine."""
    return mimetypes.MimeTypes()


def _by_content(start: bytes) -> str:
    if start.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html")):
        return "text/html" + _UTF8
    if any(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in start):
        return _BINARY
    try:
        start.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(start) - 3 or len(start) < SNIFFED:  # a character cut in two is fine
            return _BINARY
    return "text/plain" + _UTF8
