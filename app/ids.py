"""Identifiers: connection numbers, the ids in Received fields, Message-IDs, random tokens.

A connection number (cid) starts at the milliseconds since 1970 at program start and grows by one, so it stays unique
over restarts. Logs show it in hexadecimal. Nothing here is secret except what `token` returns.
"""

from __future__ import annotations

import base64
import itertools
import os
import secrets
import time

_next_cid = itertools.count(int(time.time() * 1000))


def connection_id() -> int:
    """A connection number that this program has not used before."""
    return next(_next_cid)


def format_cid(cid: int) -> str:
    """The form of a connection number in logs and replies."""
    return f"{cid:x}"


def token(size: int = 16) -> str:
    """A secret of `size` random bytes in URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(secrets.token_bytes(size)).rstrip(b"=").decode()


def message_id(hostname: str) -> str:
    """A new Message-ID value with its angle brackets (RFC 5322 §3.6.4)."""
    return f"<{token(15)}@{hostname}>"


def boundary() -> str:
    """A MIME boundary that no body contains by accident (RFC 2046 §5.1.1)."""
    return "=_" + base64.b32encode(os.urandom(20)).decode().lower()
