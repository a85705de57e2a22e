"""Seals of ours: what reads chains believes them, and dkimpy's own verifier, which we did not write."""

from __future__ import annotations

import asyncio

import dkim
import pytest

from app.trust.arc import MAX_INSTANCES, ArcStatus, check_arc
from app.trust.arcseal import seal
from app.trust.dkim.keys import SigningKey, load_key, make_rsa
from app.trust.dkim.sign import CannotSign, Selector
from app.wire.domain import Domain
from tests.trust.records import Records

KEY: SigningKey = load_key(make_rsa())
MESSAGE = (
    b"Received: from a\r\nDKIM-Signature: v=1; d=x\r\nFrom: a@example.org\r\nSubject: Hello\r\n  there\r\n"
    b"To: b@example.com\r\n\r\nBody  with blanks \r\n\r\n\r\n"
)
RESULTS = "mx.forward.example; spf=pass smtp.mailfrom=a@example.org; dkim=none; arc=none"
NOW = 1_700_000_000


def selector(domain: str = "forward.example") -> Selector:
    return Selector(name="s", domain=Domain(domain), key=KEY)


def dns(*domains: str) -> Records:
    return Records({f"s._domainkey.{name}": [KEY.record().encode()] for name in domains or ("forward.example",)})


def sealed(message: bytes, domain: str = "forward.example", chain: ArcStatus = ArcStatus.NONE) -> bytes:
    return seal(message, selector(domain), results=RESULTS, chain=chain, now=NOW) + message


def test_the_first_set_holds_and_tells_what_we_saw() -> None:
    message = sealed(MESSAGE)
    result = asyncio.run(check_arc(message, dns(), trusted=[Domain("forward.example")]))
    assert result.status is ArcStatus.PASS, result.words
    assert result.believed is not None
    assert result.believed.server == "mx.forward.example"
    assert result.believed.results[0].method == "spf"
    assert result.believed.results[0].result == "pass"
    assert message.startswith(b"ARC-Seal: i=1;")


def test_dkimpy_believes_it_too() -> None:
    message = sealed(sealed(MESSAGE), "second.example", ArcStatus.PASS)

    def txt(name: bytes, timeout: int = 5) -> bytes:
        return KEY.record().encode()

    verdict, results, reason = dkim.arc_verify(message, dnsfunc=txt)
    assert verdict == b"pass", (reason, results)
    assert len(results) == 2


def test_sets_follow_each_other_until_the_chain_is_too_long() -> None:
    message, names = MESSAGE, []
    for number in range(1, MAX_INSTANCES + 1):
        names.append(f"n{number}.example")
        message = sealed(message, names[-1], ArcStatus.PASS if number > 1 else ArcStatus.NONE)
        result = asyncio.run(check_arc(message, dns(*names)))
        assert (result.status, len(result.sealers)) == (ArcStatus.PASS, number)
    assert sealed(message, "more.example", ArcStatus.PASS) == message


def test_a_change_after_it_breaks_the_chain() -> None:
    message = sealed(MESSAGE)
    for changed in (
        message.replace(b"Body", b"Ydob"),
        message.replace(b"Hello", b"Bye"),
        message.replace(b"spf=", b"x="),
    ):
        assert asyncio.run(check_arc(changed, dns())).status is ArcStatus.FAIL


@pytest.mark.parametrize("chain", [ArcStatus.FAIL, ArcStatus.TEMPERROR, ArcStatus.NONE])
def test_a_chain_that_does_not_hold_is_left_alone(chain: ArcStatus) -> None:
    message = sealed(MESSAGE)
    assert seal(message, selector(), results=RESULTS, chain=chain, now=NOW) == b""


def test_a_chain_that_cannot_be_read_is_left_alone() -> None:
    assert seal(b"ARC-Seal: i=7\r\n" + MESSAGE, selector(), results=RESULTS, chain=ArcStatus.PASS, now=NOW) == b""


def test_a_header_that_cannot_be_signed_is_said() -> None:
    with pytest.raises(CannotSign):
        seal(b" folded: at once\r\n" + MESSAGE, selector(), results=RESULTS, chain=ArcStatus.NONE, now=NOW)
