"""Refusals as they are seen, and what people are told of them."""

from __future__ import annotations

import pytest

from app.routing.refusals import MAX_TEXT, explain, known_refusals
from app.wire.smtp.reply import ReplyParser, reply

GMAIL = "gmail-smtp-in.l.google.com"
MICROSOFT = "example-org.mail.protection.outlook.com"
OUTLOOK = "hotmail-com.olc.protection.outlook.com"
YAHOO = "mta5.am0.yahoodns.net"
APPLE = "mx01.mail.icloud.com"
GMX = "mx00.gmx.net"
TELEKOM = "mx00.t-online.de"
OTHER = "mx.example.org"

# Host, reply, and a piece of the cause; shortened, with addresses of documentation.
SEEN = [
    (GMAIL, "550 5.7.26 Your email has been blocked because the sender is unauthenticated.", "could not verify"),
    (GMAIL, "550 5.7.26 Unauthenticated email from example.com is not accepted due to DMARC policy.", "verify"),
    (GMAIL, "550 5.7.27 Your email has been blocked because SPF does not pass - gsmtp", "SPF record"),
    (GMAIL, "550 5.7.30 Your email has been blocked because DKIM does not pass - gsmtp", "no DKIM signature"),
    (GMAIL, "550 5.7.25 The IP address sending this message does not have a PTR", "no name in DNS"),
    (GMAIL, "550 5.7.1 [2001:db8::1] Our system has detected that this message does not meet IPv6 sending guidelines "
     "regarding PTR records and authentication. - gsmtp", "no name in DNS"),
    (GMAIL, "550 5.7.1 [192.0.2.1 12] Our system has detected that this message is likely unsolicited mail. - gsmtp",
     "takes the message for junk"),
    (GMAIL, "550 5.7.1 [192.0.2.1 19] Our system has detected that this message is likely suspicious due to the very "
     "low reputation of the sending domain. - gsmtp", "source of junk"),
    (GMAIL, "421 4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your IP address.",
     "more mail from this server"),
    (GMAIL, "552 5.7.0 This message was blocked because its content presents a potential security issue. - gsmtp",
     "attachment"),
    (GMAIL, "550 5.1.1 The email account that you tried to reach does not exist. https://support.google.com/mail/"
     "?p=NoSuchUser - gsmtp", "does not exist"),
    (GMAIL, "452 4.2.2 The recipient's inbox is out of storage space. https://support.google.com/mail/?p=OverQuotaTemp",
     "is full"),
    (GMAIL, "550 5.2.1 The email account that you tried to reach is inactive. ?p=DisabledUser", "switched off"),
    (GMAIL, "450 4.2.1 The user you are trying to contact is receiving mail too quickly. ?p=ReceivingRate", "too much"),
    (OUTLOOK, "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service "
     "provider since part of their network is on our block list (S3150).", "blocks the network"),
    (OUTLOOK, "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. part of their network is on our block "
     "list (S3140).", "blocks the network"),
    (OUTLOOK, "421 RP-001 (BAY004) Unfortunately, some messages from 192.0.2.1 weren't sent.", "only a little mail"),
    (OUTLOOK, "451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation. (S775)",
     "only a little mail"),
    (OUTLOOK, "550 SC-001 (BAY004) Unfortunately, messages from 192.0.2.1 weren't sent.", "blocks the address"),
    (OUTLOOK, "550 DY-001 (BAY004) Unfortunately, messages from 192.0.2.1 weren't sent.", "address of a home"),
    (OUTLOOK, "550 5.7.515 Access denied, sending domain example.com doesn't meet the required authentication level.",
     "did not pass SPF"),
    (OUTLOOK, "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).", "does not exist"),
    (MICROSOFT, "550 5.7.606 Access denied, banned sending IP [192.0.2.1]. AS(1410)", "Microsoft 365 blocks"),
    (MICROSOFT, "550 5.7.511 Access denied, banned sender[192.0.2.1].", "for good"),
    (MICROSOFT, "451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (S77719) AS(9000)", "only a little"),
    (MICROSOFT, "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", "no such address"),
    (MICROSOFT, "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", "not exist"),
    (MICROSOFT, "554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException", "is full"),
    (MICROSOFT, "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required", "certain senders"),
    (MICROSOFT, "550 5.7.1 Service unavailable, Client host [192.0.2.1] blocked using Spamhaus. To request removal "
     "from this list see https://www.spamhaus.org/query/ip/192.0.2.1 AS(1450)", "list of Spamhaus"),
    (YAHOO, "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user "
     "complaints - 4.16.55.1", "only a little mail"),
    (YAHOO, "553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, because the ip is in Spamhaus's list",
     "block list that Yahoo asks"),
    (YAHOO, "554 5.7.9 Message not accepted for policy reasons. See https://postmaster.yahooinc.com/error-codes",
     "could not verify"),
    (YAHOO, "554 delivery error: dd This user doesn't have a yahoo.com account (x@yahoo.com) [0]", "does not exist"),
    (YAHOO, "552 1 Requested mail action aborted, mailbox not found", "does not exist"),
    (APPLE, "550 5.7.1 [CS01] Message rejected due to local policy. Please visit https://support.apple.com/en-us/"
     "HT204137", "by its rules"),
    (APPLE, "554 5.7.1 [HM08] Message rejected due to local policy.", "by its rules"),
    (APPLE, "550 5.7.1 [HM08] Your IP has been blocked", "blocks the address"),
    (APPLE, "552 5.2.2 user is over quota", "is full"),
    (APPLE, "550 5.1.1 unknown or illegal alias: x@icloud.com", "does not exist"),
    (TELEKOM, "554 IP=192.0.2.1 - A problem occurred. (Ask your postmaster for help or to contact tosa@rx.t-online.de "
     "to clarify.) (BL)", "servers it does not know"),
    (GMX, "554 gmx.net (mxgmx109) Nemesis ESMTP Service not available", "by their rules"),
    (GMX, "554 Transaction failed Reject due to policy restrictions.", "by their rules"),
    (GMX, "550 Requested action not taken: mailbox unavailable", "does not exist"),
    (OTHER, "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", "Spamhaus"),
    (OTHER, "550 5.7.1 Error: open resolver; https://check.spamhaus.org/returnc/pub/192.0.2.53/", "Spamhaus"),
    (OTHER, "554 Service unavailable; Client host [192.0.2.1] blocked using bl.spamcop.net", "SpamCop"),
    (OTHER, "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using b.barracudacentral.org", "Barracuda"),
    (OTHER, "554 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1", "Proofpoint"),
    (OTHER, "550 5.7.1 Blocked. Visit https://csi.cloudmark.com/en/reset/ to request a delist.", "Cloudmark"),
]  # fmt: skip


@pytest.mark.parametrize(("host", "said", "cause"), SEEN)
def test_refusal_is_explained(host: str, said: str, cause: str) -> None:
    (read,) = ReplyParser().receive_data(said.encode() + b"\r\n")
    told = explain(host, read)
    assert told is not None
    assert cause in told.cause
    assert told.advice
    # The page of the queue has the reason and the reply in one line.
    assert explain(host, f"{told.cause} ({read})") == told


@pytest.mark.parametrize(
    ("host", "said"),
    [
        (OTHER, "550 5.7.26 unauthenticated, says a server that is not Gmail's"),
        ("evilgoogle.com", "550 5.7.26 unauthenticated"),
        (OTHER, "550 5.1.1 no such user"),
        (GMAIL, "421 4.3.0 Temporary system problem. Try again later. - gsmtp"),
        ("", "the server could not be reached"),
    ],
)
def test_what_nobody_knows_stays_as_it_is(host: str, said: str) -> None:
    assert explain(host, said) is None


def test_rows_are_whole_and_their_links_ours() -> None:
    rows = known_refusals()
    assert len(rows) > 50
    for row in rows:
        told = row.explanation
        assert told.whose
        assert told.cause.endswith(".")
        assert told.advice.endswith(".")
        assert not told.advice.startswith("=")
        assert told.link == "" or told.link.startswith("https://")
        assert all(host == host.lower() for host in row.hosts)
        assert told.what_next == f"{told.advice} See {told.link}".removesuffix(" See ")


def test_endless_text_is_looked_at_only_so_far() -> None:
    assert explain(GMAIL, "5" * MAX_TEXT + " 5.7.26") is None
    assert explain(GMAIL, reply(550, "5.7.1", "a\nb  Our\tsystem: likely\n unsolicited mail")) is not None
