"""Everything that can be wrong in domains.conf beyond types and names, all reported at once.

It is checked against mox.conf, whose transports, listeners and host names it uses, and in turn checks the accounts that
mox.conf names. Domains and their keys are checked here, accounts and addresses in `check_accounts.py`, web handlers in
`check_web.py`.
"""

from __future__ import annotations

import re
from pathlib import Path

from app.config.check_accounts import AccountChecks
from app.config.check_static import localpart_problem
from app.config.check_web import WebChecks
from app.config.checking import Checks
from app.config.dynamic import ConfigDomain, Dynamic, MtaSts, ReportAddress, Route, Selector
from app.config.reading import Path as SettingPath
from app.config.reading import Places
from app.config.static import Static
from app.errors import SconfSyntaxError, WireError
from app.trust.dkim.keys import BadKey, load_key
from app.wire.domain import Domain, parse_domain
from app.wire.sconf import parse_duration

_SEPARATOR = re.compile(r"[^@\s\"]+")
_POLICY_ID = re.compile(r"[A-Za-z0-9]{1,32}")  # RFC 8461 §3.1
MAX_SELECTOR = 63
_SELECTOR = re.compile(r"(?!-)[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")


class DynamicChecks(Checks):
    """The checks of domains.conf."""

    def __init__(self, static: Static, dynamic: Dynamic, places: Places, directory: Path | None) -> None:
        super().__init__(places, directory)
        self.static = static
        self.dynamic = dynamic

    def run(self) -> None:
        """Complain about everything."""
        if () in self.places.broken:  # the file could not be read, and all else would follow from that
            return
        for domain, config in self.dynamic.domains.items():
            self._domain(domain, config)
        self._static_accounts()
        AccountChecks(self, self.static, self.dynamic).run()
        WebChecks(self, self.static, self.dynamic).run()
        self.routes((), self.dynamic.routes)

    def _domain(self, domain: Domain, config: ConfigDomain) -> None:
        path = ("Domains", domain.unicode)
        self._separators(path, config)
        if config.dkim:
            for name, selector in config.dkim.selectors.items():
                self._selector((*path, "DKIM", "Selectors", name), name, selector)
            for index, name in enumerate(config.dkim.sign):
                if name not in config.dkim.selectors:
                    self.complain((*path, "DKIM", "Sign", f"[{index}]"), f"there is no selector {name!r}")
        if config.mtasts:
            self._mtasts((*path, "MTASTS"), config.mtasts)
        for section, report in (("DMARC", config.dmarc), ("TLSRPT", config.tlsrpt)):
            if report:
                self._report((*path, section), report)
        self.routes(path, config.routes)

    def _separators(self, path: SettingPath, config: ConfigDomain) -> None:
        if config.localpart_catchall_separator and config.localpart_catchall_separators:
            text = "give only one of LocalpartCatchallSeparator and LocalpartCatchallSeparators"
            self.complain((*path, "LocalpartCatchallSeparators"), text)
        seen: set[str] = set()
        for separator in config.separators:
            if not _SEPARATOR.fullmatch(separator):
                self.complain((*path, "LocalpartCatchallSeparators"), f"{separator!r} cannot be part of a localpart")
            elif separator in seen:
                self.complain((*path, "LocalpartCatchallSeparators"), f"{separator!r} is given twice")
            seen.add(separator)

    def _selector(self, path: SettingPath, name: str, selector: Selector) -> None:
        if not _SELECTOR.fullmatch(name) or len(name) > MAX_SELECTOR:
            self.complain(path, "a selector has letters, digits and hyphens, as it becomes part of a name in DNS")
        if selector.headers and not any(header.lower() == "from" for header in selector.headers):
            self.complain((*path, "Headers"), "From must be among the signed header fields (RFC 6376 §5.4)")
        if selector.expiration:
            self._expiration((*path, "Expiration"), selector.expiration)
        pem = self.file((*path, "PrivateKeyFile"), selector.private_key_file)
        if pem is not None:
            try:
                key = load_key(pem)
            except BadKey as err:
                self.complain((*path, "PrivateKeyFile"), str(err))
                return
            if key.algorithm == "ed25519-sha256" and selector.hash.value != "sha256":
                self.complain((*path, "Hash"), "an Ed25519 key needs sha256 (RFC 8463 §3)")

    def _expiration(self, path: SettingPath, text: str) -> None:
        try:
            if parse_duration(text) <= 0:
                self.complain(path, "a signature must be valid for some time; write a duration such as 72h")
        except SconfSyntaxError as err:
            self.complain(path, err.message)

    def _mtasts(self, path: SettingPath, policy: MtaSts) -> None:
        if not _POLICY_ID.fullmatch(policy.policy_id):
            self.complain((*path, "PolicyID"), "write 1 to 32 letters and digits (RFC 8461 §3.1)")
        if policy.max_age <= 0:
            self.complain((*path, "MaxAge"), "write a duration such as 24h")
        for index, pattern in enumerate(policy.mx):
            self.domain_pattern((*path, "MX", f"[{index}]"), pattern, "*.")

    def _report(self, path: SettingPath, report: ReportAddress) -> None:
        if problem := localpart_problem(report.localpart):
            self.complain((*path, "Localpart"), problem)
        if report.domain is not None and report.domain not in self.dynamic.domains:
            self.complain((*path, "Domain"), f"{report.domain} is not among the Domains")
        self.account((*path, "Account"), report.account)
        self.mailbox((*path, "Mailbox"), report.mailbox)

    def _static_accounts(self) -> None:
        """The accounts that mox.conf names; complained about here, as only this file changes while running."""
        named = [("Postmaster", self.static.postmaster.account)]
        if self.static.host_tlsrpt:
            named.append(("HostTLSRPT", self.static.host_tlsrpt.account))
        for section, name in named:
            if name and name not in self.dynamic.accounts:
                text = f"there is no account {name!r}, which {section} in mox.conf needs; add it, or name another there"
                self.complain(("Accounts",), text)

    def account(self, path: SettingPath, name: str) -> None:
        """The name of an account that must exist."""
        if name not in self.dynamic.accounts:
            known = ", ".join(list(self.dynamic.accounts)[:10])
            self.complain(path, f"there is no account {name!r}; there are: {known}")

    def routes(self, path: SettingPath, routes: tuple[Route, ...]) -> None:
        """Routes of the file, a domain or an account."""
        for index, route in enumerate(routes):
            here = (*path, "Routes", f"[{index}]")
            if route.transport not in self.static.transports:
                self.complain((*here, "Transport"), f"there is no transport {route.transport!r} in mox.conf")
            if route.minimum_attempts < 0:
                self.complain((*here, "MinimumAttempts"), "a number of attempts cannot be negative")
            for name, patterns in (("FromDomain", route.from_domain), ("ToDomain", route.to_domain)):
                for at, pattern in enumerate(patterns):
                    self.domain_pattern((*here, name, f"[{at}]"), pattern, ".")

    def domain_pattern(self, path: SettingPath, pattern: str, prefix: str) -> None:
        """A domain name, with `prefix` for those below it."""
        try:
            parse_domain(pattern.removeprefix(prefix))
        except WireError as err:
            self.complain(
                path, f"{pattern!r} is not a domain name, with or without {prefix!r} before it: {err.message}"
            )
