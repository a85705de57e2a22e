"""Everything that can be wrong in mox.conf beyond types and names, all reported at once.

Accounts that it names are checked with domains.conf, where accounts are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from app.config.check_listener import ListenerChecks
from app.config.checking import Checks
from app.config.reading import Path as SettingPath
from app.config.reading import Places
from app.config.static import Acme, HostTlsRpt, Static
from app.config.transports import SmtpTransport, Transport
from app.errors import WireError
from app.wire.smtp.address import parse_address, parse_localpart

MECHANISMS = frozenset(
    ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"]
)
_HOST_PORT = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^:\[\]]+):([0-9]{1,5})")
_KINDS = ("submissions", "submission", "smtp", "socks", "direct", "fail")


class StaticChecks(Checks):
    """The checks of mox.conf."""

    def __init__(self, static: Static, places: Places, directory: Path | None) -> None:
        super().__init__(places, directory)
        self.static = static

    def run(self) -> None:
        """Complain about everything."""
        static = self.static
        if not static.data_dir:
            self.complain(("DataDir",), "give a directory, such as ../data")
        self._authorities()
        for name, acme in static.acme.items():
            self._acme(("ACME", name), acme)
        for name, listener in static.listeners.items():
            ListenerChecks(self, name, listener, frozenset(static.acme)).run()
        if not static.postmaster.account:
            self.complain(("Postmaster", "Account"), "give the name of an account in domains.conf")
        self.mailbox(("Postmaster", "Mailbox"), static.postmaster.mailbox)
        if static.host_tlsrpt:
            self._host_reports(static.host_tlsrpt)
        self._initial_mailboxes()
        for name, transport in static.transports.items():
            self._transport(("Transports", name), transport)
        if static.quota_message_size < 0:
            self.complain(("QuotaMessageSize",), "a number of bytes cannot be negative; 0 is no limit")

    def _authorities(self) -> None:
        tls = self.static.tls
        if not tls or not tls.ca:
            return
        if not tls.ca.cert_files and not tls.ca.additional_to_system:
            self.complain(("TLS", "CA"), "with no CertFiles no certificate at all would be trusted; add some")
        for index, name in enumerate(tls.ca.cert_files):
            self.file(("TLS", "CA", "CertFiles", f"[{index}]"), name)

    def _acme(self, path: SettingPath, acme: Acme) -> None:
        if not acme.directory_url.startswith(("https://", "http://")):
            self.complain((*path, "DirectoryURL"), "give the address of a directory, starting with https://")
        try:
            parse_address(acme.contact_email)
        except WireError as err:
            self.complain((*path, "ContactEmail"), f"not an email address: {err.message}")
        if not 0 < acme.port <= 65535:
            self.complain((*path, "Port"), "ports are 1 to 65535")
        if acme.external_account_binding:
            self.file((*path, "ExternalAccountBinding", "KeyFile"), acme.external_account_binding.key_file)

    def _host_reports(self, reports: HostTlsRpt) -> None:
        self.mailbox(("HostTLSRPT", "Mailbox"), reports.mailbox)
        if problem := localpart_problem(reports.localpart):
            self.complain(("HostTLSRPT", "Localpart"), problem)

    def _initial_mailboxes(self) -> None:
        static = self.static
        if static.default_mailboxes and static.initial_mailboxes:
            self.complain(("DefaultMailboxes",), "give only InitialMailboxes; DefaultMailboxes is its old form")
        seen: set[str] = set()
        for path, name in self._mailbox_names():
            self.mailbox(path, name)
            if name in seen:
                self.complain(path, f"{name!r} is named twice")
            elif name.lower() == "inbox":
                self.complain(path, "Inbox always exists; leave it out")
            seen.add(name)

    def _mailbox_names(self) -> Iterator[tuple[SettingPath, str]]:
        if initial := self.static.initial_mailboxes:
            uses = initial.special_use
            for name in ("Sent", "Archive", "Trash", "Draft", "Junk"):
                if mailbox := getattr(uses, name.lower()) if uses else "":
                    yield ("InitialMailboxes", "SpecialUse", name), mailbox
            for index, mailbox in enumerate(initial.regular):
                yield ("InitialMailboxes", "Regular", f"[{index}]"), mailbox
        for index, mailbox in enumerate(self.static.default_mailboxes):
            if mailbox.lower() != "inbox":  # the old form may list it
                yield ("DefaultMailboxes", f"[{index}]"), mailbox

    def _transport(self, path: SettingPath, transport: Transport) -> None:
        kinds = [kind for kind in _KINDS if getattr(transport, kind)]
        if len(kinds) > 1:
            self.complain(path, f"a transport is of one kind; these are given: {' '.join(kinds)}")
        for name, smtp in (
            ("Submissions", transport.submissions),
            ("Submission", transport.submission),
            ("SMTP", transport.smtp),
        ):
            if smtp:
                self._smtp_transport((*path, name), smtp)
        self._other_transport(path, transport)

    def _smtp_transport(self, path: SettingPath, transport: SmtpTransport) -> None:
        if not 0 <= transport.port <= 65535:
            self.complain((*path, "Port"), "ports are 1 to 65535")
        for index, word in enumerate(transport.auth.mechanisms if transport.auth else ()):
            if word not in MECHANISMS:
                text = f"unknown mechanism {word!r}; possible are: {' '.join(sorted(MECHANISMS))}"
                self.complain((*path, "Auth", "Mechanisms", f"[{index}]"), text)

    def _other_transport(self, path: SettingPath, transport: Transport) -> None:
        if transport.socks:
            match = _HOST_PORT.fullmatch(transport.socks.address)
            if not match or not 0 < int(match[1]) <= 65535:
                self.complain((*path, "Socks", "Address"), "give host and port, such as localhost:1080")
        if transport.direct and transport.direct.disable_ipv4 and transport.direct.disable_ipv6:
            self.complain((*path, "Direct"), "with both disabled nothing could be sent; leave one of them out")
        if fail := transport.fail:
            if not 400 <= fail.smtp_code <= 599:
                self.complain((*path, "Fail", "SMTPCode"), "a code to fail with is 400 to 599")
            self.reply_text((*path, "Fail", "SMTPMessage"), fail.smtp_message)


def localpart_problem(text: str) -> str:
    """What is wrong with an ASCII localpart, or nothing."""
    if not text.isascii():
        return "only ASCII characters are possible in this localpart"
    try:
        _, end = parse_localpart(text)
    except WireError as err:
        return f"not a localpart: {err.message}"
    return "" if end == len(text) else "not a localpart: give only what stands before the @"
