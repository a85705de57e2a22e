"""Answers made smaller on their way: which, how they arrive, and what their head says."""

from __future__ import annotations

import asyncio
import gzip
import zlib

import pytest
from starlette.types import Message, Scope

from app.store.receivedids import ReceivedIds
from app.web.exchange import Exchange, put_exchange
from app.web.sites.compressing import compressing

TEXT = b"a line that gets smaller\n" * 100
TYPE = (b"content-type", b"text/html; charset=utf-8")
TAKES_GZIP = "br;q=0.1, gzip"


def answer(
    parts: list[bytes],
    *headers: tuple[bytes, bytes],
    accepted: str = TAKES_GZIP,
    status: int = 200,
    method: str = "GET",
) -> tuple[dict[bytes, bytes], list[bytes], Exchange]:
    """The head and the pieces as the client gets them."""
    exchange = Exchange(ReceivedIds(bytes(24)), 1)
    fields = [(b"accept-encoding", accepted.encode())] if accepted else []
    scope: Scope = put_exchange({"type": "http", "method": method, "headers": fields}, exchange)
    got: list[Message] = []

    async def send(message: Message) -> None:
        got.append(message)

    async def run() -> None:
        smaller = compressing(scope, send)
        await smaller({"type": "http.response.start", "status": status, "headers": list(headers)})
        for part in parts:
            await smaller({"type": "http.response.body", "body": part, "more_body": True})
        await smaller({"type": "http.response.body", "body": b"", "more_body": False})

    asyncio.run(run())
    head = dict(got[0]["headers"])
    assert len(head) == len(got[0]["headers"])
    return head, [message["body"] for message in got[1:]], exchange


def test_text_arrives_whole_and_smaller() -> None:
    length = (b"content-length", str(len(TEXT)).encode())
    head, pieces, exchange = answer([TEXT], TYPE, length, (b"etag", b'"1"'), (b"vary", b"Cookie"))
    assert gzip.decompress(b"".join(pieces)) == TEXT
    assert len(b"".join(pieces)) < len(TEXT) / 4
    assert head == {
        b"content-type": TYPE[1],
        b"content-encoding": b"gzip",
        b"vary": b"Cookie, Accept-Encoding",
        b"etag": b'W/"1"',
    }
    assert exchange.uncompressed == len(TEXT)


@pytest.mark.parametrize(
    ("headers", "changes"),
    [
        ([TYPE], {"accepted": ""}),
        ([TYPE], {"accepted": "gzip;q=0"}),
        ([TYPE], {"status": 206}),
        ([TYPE], {"status": 404}),
        ([TYPE], {"method": "HEAD"}),
        ([(b"content-type", b"image/png")], {}),
        ([], {}),
        ([TYPE, (b"content-encoding", b"br")], {}),
        ([TYPE, (b"content-length", b"1023")], {}),
        ([TYPE, (b"cache-control", b"private, No-Transform")], {}),
    ],
)
def test_answer_stays_as_it_is(headers: list[tuple[bytes, bytes]], changes: dict[str, object]) -> None:
    head, pieces, exchange = answer([TEXT], *headers, **changes)  # type: ignore[arg-type]
    assert b"".join(pieces) == TEXT
    head.pop(b"vary", None)
    assert head == dict(headers)
    assert exchange.uncompressed == 0


@pytest.mark.parametrize("accepted", ["gzip;q=1.0", "gzip", "*", "gzip;q=0.5, identity;q=0.1"])
def test_accepted_in_every_form(accepted: str) -> None:
    head, _, _ = answer([TEXT], TYPE, accepted=accepted)
    assert head[b"content-encoding"] == b"gzip"


def test_other_clients_may_get_another_form_and_caches_are_told() -> None:
    assert answer([TEXT], TYPE, accepted="")[0][b"vary"] == b"Accept-Encoding"
    assert answer([TEXT], TYPE, (b"vary", b"*"))[0][b"vary"] == b"*"


def test_each_event_arrives_when_it_is_sent() -> None:
    events = [b"data: %d\n\n" % number for number in range(5)]
    _, pieces, _ = answer(events, (b"content-type", b"text/event-stream"))
    inflater = zlib.decompressobj(31)
    assert [inflater.decompress(piece) for piece in pieces[:-1]] == events


def test_large_pieces_arrive_whole() -> None:
    parts = [bytes(str(number), "ascii") * 100_000 for number in range(4)]
    _, pieces, _ = answer(parts, TYPE)
    assert gzip.decompress(b"".join(pieces)) == b"".join(parts)
