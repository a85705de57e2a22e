"""Values to files and back: any value survives, an edit touches only its own lines."""

from __future__ import annotations

import dataclasses
import ipaddress
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.config.dynamic import Account, Destination, Dynamic, Route, Ruleset
from app.config.listener import Listener, Smtp
from app.config.reading import read
from app.config.regexp import Regexp
from app.config.schema import Kind, ListOf, MapOf, Scalar, Seconds, Struct, is_default, struct_of
from app.config.static import Static
from app.config.transports import DirectTransport, FailTransport, Transport
from app.config.writing import update, write
from app.errors import SconfSyntaxError
from app.wire import sconf
from app.wire.domain import Domain

DATA = Path(__file__).resolve().parent.parent / "data" / "config"

WORDS = st.text(string.ascii_letters + string.digits + "-# é:", min_size=1, max_size=8)
NAMES = st.text(string.ascii_lowercase + "@.", min_size=1, max_size=6)
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "text": WORDS.filter(lambda text: text != "nil"),
    "true or false": st.booleans(),
    "number": st.integers(-(2**63), 2**63 - 1),
    "decimal number": st.integers(0, 10**6).map(lambda value: value / 10**6),
    "duration": st.integers(0, 10**12).map(lambda value: Seconds(value / 1000)),
    "domain name": st.sampled_from([Domain("a.example"), Domain("xn--bcher-kva.example"), Domain("localhost")]),
    "IP address": st.sampled_from([ipaddress.ip_address("192.0.2.1"), ipaddress.ip_address("2001:db8::1")]),
    "IP address or network": st.sampled_from([ipaddress.ip_network("192.0.2.0/24"), ipaddress.ip_network("::1")]),
    "regular expression": st.sampled_from([Regexp("^a$"), Regexp("b|c")]),
}


def values(kind: Kind) -> st.SearchStrategy[Any]:
    if isinstance(kind, Scalar):
        if kind.word in SCALARS:
            return SCALARS[kind.word]
        return st.sampled_from(list(type(kind.zero)))
    if isinstance(kind, ListOf):
        return st.lists(values(kind.element), min_size=1, max_size=2).map(tuple)
    if isinstance(kind, MapOf):
        keys = NAMES if kind.key.word == "text" else values(kind.key)
        return st.dictionaries(keys, values(kind.value), min_size=1, max_size=2)
    return structs(kind)


def structs(struct: Struct) -> st.SearchStrategy[Any]:
    required = {field.attribute: values(field.kind) for field in struct.fields if field.required}
    optional = {field.attribute: values(field.kind) for field in struct.fields if not field.required}

    @st.composite
    def build(draw: st.DrawFn) -> Any:
        chosen = draw(st.sets(st.sampled_from(sorted(optional)), max_size=4)) if optional else set()
        given_values = {name: draw(strategy) for name, strategy in required.items()}
        given_values.update({name: draw(optional[name]) for name in sorted(chosen)})
        return normal(struct, struct.type(**given_values))

    return build()


def normal(struct: Struct, value: Any) -> Any:
    """What cannot be told apart in a file is made equal: an explicit zero is the default, as in mox."""
    changes = {}
    for field in struct.fields:
        content = getattr(value, field.attribute)
        zero_number = isinstance(field.kind, Scalar) and not field.kind.is_text and content == 0
        if zero_number and not isinstance(content, bool) and not field.required and not field.explicit_zero:
            changes[field.attribute] = field.default
        has_presence = isinstance(field.kind, Struct) and any(
            isinstance(one.kind, Scalar) and one.default not in (None, "")
            for one in field.kind.fields
            if not one.required
        )
        if is_default(field, content) and not has_presence:
            changes[field.attribute] = field.default
    return dataclasses.replace(value, **changes)


SLOW = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))


@SLOW
@given(values(struct_of(Static)), st.booleans())
def test_any_mox_conf_survives_writing(value: Static, docs: bool) -> None:
    again = read(write(value, docs=docs), "mox.conf", Static)
    assert again.problems == []
    assert again.value == value


@SLOW
@given(values(struct_of(Dynamic)), values(struct_of(Dynamic)))
def test_any_domains_conf_survives_writing_and_can_become_any_other(old: Dynamic, new: Dynamic) -> None:
    reading = read(write(old, docs=True), "domains.conf", Dynamic)
    assert reading.problems == []
    assert reading.value == old
    update(reading.document, old, new)
    assert read(sconf.write(reading.document), "domains.conf", Dynamic).value == new


def document() -> tuple[Any, Dynamic, str]:
    data = (DATA / "go-quickstart" / "domains.conf").read_bytes()
    reading = read(data, "domains.conf", Dynamic)
    return reading.document, reading.value, data.decode()


def edited(account: Mapping[str, Any]) -> tuple[str, str]:
    tree, value, before = document()
    jane = dataclasses.replace(value.accounts["jane"], **account)
    update(tree, value, dataclasses.replace(value, accounts={"jane": jane}))
    return before, sconf.write(tree).decode()


def test_no_change_changes_no_byte() -> None:
    before, after = edited({})
    assert after == before


def test_a_changed_value_changes_its_line_only() -> None:
    before, after = edited({"rejects_mailbox": "Refused"})
    assert after == before.replace("RejectsMailbox: Rejects", "RejectsMailbox: Refused")


def test_a_new_setting_goes_to_its_place() -> None:
    before, after = edited({"full_name": "Jane"})
    assert after == before.replace("\t\tDomain: example.test\n", "\t\tDomain: example.test\n\t\tFullName: Jane\n")


def test_a_setting_at_its_default_goes_with_its_own_comment() -> None:
    before, after = edited({"no_custom_password": False})
    assert after == before.replace("\t\t# (optional)\n\t\tNoCustomPassword: true\n", "")


def test_nil_becomes_a_block_and_back() -> None:
    before, after = edited({"destinations": {"jane@example.test": Destination(mailbox="Mine")}})
    assert after == before.replace("jane@example.test: nil", "jane@example.test:\n\t\t\t\tMailbox: Mine")


def test_lists_of_blocks_keep_the_elements_that_stay() -> None:
    text = "- x\n"
    routes = tuple(Route(transport=name) for name in ("a", "b", "c"))
    value = Account(domain="d", routes=routes)
    tree = sconf.parse(write(value).replace(b"\t\tTransport: b", b"\t\t# my note\n\t\tTransport: b"))
    update(tree, value, dataclasses.replace(value, routes=(routes[1], Route(transport="d", minimum_attempts=2))))
    rows = sconf.write(tree).decode()
    assert "# my note\n\t\tTransport: b" in rows
    assert text not in rows
    assert [route.transport for route in read(rows.encode(), "x", Account).value.routes] == ["b", "d"]


def test_the_form_is_that_of_mox() -> None:
    account = Account(
        domain="",
        destinations={
            "b@x": Destination(),
            "a@x": Destination(rulesets=(Ruleset(mailbox="", verified_domain=Domain("y")),)),
        },
        keep_retired_message_period=Seconds(72 * 3600.0),
    )
    assert write(account).decode() == (
        "KeepRetiredMessagePeriod: 72h0m0s\nDomain: \nDestinations:\n\ta@x:\n\t\tRulesets:\n\t\t\t-\n"
        "\t\t\t\tVerifiedDomain: y\n\t\t\t\tMailbox: \n\tb@x: nil\n"
    )


def test_a_section_whose_presence_says_something_is_written() -> None:
    for transport in (Transport(direct=DirectTransport()), Transport(fail=FailTransport())):
        assert read(write(transport), "x", Transport).value == transport


def test_an_explicit_zero_is_kept_only_where_it_differs_from_nothing() -> None:
    smtp = read(
        b"Enabled: true\nPort: 0\nFirstTimeSenderDelay: 0s\nTLSSessionTicketsDisabled: false\n", "x", Smtp
    ).value
    assert (smtp.port, smtp.first_time_sender_delay, smtp.tls_session_tickets_disabled) == (25, 0.0, False)
    assert write(smtp) == b"Enabled: true\nFirstTimeSenderDelay: 0s\nTLSSessionTicketsDisabled: false\n"


@pytest.mark.parametrize(
    "value",
    [
        Listener(ips=()),
        Account(domain="d", description="a\nb"),
        Account(domain="d", destinations={"a:b": Destination()}),
        Account(domain="d", destinations={"": Destination()}),
        Account(domain="d", destinations={"# a": Destination()}),
        Account(
            domain="d",
            destinations={
                "a": Destination(rulesets=(Ruleset(mailbox="x", headers_regexp={Regexp("a"): Regexp("nil")}),))
            },
        ),
    ],
)
def test_what_the_format_cannot_say_is_an_error(value: object) -> None:
    with pytest.raises(SconfSyntaxError):
        write(value)
