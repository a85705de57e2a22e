from dataclasses import replace

from app.wire.imap.capability import CAPABILITIES, ENABLES, Situation, capabilities

PLAIN = Situation(has_tls=False, has_starttls=True, is_signed_in=False, mechanisms=("PLAIN",), may_login=False)


def test_login_is_announced_as_it_is_allowed():
    before = capabilities(PLAIN).split()
    assert {"STARTTLS", "AUTH=PLAIN", "LOGINDISABLED", "SASL-IR"} <= set(before)
    with_tls = capabilities(replace(PLAIN, has_tls=True, may_login=True)).split()
    assert "LOGINDISABLED" not in with_tls
    assert "STARTTLS" not in with_tls


def test_after_login_nothing_about_login_is_left_and_an_account_can_lack_some():
    after = capabilities(replace(PLAIN, is_signed_in=True, disabled=frozenset({"IMAP4REV2"}))).split()
    assert "IMAP4rev1" in after
    assert not {"STARTTLS", "AUTH=PLAIN", "LOGINDISABLED", "SASL-IR", "IMAP4rev2"} & set(after)


def test_what_can_be_enabled_is_announced():
    in_another = {"METADATA-SERVER"}  # a part of METADATA, announced only by servers without the rest (RFC 5464 §1)
    assert {row.atom.upper() for row in CAPABILITIES} >= ENABLES - in_another
