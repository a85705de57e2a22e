"""Words of texts and of addresses, as the junk filter counts them: lower case, at most MAX_WORD characters.

A longer run gives its pieces and a class of length; characters of Chinese, Japanese and Korean come in pairs, as these
texts do not separate words. Compatibility forms (bold letters of mathematics, full-width ones) become plain letters and
characters of no width go, so that a word cannot be dressed up as another.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

MAX_WORD = 24
MAX_WORDS = 4000  # of one text
MAX_TEXT = 96 * 1024  # characters of one text
MAX_URL = 300

_WORD = re.compile(r"\w+(?:['’.\-]\w+)*|[^\w\s]+")  # runs of other characters say much about style
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]+")
_NO_WIDTH = dict.fromkeys([0xAD, 0x34F, 0x61C, 0x180E, *range(0x200B, 0x2010), *range(0x2060, 0x2065), 0xFEFF])
_NO_WIDTH_SET = re.compile("[\xad\u034f\u061c\u180e\u200b-\u200f\u2060-\u2064\ufeff]")
_PIECES = re.compile(r"[^\W_]+")
_ADDRESS = re.compile(r"([\w.+\-=]{1,64})@([\w\-]+(?:\.[\w\-]+)+)")
_URL = re.compile(r"(?:https?:/{1,3}|\bwww\.)[^\s\"'<>()\[\]{}]{2,300}", re.IGNORECASE)
_AUTHORITY = re.compile(r"(?:https?:/{1,3})?(?:[^/?#@]{0,100}@)?([^/?#:]{1,200})(?::\d{1,5})?([^\s]*)", re.IGNORECASE)
_IP = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|0x[0-9a-f]+|\d{8,10}")


def plain(text: str) -> str:
    """The text in lower case, in plain letters."""
    text = text[:MAX_TEXT]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(_NO_WIDTH))[: 2 * MAX_TEXT]
    return text.lower()


def has_no_width(text: str) -> bool:
    """Whether there are characters that show nothing."""
    return not text.isascii() and _NO_WIDTH_SET.search(text) is not None


def words_of(text: str) -> list[str]:
    """The words of a plain text in order."""
    found: list[str] = _WORD.findall(text)[:MAX_WORDS]
    is_ascii = text.isascii()
    if is_ascii and max(map(len, found), default=0) <= MAX_WORD:
        return found
    kept: list[str] = []
    for word in found:
        if not is_ascii and not word.isascii() and _CJK.search(word):
            kept.extend(_pairs(word))
        elif len(word) > MAX_WORD:
            kept.extend(_long(word))
        else:
            kept.append(word)
    return kept[:MAX_WORDS]


def _pairs(word: str) -> Iterator[str]:
    for run in _CJK.findall(word[:MAX_WORDS]):
        yield from [run[at : at + 2] for at in range(len(run) - 1)] or [run]


def _long(word: str) -> Iterator[str]:
    for piece in _PIECES.findall(word[:200]):
        if len(piece) <= MAX_WORD:
            yield piece
    yield f"long:{min(len(word) // 8, 20)}"


def address_words(text: str) -> Iterator[str]:
    """The addresses in a plain text, their domains and what these belong to."""
    for match in _ADDRESS.finditer(text):
        yield match[0]
        yield from domain_words(match[2])


def domain_words(domain: str) -> Iterator[str]:
    """A domain and those above it."""
    labels = domain.split(".")[-5:]
    for start in range(len(labels)):
        yield "." + ".".join(labels[start:])


def url_words(url: str) -> Iterator[str]:
    """What a URL is about: its host and what that belongs to, and the words of its path."""
    match = _AUTHORITY.match(url[:MAX_URL].lower())
    if match is None:
        return
    host = match[1].strip(".")
    if _IP.fullmatch(host):
        yield "ip"
    else:
        yield from domain_words(host)
    path = match[2]
    if len(path) > 1:
        if "%" in path:
            path = unquote(path)
        for piece in _PIECES.findall(path)[:12]:
            yield "/" + piece[:MAX_WORD]


def urls_in(text: str) -> list[str]:
    """The URLs that stand in a text."""
    return _URL.findall(text) if "://" in text or "www." in text else []
