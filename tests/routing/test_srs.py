"""Return addresses of forwarded mail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.routing import srs
from app.routing.srs import CannotReturn
from app.wire.domain import parse_domain
from app.wire.smtp.address import Address, parse_address

NOW = 1_800_000_000.0
DAY = 86400
B, C, D = map(parse_domain, ("b.example", "c.example", "d.example"))
KEY, OTHER_KEY = b"k" * 32, b"o" * 32


@pytest.mark.parametrize(
    "sender",
    [
        "alice@a.example",
        "Alice+List=1@a.example",
        '"a b"@a.example',
        "bounces+123-jane=x.example@em.a.example",
        "srs1=odd@a.example",
        "SRS@a.example",
        "jürgen@bücher.example",
    ],
)
def test_a_return_address_leads_back(sender: str) -> None:
    address = parse_address(sender)
    rewritten = srs.rewrite(address, B, KEY, NOW)
    assert rewritten.domain == B
    assert rewritten.localpart.startswith("SRS0=")
    assert srs.is_rewritten(rewritten.localpart)
    assert srs.read(rewritten.localpart, KEY, NOW + srs.VALID_DAYS * DAY) == address
    assert parse_address(str(rewritten)) == rewritten


def test_its_form_is_the_one_other_servers_know() -> None:
    rewritten = srs.rewrite(parse_address("alice@a.example"), B, KEY, NOW)
    name, signature, day, host, local = rewritten.localpart.split("=")
    assert (name, host, local) == ("SRS0", "a.example", "alice")
    assert (len(signature), len(day)) == (8, 2)


def test_a_third_server_keeps_what_the_first_needs() -> None:
    first = srs.rewrite(parse_address("alice@a.example"), B, KEY, NOW)
    second = srs.rewrite(first, C, OTHER_KEY, NOW)
    third = srs.rewrite(second, D, KEY, NOW)
    assert second.localpart.startswith("SRS1=")
    assert third.localpart.partition("b.example")[2] == second.localpart.partition("b.example")[2]
    assert srs.read(second.localpart, OTHER_KEY, NOW) == first
    assert srs.read(third.localpart, KEY, NOW) == first, "not by way of every forwarder"


def test_other_separators_of_other_servers_survive() -> None:
    foreign = parse_address("SRS0+abcd=xy=a.example=alice@b.example")
    assert srs.read(srs.rewrite(foreign, C, KEY, NOW).localpart, KEY, NOW) == foreign


def test_letters_may_come_back_in_another_case() -> None:
    rewritten = srs.rewrite(parse_address("Alice@a.example"), B, KEY, NOW).localpart
    assert srs.read(rewritten.upper(), KEY, NOW).localpart == "ALICE"
    assert srs.read(rewritten.lower(), KEY, NOW).localpart == "alice"


@pytest.mark.parametrize("days", [srs.VALID_DAYS + 1, 400, -1, 1023])
def test_it_ends_after_some_weeks(days: int) -> None:
    rewritten = srs.rewrite(parse_address("alice@a.example"), B, KEY, NOW)
    with pytest.raises(CannotReturn, match="too long ago"):
        srs.read(rewritten.localpart, KEY, NOW + days * DAY)


def test_nobody_else_can_make_one() -> None:
    rewritten = srs.rewrite(parse_address("alice@a.example"), B, OTHER_KEY, NOW)
    changed = srs.rewrite(parse_address("alice@a.example"), B, KEY, NOW).localpart.replace("alice", "bobby")
    for localpart in (rewritten.localpart, changed, "SRS0=", "SRS0=aaaaaaaa=aa=a.example=x", "SRS1=a=b=c", "alice"):
        with pytest.raises(CannotReturn):
            srs.read(localpart, KEY, NOW)


@given(st.text(min_size=1, max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    with pytest.raises(CannotReturn):
        srs.read(f"SRS0={text}", KEY, NOW)
    address = Address(text, C)
    assert srs.read(srs.rewrite(address, B, KEY, NOW).localpart, KEY, NOW) == address or srs.is_rewritten(text)
