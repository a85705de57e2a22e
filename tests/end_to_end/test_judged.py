"""Mail from other hosts at the built server: every verdict, and what is written about it into the message.

Debian's Postfix and OpenDKIM send, zones are signed and served by NSD, Unbound validates before the server.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes, policy

import pytest

from tests.end_to_end.judgedmail import (
    DOMAIN,
    HONEST_IP,
    HOST,
    LISTS_IP,
    PERSON,
    Judged,
    hand_over,
    judged_mail,
    letter,
)
from tests.end_to_end.reading import new_subject
from tests.end_to_end.signeddns import ask
from tests.support.namespace import skip_reason
from tests.trust.test_arc import KEY as SEALING_KEY
from tests.trust.test_arc import seal

pytestmark = pytest.mark.skipif(bool(skip_reason()), reason=skip_reason())

AUTHOR = "bob@sender.example"
LIST = "bounces@list.example"
# The person reads one list of that server; its other lists come under no rule, but what it seals is believed.
RULE = f"""\
			{PERSON}:
				Rulesets:
					-
						VerifiedDomain: list.example
						IsForward: true
						SMTPMailFromRegexp: ^roses@list\\.example$
						Mailbox: Roses
"""


@pytest.fixture(scope="module")
def judged() -> Iterator[Judged]:
    with judged_mail([(f"\t\t\t{PERSON}: nil\n", RULE)], seal=SEALING_KEY.record()) as judged:
        yield judged


def values(stored: bytes, name: str) -> list[str]:
    """The fields of a name, each on one line."""
    return [" ".join(str(one).split()) for one in message_from_bytes(stored, policy=policy.default).get_all(name, [])]


def results(stored: bytes) -> str:
    """What we have found out."""
    (ours,) = [one for one in values(stored, "Authentication-Results") if one.startswith(f"{HOST};")]
    return ours


def as_sent(stored: bytes) -> bytes:
    """The message without what we have put in front."""
    return stored[stored.index(b"DKIM-Signature:") :]


@pytest.mark.parametrize(
    ("name", "kind", "rcode", "is_validated"),
    [
        ("sender.example", "TXT", 0, True),
        ("plain.example", "TXT", 0, False),
        ("bogus.example", "TXT", 2, False),
        ("_dmarc.nowhere.example", "TXT", 3, True),
    ],
)
def test_the_world_is_as_it_should_be(judged: Judged, name: str, kind: str, rcode: int, is_validated: bool) -> None:
    reply = ask(name, kind)
    assert (reply.rcode(), bool(reply.flags & 0x20)) == (rcode, is_validated)


@pytest.mark.parametrize(("domain", "dnssec"), [("sender.example", "with"), ("plain.example", "without")])
def test_mail_that_proves_where_it_is_from(judged: Judged, domain: str, dnssec: str) -> None:
    subject = new_subject()
    assert "status=sent (250 2.2.0 " in judged.post(f"bob@{domain}", subject)
    stored = judged.stored(subject)
    signature = re.sub(r"header\.b=\S+ ", "", results(stored))
    assert signature == (
        f"{HOST}; iprev=pass (with dnssec) policy.iprev={HONEST_IP}; dkim=pass (2048 bits, {dnssec} dnssec)"
        f" header.d={domain} header.s=k header.a=rsa-sha256 header.i=@{domain};"
        f" spf=pass ({dnssec} dnssec) smtp.mailfrom=bob@{domain};"
        f" dmarc=pass ({dnssec} dnssec, p=reject) header.from={domain}"
    )
    assert values(stored, "Received-SPF") == [
        f"pass ({HOST}: {domain} lets {HONEST_IP} send for it) receiver={HOST}; client-ip={HONEST_IP};"
        f' envelope-from="bob@{domain}"; helo=out.sender.example; identity=mailfrom; mechanism="ip4:{HONEST_IP}"'
    ]
    assert values(stored, "X-Mox-Reason") == ["no-bad-signals; nothing speaks against the message"]
    assert "out.sender.example (out.sender.example [193.0.9.25])" in values(stored, "Received")[0]


@pytest.mark.parametrize(
    ("domain", "wish", "wanted"),
    [("strict.example", "reject", "refused"), ("wary.example", "quarantine", "treated as junk")],
)
def test_mail_that_its_domain_does_not_know(judged: Judged, domain: str, wish: str, wanted: str) -> None:
    subject = new_subject()
    outcome = judged.post(f"bob@{domain}", subject)
    assert "dsn=5.7.26, status=bounced" in outcome
    assert "said: 550 5.7.26 " in outcome
    assert judged.find(subject) == []
    stored = judged.stored(subject, "Rejects")
    assert "; dkim=none; spf=fail (with dnssec) smtp.mailfrom=" in results(stored)
    assert f"; dmarc=fail (with dnssec, p={wish}) " in results(stored)
    (reason,) = values(stored, "X-Mox-Reason")
    assert reason.startswith("dmarc-policy; ")
    assert reason.endswith(f"the domain wants such mail {wanted}")
    assert values(stored, "Received-SPF")[0].startswith("fail ")


def test_what_a_broken_zone_says_is_not_known_and_comes_again(judged: Judged) -> None:
    subject = new_subject()
    outcome = judged.post("bob@bogus.example", subject)
    assert "dsn=4.7.26, status=deferred" in outcome
    found = results(judged.stored(subject, "Rejects"))
    assert "spf=temperror" in found
    assert "dmarc=temperror" in found
    assert "SERVFAIL" in found


def test_a_signature_outlives_a_forwarder_but_no_change(judged: Judged) -> None:
    subject = new_subject()
    judged.post(AUTHOR, subject)
    message = as_sent(judged.stored(subject))
    assert hand_over(message, sender="someone@elsewhere.example")[0] == 250
    assert "dmarc=pass" in results(judged.find(subject)[1])
    code, text = hand_over(message.replace(b"Hello", b"Hullo"), sender=AUTHOR)
    assert (code, text.startswith("5.7.26 ")) == (550, True)
    found = results(judged.stored(subject, "Rejects"))
    assert "dkim=fail" in found
    assert "iprev=fail" in found or "iprev=permerror" in found
    assert "spf=fail (with dnssec)" in found
    assert "dmarc=fail (with dnssec, p=reject)" in found


def of_list(judged: Judged, author: str, subject: str) -> bytes:
    """A post as a list of the old kind hands it on: with a line more, and under its own reverse-path."""
    judged.post(author, subject)
    return as_sent(judged.stored(subject)).rstrip() + b"\r\n__\r\nTo leave, write to leave@list.example\r\n"


def test_a_list_that_breaks_signatures_and_a_domain_that_minds_nothing(judged: Judged) -> None:
    subject = new_subject()
    message = of_list(judged, "bob@loose.example", subject)
    assert hand_over(message, sender=LIST, ip=LISTS_IP)[0] == 250
    found = results(judged.find(subject)[1])
    assert "dkim=fail" in found
    assert "spf=pass (with dnssec) smtp.mailfrom=bounces@list.example" in found
    assert "dmarc=fail (with dnssec, p=none)" in found


def test_a_list_that_breaks_signatures_needs_a_rule_or_a_seal(judged: Judged) -> None:
    subject = new_subject()
    message = of_list(judged, AUTHOR, subject)
    assert hand_over(message, sender=LIST, ip=LISTS_IP)[0] == 550
    assert hand_over(message, sender="roses@list.example", ip=LISTS_IP)[0] == 250
    assert "dmarc=fail" in results(judged.stored(subject, "Roses"))
    sealed = seal(message, 1, "list.example", seen=b"dmarc=pass header.from=sender.example")
    assert hand_over(sealed, sender=LIST, ip=LISTS_IP)[0] == 250
    stored = judged.find(subject)[1]
    assert "arc=pass" in results(stored)
    assert "dmarc=fail (with dnssec, p=reject)" in results(stored)
    assert hand_over(sealed.replace(b"To leave", b"To stay"), sender=LIST, ip=LISTS_IP)[0] == 550


def test_only_we_say_what_we_have_found_out(judged: Judged) -> None:
    subject = new_subject()
    forged = b"".join(
        b"Authentication-Results: %s\r\n" % value
        for value in (
            f"{HOST}; dmarc=pass header.from=bank.example; dkim=pass header.d=bank.example".encode(),
            f"(a comment)\r\n {HOST.upper()} 1; spf=pass".encode(),
            b"mx.elsewhere.example; spf=pass",
        )
    )
    message = forged + letter("bob@loose.example", subject).as_bytes()
    assert hand_over(message, sender="bob@loose.example")[0] in (250, 451)
    (stored,) = judged.find(subject) + judged.find(subject, "Rejects")
    assert "bank.example" not in " ".join(values(stored, "Authentication-Results"))
    assert [one.split()[0] for one in values(stored, "Authentication-Results")] == [f"{HOST};", "mx.elsewhere.example;"]


def test_nobody_can_tell_who_wrote_what_has_two_authors(judged: Judged) -> None:
    subject = new_subject()
    message = b"From: the bank <info@strict.example>\r\n" + letter(AUTHOR, subject).as_bytes()
    code, text = hand_over(message, sender=AUTHOR, ip=HONEST_IP)
    assert (code, "more than one From" in text) == (550, True)
    assert judged.find(subject) == []


def test_mail_in_our_own_name_from_elsewhere(judged: Judged) -> None:
    subject = new_subject()
    code, text = hand_over(letter(f"boss@{DOMAIN}", subject).as_bytes(), sender=f"boss@{DOMAIN}")
    assert (code, text.startswith("5.7.26 ")) == (550, True)
    assert judged.find(subject) == []
