"""Checks are counted under names that dashboards know, and nothing a sender writes becomes a label."""

from __future__ import annotations

import re

import pytest

from app import metrics
from tests.smtpserver.test_authentication import FROM, check

SIGNATURE = "DKIM-Signature: v=1; a={}; d=sender.example; s=s; h=from:subject; bh=YQ==; b=YQ==\r\n"


def count(name: str) -> int:
    found = re.search(rf"^mox_{re.escape(name)} ([0-9]+)", metrics.exposition().decode(), re.MULTILINE)
    return int(found[1]) if found else 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ('spf_verify_duration_seconds_count{status="pass"}', FROM),
        ('iprev_lookup_total{status="pass"}', FROM),
        ('dmarc_verify_duration_seconds_count{reject="no",status="pass",use="yes"}', FROM),
        ('dmarc_verify_duration_seconds_count{reject="yes",status="fail",use="yes"}', "From: a@b.example\r\n"),
        ('dmarc_verify_duration_seconds_count{reject="no",status="fail",use="no"}', "From: a@c.example\r\n"),
        (
            'dkim_verify_duration_seconds_count{algorithm="rsa-sha256",status="permerror"}',
            SIGNATURE.format("rsa-sha256") + FROM,
        ),
        (
            'dkim_verify_duration_seconds_count{algorithm="other",status="permerror"}',
            SIGNATURE.format("fancy-hash7") + FROM,
        ),
    ],
)
def test_a_check_is_counted_once(name, message):
    zone = {
        "_dmarc.b.example": {"TXT": ["v=DMARC1; p=reject"]},
        "_dmarc.c.example": {"TXT": ["v=DMARC1; p=quarantine; pct=0"]},
    }
    before = count(name)
    check(message + "\r\nHello.\r\n", more=zone)
    assert count(name) == before + 1
    assert "fancy-hash7" not in metrics.exposition().decode()
