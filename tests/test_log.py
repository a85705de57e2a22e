"""Lines of the log: in both forms, and what outside text can do to them."""

from __future__ import annotations

import json

import pytest

from app.log import SETTINGS, Level, logger
from app.wire.domain import parse_domain
from app.wire.smtp.address import parse_address

FORGED = 'x" l=error m="all is lost'
log = logger("serve")


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(SETTINGS, "write", found.append)
    monkeypatch.setattr(SETTINGS, "packages", {"serve": Level.TRACE})
    return found


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain", "plain"),
        ("two words", '"two words"'),
        (FORGED, '"x\\" l=error m=\\"all is lost"'),
        ("line\nbreak", '"line\\nbreak"'),
        (b"\xff", '"\\\\xff"'),
        (parse_address("jane@example.org"), "jane@example.org"),
        (parse_address("jane@bücher.example"), "jane@bücher.example/jane@xn--bcher-kva.example"),
        (parse_address("jané@example.org"), '"jané@example.org/jan\\\\xe9@example.org"'),
        (parse_domain("bücher.example"), "bücher.example/xn--bcher-kva.example"),
        ("pаypal", '"pаypal/p\\\\u0430ypal"'),  # the second letter is Cyrillic
    ],
)
def test_value_is_shown_so_that_nothing_is_mistaken(lines: list[str], value: object, shown: str) -> None:
    log.info("seen", value=value, nothing=None)
    assert lines[0].partition(" ")[2] == f"l=info m=seen pkg=serve value={shown}"


def test_json_has_the_same_fields(lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SETTINGS, "is_json", True)
    address = parse_address("jane@bücher.example")
    log.warn("seen it", cid=0x19F2A, size=4711, is_new=True, name=FORGED, sender=address, raw=b"\xff", nothing=None)
    log.trace("> ", b"AUTH secret", 1, Level.TRACEAUTH)
    first, second = (json.loads(line) for line in lines)
    assert lines[0].isascii()
    assert first.pop("time").endswith("Z")
    assert first == {
        "l": "warn",
        "m": "seen it",
        "pkg": "serve",
        "cid": "19f2a",
        "size": 4711,
        "is_new": True,
        "name": FORGED,
        "sender": "jane@bücher.example/jane@xn--bcher-kva.example",
        "raw": "\\xff",
    }
    assert second["m"] == "> ***"
