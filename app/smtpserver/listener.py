"""The three SMTP services of a listener, made from its configuration.

for service in services(listener, static.hostname, tls_context):
    await serving.add(sock, factory(service, resources))
"""

from __future__ import annotations

import ssl
from collections.abc import Callable

from app.config.listener import Listener
from app.smtpserver.connection import SmtpConnection
from app.smtpserver.conversation import Kind, Resources, Service
from app.wire.domain import Domain

DEFAULT_MAX_SIZE = 100 << 20


def factory(service: Service, resources: Resources) -> Callable[[], SmtpConnection]:
    """Makes the protocol object of each accepted connection."""
    implicit_tls = service.tls if service.kind is Kind.SUBMISSIONS else None
    return lambda: SmtpConnection(service, resources, implicit_tls)


def services(listener: Listener, hostname: Domain, tls: ssl.SSLContext | None) -> list[tuple[Service, int]]:
    """The enabled services of a listener with their ports; `hostname` is that of mox.conf."""
    made: list[tuple[Service, int]] = []
    name = listener.hostname or hostname
    max_size = listener.smtp_max_message_size or DEFAULT_MAX_SIZE
    if (smtp := listener.smtp) is not None and smtp.enabled:
        service = Service(
            kind=Kind.SMTP,
            hostname=name,
            max_size=max_size,
            tls=None if smtp.no_starttls else tls,
            requires_tls=smtp.require_starttls,
            zones=smtp.dnsbls,
            first_time_delay_s=smtp.first_time_sender_delay,
        )
        made.append((service, smtp.port))
    if (submission := listener.submission) is not None and submission.enabled:
        requires_tls = not submission.no_require_starttls
        service = Service(kind=Kind.SUBMISSION, hostname=name, max_size=max_size, tls=tls, requires_tls=requires_tls)
        made.append((service, submission.port))
    if (submissions := listener.submissions) is not None and submissions.enabled:
        service = Service(kind=Kind.SUBMISSIONS, hostname=name, max_size=max_size, tls=tls, requires_tls=True)
        made.append((service, submissions.port))
    return made
