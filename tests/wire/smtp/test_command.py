"""Command lines and their parameters."""

from __future__ import annotations

import contextlib
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wire.domain import Domain
from app.wire.smtp.address import NULL_PATH, POSTMASTER, Address, AddressLiteral
from app.wire.smtp.command import (
    Auth,
    Bdat,
    Data,
    Ehlo,
    GreetingName,
    Helo,
    Mail,
    Noop,
    Offers,
    Quit,
    Rcpt,
    parse_command,
)
from app.wire.smtp.params import BodyKind, CommandError, MailParams, Notify, RcptParams

ALL = Offers(
    mail=frozenset("SIZE BODY SMTPUTF8 AUTH REQUIRETLS HOLDFOR HOLDUNTIL RET ENVID MT-PRIORITY BY".split()),
    rcpt=frozenset({"NOTIFY", "ORCPT"}),
)
FEW = Offers(mail=frozenset({"SIZE"}))
A = Address("a", Domain("example.org"))


@pytest.mark.parametrize("char", ["\x85", "\x80", "\x9f", "\u2028", "\u2029"])
@pytest.mark.parametrize("form", ["a{}b", '"a{}b"'])
def test_control_characters_above_ascii_are_refused_in_addresses(char, form):
    with pytest.raises(CommandError):
        parse_command(f"RCPT TO:<{form.format(char)}@example.org>".encode(), ALL)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"ehlo mx.example.org", Ehlo(GreetingName("mx.example.org", domain=Domain("mx.example.org")))),
        (b"HELO [127.0.0.1]", Helo(GreetingName("[127.0.0.1]", ip=ipaddress.ip_address("127.0.0.1")))),
        (b"EHLO 127.0.0.1", Ehlo(GreetingName("127.0.0.1", ip=ipaddress.ip_address("127.0.0.1")))),
        (b"EHLO [IPv6:::1]", Ehlo(GreetingName("[IPv6:::1]", ip=ipaddress.ip_address("::1")))),
        (b"EHLO my*pc", Ehlo(GreetingName("my*pc"))),
        (b"DATA  ", Data()),
        (b"Quit now", Quit()),
        (b"NOOP \x7f", Noop()),
        (b"BDAT 12", Bdat(12, False)),
        (b"bdat 0 last", Bdat(0, True)),
        (b"AUTH plain AGEAYg==", Auth("PLAIN", b"\0a\0b")),
        (b"AUTH  PLAIN  =", Auth("PLAIN", b"")),
        (b"AUTH LOGIN", Auth("LOGIN", None)),
        (b"MAIL FROM:<>", Mail(NULL_PATH, MailParams())),
        (b"mail from: <a@Example.ORG>", Mail(A, MailParams())),
        (b"MAIL FROM:<@hop.example,@two.example:a@example.org>", Mail(A, MailParams())),
        (b'MAIL FROM:<"a b>"@example.org>', Mail(Address("a b>", Domain("example.org")), MailParams())),
        ("MAIL FROM:<ü@bücher.example>".encode(), Mail(Address("ü", Domain("xn--bcher-kva.example")), MailParams())),
        (b"RCPT TO:<Postmaster>", Rcpt(POSTMASTER, RcptParams())),
        (b"RCPT TO:<a@[192.0.2.1]>", Rcpt(AddressLiteral("a", ipaddress.ip_address("192.0.2.1")), RcptParams())),
        (
            b"MAIL FROM:<> SIZE=100 BODY=8bitmime SMTPUTF8 AUTH=<> REQUIRETLS ENVID=a+2Bb RET=hdrs BY=-5;n",
            Mail(
                NULL_PATH,
                MailParams(
                    size=100, body=BodyKind.EIGHT_BIT, smtputf8=True, auth="<>", requiretls=True, envid="a+b",
                    ret="HDRS", by="-5;N",
                ),
            ),
        ),
        (b"MAIL FROM:<> HOLDFOR=60", Mail(NULL_PATH, MailParams(hold_for=60))),
        (b"MAIL FROM:<> HOLDUNTIL=1970-01-01T01:00:00+00:30", Mail(NULL_PATH, MailParams(hold_until=1800))),
        (
            b"RCPT TO:<a@example.org> NOTIFY=success,FAILURE ORCPT=rfc822;b+3Dc@x",
            Rcpt(A, RcptParams(notify=frozenset({Notify.SUCCESS, Notify.FAILURE}), orcpt=("rfc822", "b=c@x"))),
        ),
    ],
)  # fmt: skip
def test_good_commands(line, command):
    assert parse_command(line, ALL) == command


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"", "500 5.5.1"),
        (b"FOO", "500 5.5.1"),
        (b"GET / HTTP/1.1", "500 5.5.1"),
        (b"EHLO", "501 5.5.4"),
        (b"EHLO a b", "501 5.5.4"),
        ("EHLO bücher.example".encode(), "500 5.5.2"),
        (b"MAIL FROM:<\xff@example.org>", "500 5.5.2"),
        (b"MAIL TO:<>", "501 5.5.4"),
        (b"MAIL FROM:a@example.org", "501 5.5.4"),
        (b"MAIL FROM:<a@example.org", "501 5.5.4"),
        (b"MAIL FROM:<a@example.org>x", "501 5.5.4"),
        (b"MAIL FROM:<a>", "501 5.5.4"),
        (b"MAIL FROM:<a b@example.org>", "501 5.5.4"),
        (b"MAIL FROM:<@a:>", "501 5.5.4"),
        (b"MAIL FROM:<" + b"x" * 129 + b"@example.org>", "501 5.5.4"),
        (b"RCPT TO:<>", "501 5.5.4"),
        (b"MAIL FROM:<postmaster>", "501 5.5.4"),
        (b"DATA now", "501 5.5.4"),
        (b"BDAT", "501 5.5.4"),
        (b"BDAT -1", "501 5.5.4"),
        (b"BDAT 9999999999999", "501 5.5.4"),
        (b"AUTH", "501 5.5.4"),
        (b"AUTH PLAIN !!!", "501 5.5.2"),
        (b"MAIL FROM:<> FOO=1", "555 5.3.3"),
        (b"MAIL FROM:<> NOTIFY=NEVER", "555 5.3.3"),
        (b"MAIL FROM:<> SIZE=1 SIZE=1", "501 5.5.4"),
        (b"MAIL FROM:<> SIZE", "501 5.5.4"),
        (b"MAIL FROM:<> SIZE=-1", "501 5.5.4"),
        (b"MAIL FROM:<> SMTPUTF8=1", "501 5.5.4"),
        (b"MAIL FROM:<> BODY=9BIT", "501 5.5.4"),
        (b"MAIL FROM:<> HOLDFOR=1 HOLDUNTIL=2026-01-01T00:00:00Z", "501 5.5.4"),
        (b"MAIL FROM:<> HOLDUNTIL=tomorrow", "501 5.5.4"),
        (b"MAIL FROM:<> HOLDUNTIL=2026-13-01T00:00:00Z", "501 5.5.4"),
        (b"MAIL FROM:<> ENVID=+0A", "501 5.5.4"),
        (b"RCPT TO:<a@example.org> NOTIFY=NEVER,DELAY", "501 5.5.4"),
        (b"RCPT TO:<a@example.org> ORCPT=rfc822", "501 5.5.4"),
    ],
)  # fmt: skip
def test_bad_commands_and_their_codes(line, code):
    with pytest.raises(CommandError) as caught:
        parse_command(line, ALL)
    status = caught.value.status
    assert f"{status.code} {status.enhanced}" == code


def test_parameter_that_is_not_offered_is_unknown():
    with pytest.raises(CommandError) as caught:
        parse_command(b"MAIL FROM:<> HOLDFOR=60", FEW)
    assert caught.value.status.code == 555


@given(
    st.sampled_from([b"MAIL FROM:<", b"RCPT TO:<", b"EHLO ", b"BDAT ", b"AUTH ", b"MAIL FROM:<> ", b""]), st.binary()
)
def test_any_line_gives_a_command_or_a_command_error(start, rest):
    with contextlib.suppress(CommandError):
        parse_command(start + rest, ALL)
