"""What cannot be in accounts and aliases of domains.conf: addresses used twice or of foreign domains, bad rules.

An address counts in its canonical form, so `jane` and `Jane` of one domain are the same where case does not matter.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from app.config.dynamic import Account, Destination, Dynamic, Ruleset
from app.config.lookup import canonical_localpart, destination_address
from app.config.reading import Path
from app.config.static import Static
from app.errors import WireError
from app.wire.smtp.address import parse_localpart

if TYPE_CHECKING:
    from app.config.check_dynamic import DynamicChecks

_ACCOUNT_NAME = re.compile(r"[^\x00-\x1f\x7f/\\:]{1,100}")
_SMTP_ERROR = re.compile(r"(?:421|550) .+")
_CAPABILITY = re.compile(r"[A-Z0-9=+_./-]+")


class AccountChecks:
    """The checks of all accounts and aliases."""

    def __init__(self, checks: DynamicChecks, static: Static, dynamic: Dynamic) -> None:
        self.checks = checks
        self.static = static
        self.dynamic = dynamic
        self.domains = {form for domain in dynamic.domains for form in (domain.unicode, domain.ascii)}
        self.taken: dict[str, str] = {}  # canonical address to the words for who has it

    def run(self) -> None:
        """Complain about everything."""
        for name, account in self.dynamic.accounts.items():
            self._account(("Accounts", name), name, account)
        for domain, config in self.dynamic.domains.items():
            for localpart in config.aliases:
                self._alias_name(("Domains", domain.unicode, "Aliases", localpart), localpart, domain.unicode)
        for domain, config in self.dynamic.domains.items():
            for localpart, alias in config.aliases.items():
                self._alias_members(("Domains", domain.unicode, "Aliases", localpart), alias.addresses)

    def _account(self, path: Path, name: str, account: Account) -> None:
        if not _ACCOUNT_NAME.fullmatch(name) or name.startswith(".") or name != name.strip():
            self.checks.complain(path, "an account name becomes the name of a directory; use letters and digits")
        if account.domain and account.domain not in self.domains:
            self.checks.complain((*path, "Domain"), f"{account.domain!r} is not among the Domains")
        self.checks.reply_text((*path, "LoginDisabled"), account.login_disabled)
        for key, destination in account.destinations.items():
            here = (*path, "Destinations", key)
            self._claim(here, key, f"account {name}")
            self._destination(here, destination)
        for index, address in enumerate(account.from_id_login_addresses):
            self._from_id((*path, "FromIDLoginAddresses", f"[{index}]"), address)
        self._mailboxes(path, account)
        self._numbers(path, account)
        for index, capability in enumerate(account.imap_capabilities_disabled):
            if not _CAPABILITY.fullmatch(capability):
                text = f"{capability!r} is not an IMAP capability in upper case"
                self.checks.complain((*path, "IMAPCapabilitiesDisabled", f"[{index}]"), text)
        self.checks.routes(path, account.routes)

    def _claim(self, path: Path, key: str, owner: str) -> None:
        """One address, that nobody else may have."""
        try:
            localpart, domain = destination_address(key)
        except WireError as err:
            self.checks.complain(path, f"not an address, localpart@domain or @domain: {err.message}")
            return
        config = self.dynamic.domains.get(domain)
        if config is None:
            self.checks.complain(path, f"{domain} is not among the Domains")
            return
        separator = next((one for one in config.separators if one in localpart), "")
        if separator:
            self.checks.complain(
                path, f"the localpart has the catchall separator {separator!r}; leave out what follows"
            )
            return
        canonical = f"{canonical_localpart(config, localpart)}@{domain.ascii}"
        if other := self.taken.get(canonical):
            self.checks.complain(path, f"this address is used already, by {other}")
        self.taken.setdefault(canonical, owner)

    def _alias_name(self, path: Path, localpart: str, domain: str) -> None:
        try:
            _, end = parse_localpart(localpart)
        except WireError as err:
            self.checks.complain(path, f"not a localpart: {err.message}")
            return
        if end != len(localpart):
            self.checks.complain(path, "not a localpart: give only what stands before the @")
            return
        self._claim(path, f"{localpart}@{domain}", f"the alias {localpart}@{domain}")

    def _alias_members(self, path: Path, addresses: tuple[str, ...]) -> None:
        seen: set[str] = set()
        for index, text in enumerate(addresses):
            here = (*path, "Addresses", f"[{index}]")
            try:
                localpart, domain = destination_address(text)
            except WireError as err:
                self.checks.complain(here, f"not an address: {err.message}")
                continue
            config = self.dynamic.domains.get(domain)
            canonical = f"{canonical_localpart(config, localpart)}@{domain.ascii}" if config else ""
            if not self.taken.get(canonical, "").startswith("account "):
                self.checks.complain(here, f"{text} is not the address of an account here")
            elif canonical in seen:
                self.checks.complain(here, f"{text} is a member twice")
            seen.add(canonical)

    def _destination(self, path: Path, destination: Destination) -> None:
        if destination.mailbox:
            self.checks.mailbox((*path, "Mailbox"), destination.mailbox)
        if error := destination.smtp_error:
            if destination.mailbox or destination.rulesets:
                self.checks.complain(
                    (*path, "SMTPError"), "mail that is refused needs no Mailbox or Rulesets; give one"
                )
            if not _SMTP_ERROR.fullmatch(error):
                self.checks.complain((*path, "SMTPError"), "write 421 or 550, a space and a text")
            self.checks.reply_text((*path, "SMTPError"), error)
        self.checks.reply_text((*path, "MessageAuthRequiredSMTPError"), destination.message_auth_required_smtp_error)
        for index, ruleset in enumerate(destination.rulesets):
            self._ruleset((*path, "Rulesets", f"[{index}]"), ruleset)

    def _ruleset(self, path: Path, ruleset: Ruleset) -> None:
        matchers = (
            ruleset.smtp_mail_from_regexp,
            ruleset.msg_from_regexp,
            ruleset.verified_domain,
            ruleset.headers_regexp,
        )
        if not any(matchers):
            text = "a rule needs a condition: SMTPMailFromRegexp, MsgFromRegexp, VerifiedDomain or HeadersRegexp"
            self.checks.complain(path, text)
        if ruleset.is_forward and not (ruleset.smtp_mail_from_regexp and ruleset.verified_domain):
            self.checks.complain(
                (*path, "IsForward"), "needs SMTPMailFromRegexp and VerifiedDomain, to know who forwards"
            )
        if ruleset.is_forward and ruleset.list_allow_domain:
            self.checks.complain((*path, "ListAllowDomain"), "a rule is for forwarded mail or for a list, not for both")
        self.checks.mailbox((*path, "Mailbox"), ruleset.mailbox)
        if ruleset.accept_rejects_to_mailbox:
            self.checks.mailbox((*path, "AcceptRejectsToMailbox"), ruleset.accept_rejects_to_mailbox)

    def _from_id(self, path: Path, text: str) -> None:
        try:
            _, domain = destination_address(text)
        except WireError as err:
            self.checks.complain(path, f"not an address: {err.message}")
            return
        config = self.dynamic.domains.get(domain)
        if config is None:
            self.checks.complain(path, f"{domain} is not among the Domains")
        elif not config.separators:
            self.checks.complain(path, f"the domain {domain} needs a LocalpartCatchallSeparator for this")

    def _mailboxes(self, path: Path, account: Account) -> None:
        for name, mailbox in (("RejectsMailbox", account.rejects_mailbox), ("Introbox", account.introbox)):
            if mailbox:
                self.checks.mailbox((*path, name), mailbox)
            if mailbox.lower() == "inbox":
                self.checks.complain((*path, name), "this cannot be the Inbox")
        if account.introbox and account.introbox == account.rejects_mailbox:
            self.checks.complain((*path, "Introbox"), "this cannot be the RejectsMailbox")

    def _numbers(self, path: Path, account: Account) -> None:
        for name, value in (
            ("MaxOutgoingMessagesPerDay", account.max_outgoing_messages_per_day),
            ("MaxFirstTimeRecipientsPerDay", account.max_first_time_recipients_per_day),
            ("KeepRetiredMessagePeriod", account.keep_retired_message_period),
            ("KeepRetiredWebhookPeriod", account.keep_retired_webhook_period),
        ):
            if value < 0:
                self.checks.complain((*path, name), "cannot be negative")
        if account.subject_pass and account.subject_pass.period < 0:
            self.checks.complain((*path, "SubjectPass", "Period"), "cannot be negative")
        if junk := account.junk_filter:
            self._between((*path, "JunkFilter", "Threshold"), junk.threshold, 1)
            self._between((*path, "JunkFilter", "Params", "MaxPower"), junk.params.max_power, 0.5)
            self._between((*path, "JunkFilter", "Params", "IgnoreWords"), junk.params.ignore_words, 0.5)
            if junk.params.top_words < 0 or junk.params.rare_words < 0:
                self.checks.complain((*path, "JunkFilter", "Params"), "numbers of words cannot be negative")

    def _between(self, path: Path, value: float, high: float) -> None:
        if not 0 <= value <= high:
            self.checks.complain(path, f"must be between 0 and {high}")
