"""The base subject: what remains of a subject without `Re:`, `Fwd:`, list tags and `(fwd)` (RFC 5256 §2.1).

Messages with one base subject may belong to one thread; SORT and THREAD compare it too. `is_reply` says whether
anything that marks a reply or forward was taken away. Linear, never raises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.wire.message.encodedword import decode_words

MAX_SUBJECT = 2048  # characters that are looked at

_BLANKS = re.compile(r"\s+")
_BLOB = r"\[[^\[\]]*+\]\s*+"
_TRAILER = re.compile(r"\(fwd\)\Z", re.IGNORECASE)
# RFC 5256 knows re, fw and fwd; the others are what programs in other languages write.
_LEADER = re.compile(
    rf"(?:re|fwd?|aw|wg|sv|vs|antw|odp|rif|res|enc|tr|回复|转发)\s*+(?:{_BLOB}|\d{{1,3}}\s*+)?:\s*+", re.IGNORECASE
)
_FIRST_BLOB = re.compile(_BLOB)
_FORWARDED = re.compile(r"\[fwd:\s*+(.*)\]\Z", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class BaseSubject:
    """The base subject, and whether the subject was one of a reply or forward."""

    text: str
    is_reply: bool


def base_subject(value: str) -> str:
    """The base subject of an unfolded Subject value, lower-case for comparing."""
    return parse_subject(value).text.lower()


def parse_subject(value: str) -> BaseSubject:
    """The base subject as written, by the steps of RFC 5256 §2.1."""
    text = _BLANKS.sub(" ", decode_words(value[:MAX_SUBJECT])).strip()
    is_reply = False
    while True:
        text, trailers = _strip_trailers(text)
        text, leaders = _strip_leaders(text)
        is_reply = is_reply or trailers or leaders
        match = _FORWARDED.match(text)
        if not match:
            return BaseSubject(text, is_reply)
        text = match[1].strip()
        is_reply = True


def _strip_trailers(text: str) -> tuple[str, bool]:
    start = len(text)
    while match := _TRAILER.search(text, max(len(text) - 5, 0)):
        text = text[: match.start()].rstrip()
    return text, len(text) != start


def _strip_leaders(text: str) -> tuple[str, bool]:
    at = 0
    is_reply = False
    while True:
        if match := _LEADER.match(text, at):
            at = match.end()
            is_reply = True
        elif (match := _FIRST_BLOB.match(text, at)) and match.end() < len(text):
            at = match.end()  # a list tag; it stays when it is all there is
        else:
            return text[at:], is_reply
