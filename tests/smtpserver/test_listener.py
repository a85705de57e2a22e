"""From the configuration of a listener to its services."""

from __future__ import annotations

import ipaddress
import ssl

from app.config.listener import Listener, Smtp, Submission, Submissions
from app.smtpserver.conversation import Kind
from app.smtpserver.listener import DEFAULT_MAX_SIZE, services
from app.wire.domain import Domain

HOST = Domain("mail.example.com")
IPS = (ipaddress.ip_address("127.0.0.1"),)


def test_each_enabled_service_with_its_port():
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    listener = Listener(
        ips=IPS,
        hostname=Domain("mx.example.com"),
        smtp_max_message_size=1000,
        smtp=Smtp(enabled=True, port=2525, require_starttls=True, no_require_tls=True),
        submission=Submission(enabled=True, no_require_starttls=True),
        submissions=Submissions(enabled=True),
    )
    (smtp, smtp_port), (submission, submission_port), (submissions, submissions_port) = services(listener, HOST, tls)
    assert (smtp_port, submission_port, submissions_port) == (2525, 587, 465)
    assert (smtp.kind, smtp.hostname.ascii, smtp.max_size) == (Kind.SMTP, "mx.example.com", 1000)
    assert (smtp.requires_tls, smtp.offers_requiretls, smtp.offers_starttls) == (True, False, True)
    assert (submission.requires_tls, submission.offers_starttls) == (False, True)
    assert (submissions.requires_tls, submissions.offers_starttls) == (True, False)


def test_what_is_off_is_off():
    listener = Listener(ips=IPS, smtp=Smtp(enabled=True, no_starttls=True), submission=Submission(enabled=False))
    ((smtp, port),) = services(listener, HOST, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    assert (port, smtp.hostname, smtp.max_size, smtp.offers_starttls) == (25, HOST, DEFAULT_MAX_SIZE, False)
