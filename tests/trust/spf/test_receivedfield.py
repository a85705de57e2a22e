"""The Received-SPF field."""

from __future__ import annotations

import ipaddress
import re

from hypothesis import given
from hypothesis import strategies as st

from app.trust.spf.receivedfield import write_received_spf
from app.trust.spf.result import SpfIdentity, SpfResult, SpfStatus
from app.wire.domain import Domain
from app.wire.smtp.address import NULL_PATH, Address

ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
QUOTED = r'"(?:[^"\\]|\\[^\r\n])*"'
PAIR = rf"[a-z-]+=(?:{ATOM}(?:\.{ATOM})*|{QUOTED})"
COMMENT = r"\((?:[^()\\]|\\.)*\)"
FIELD = re.compile(rf"Received-SPF: [a-z]+ {COMMENT} {PAIR}(?:; {PAIR})*\r\n")


def identity(localpart: str = "a", helo: str = "mail.example.org", ip: str = "192.0.2.1") -> SpfIdentity:
    sender = Address(localpart, Domain("example.org"))
    return SpfIdentity(ip=ipaddress.ip_address(ip), helo=helo, mail_from=sender, hostname="mx.example.com")


def unfolded(field: bytes) -> str:
    return field[:-2].decode().replace("\r\n\t", " ") + "\r\n"


def test_a_pass_is_written_with_what_is_needed_to_repeat_the_check() -> None:
    result = SpfResult(status=SpfStatus.PASS, domain="example.org", mechanism="ip4:192.0.2.0/24")
    assert unfolded(write_received_spf(identity(), result)) == (
        "Received-SPF: pass (mx.example.com: example.org lets 192.0.2.1 send for it) receiver=mx.example.com; "
        'client-ip=192.0.2.1; envelope-from="a@example.org"; helo=mail.example.org; identity=mailfrom; '
        'mechanism="ip4:192.0.2.0/24"\r\n'
    )


def test_a_null_reverse_path_and_an_ipv6_address_are_quoted() -> None:
    sender = SpfIdentity(ip=ipaddress.ip_address("2001:db8::1"), helo="mail.example.org", mail_from=NULL_PATH)
    result = SpfResult(status=SpfStatus.TEMPERROR, domain="mail.example.org", is_helo=True, problem="no reply")
    field = unfolded(write_received_spf(sender, result))
    assert 'client-ip="2001:db8::1"; envelope-from=""; helo=mail.example.org; identity=helo; ' in field
    assert field.endswith('problem="no reply"\r\n')


@given(st.text(max_size=50), st.text(max_size=400), st.text(max_size=50), st.sampled_from(SpfStatus))
def test_nothing_from_outside_breaks_the_form(localpart: str, helo: str, problem: str, status: SpfStatus) -> None:
    result = SpfResult(status=status, domain=helo, mechanism=helo, problem=problem, is_helo=False)
    field = write_received_spf(identity(localpart, helo, "::1"), result)
    text = unfolded(field)
    assert FIELD.fullmatch(text), text
