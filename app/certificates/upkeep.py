"""Looks after the certificates that come by themselves: asks for what is missing or due, one after the other.

    upkeep = Upkeep(live, attempts, Ways(...), clock)
    upkeep.serve(listeners)        # by authority, the certificates that its listeners hand out
    upkeep.start()
    upkeep.wanted_now("www.example.org")       # a handshake asked for a name without a certificate

It looks at once, when the configuration changes, and every minute whether something is due; most looks cost a stat of
nothing and a comparison of numbers. A certificate that has come is in use for the next handshake of every listener. A
name that DNS does not have is not even asked for. Failures wait (`timing`), and are told on the admin page.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app import metrics
from app.certificates import timing
from app.certificates.challenges import Challenges
from app.certificates.faultwords import NotIssued
from app.certificates.files import CertificateFiles, Kept
from app.certificates.names import Wanted, wanted
from app.clock import Clock
from app.config.live import Live
from app.config.static import Acme
from app.errors import MailError
from app.log import logger
from app.net.tls import CertificateError, ServerCertificates
from app.store.certificateattempts import CertificateAttempts, FailedAttempts
from app.trust.lookup import LookupFailed, Resolver

if TYPE_CHECKING:  # imported when a certificate is due
    from app.certificates.authority import Authority, Terms

LOOK_S: Final = 60.0
ABSENT_WAIT_S: Final = 600.0  # for a name that is not in DNS
ASK_ARI_S: Final = 24 * 3600.0
LAST_SHARE: Final = 0.1  # of a certificate's life, in which it is renewed whatever the authority wishes

log = logger("certificates")

_FAILED = metrics.counter("autotls_cert_request_errors_total", "Certificates that were asked for and did not come.")
_KEPT = metrics.counter("autotls_certput_total", "Certificates that came.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """What is needed to prove a name."""

    resolver: Resolver
    challenges: Challenges


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A certificate as people are shown it. Times are seconds since 1970."""

    wanted: Wanted
    kept: Kept | None
    renews: float  # 0 without a certificate
    failed: FailedAttempts | None
    is_under_way: bool


class Upkeep:
    """All certificates of a server that come by themselves."""

    def __init__(self, live: Live, attempts: CertificateAttempts, ways: Ways, clock: Clock) -> None:
        self._live = live
        self._attempts = attempts
        self._ways = ways
        self._clock = clock
        self._files = CertificateFiles(live.data_dir)
        self._listeners: Mapping[str, Sequence[ServerCertificates]] = {}
        self._kept: dict[Wanted, Kept | None] = {}
        self._wishes: dict[Wanted, float] = {}  # when the authority wants a certificate renewed
        self._asked: dict[Wanted, float] = {}  # when it was asked for that; at the start for all, as if it had been
        self._began = clock.now()
        self._under_way: Wanted | None = None
        self._again = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def serve(self, listeners: Mapping[str, Sequence[ServerCertificates]]) -> None:
        """Give listeners what is there, before they accept; reads files."""
        self._listeners = listeners
        for authority in listeners:
            self._hand_out(authority)

    def start(self) -> None:
        """Begin to ask for what is missing or due: the ports must answer by now."""
        if self._listeners:
            self._task = asyncio.get_running_loop().create_task(self._watch())

    async def stop(self) -> None:
        """End; an order under way is left to the authority."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def wanted_now(self, name: str) -> None:
        """Somebody asks for this name: look soon, if it is ours and has no certificate."""
        missing = (one for one in self._wanted() if one.name == name)
        if any(self._find_quietly(one) is None for one in missing):
            self._again.set()

    async def states(self) -> list[State]:
        """Every certificate with what is known of it."""
        failed = await self._failed()
        return [
            State(
                wanted=one,
                kept=(kept := self._find_quietly(one)),
                renews=self._renewal(one, kept) if kept is not None else 0.0,
                failed=failed.get((one.authority, one.name)),
                is_under_way=one == self._under_way,
            )
            for one in self._wanted()
        ]

    async def try_now(self, name: str) -> None:
        """Try a name that has failed again at once, by the other challenge where there is one."""
        for failed in await self._attempts.all():
            if failed.name == name:
                await self._attempts.put(dataclasses.replace(failed, next=0.0))
        self._again.set()

    def _wanted(self) -> list[Wanted]:
        found = wanted(self._live.static, self._live.dynamic)
        return [one for one in found if one.authority in self._listeners]

    def _find(self, one: Wanted) -> Kept | None:
        if one not in self._kept:
            self._kept[one] = self._files.find(one.authority, one.name)
        return self._kept[one]

    def _find_quietly(self, one: Wanted) -> Kept | None:
        """The same; one that cannot be read just now counts as not there."""
        try:
            return self._find(one)
        except MailError as error:
            log.error("a certificate cannot be read", name=one.name, err=error)
            return None

    async def _failed(self) -> dict[tuple[str, str], FailedAttempts]:
        return {(one.authority, one.name): one for one in await self._attempts.all()}

    async def _watch(self) -> None:
        while True:
            try:
                await self._look()
            except MailError as error:
                log.error("cannot look after certificates", err=error)
            except Exception as error:  # a mistake in this program must not end it for ever
                metrics.PANICS.labels("certificates").inc()
                log.error("looking after certificates broke", err=repr(error))
            self._again.clear()
            try:
                await asyncio.wait_for(self._again.wait(), LOOK_S)
            except TimeoutError:
                continue

    async def _look(self) -> None:
        """Ask for everything that is due now."""
        failed = await self._failed()
        for one in self._wanted():
            before = failed.get((one.authority, one.name))
            if before is not None and before.next > self._clock.now():
                continue
            try:
                if self._is_due(one):
                    await self._try(one, before)
                elif before is not None:  # what failed was to read it
                    await self._attempts.forget(one.authority, one.name)
                elif self._asks_for_wish(one):
                    await self._ask_for_wish(one)
            except _Absent:
                words = "The name has no address in DNS yet. It is asked for when it has."
                count = before.count if before is not None else 0
                await self._note_failure(one, count, words, self._clock.now() + ABSENT_WAIT_S)
            except Exception as error:  # whatever it is, another try at once would use up what the authority allows
                await self._failed_by(one, before, error)

    async def _failed_by(self, one: Wanted, before: FailedAttempts | None, error: Exception) -> None:
        _FAILED.inc()
        count = (before.count if before is not None else 0) + 1
        if not isinstance(error, NotIssued | MailError):
            metrics.PANICS.labels("certificates").inc()
        when = self._clock.now() + timing.wait_after(count)
        if isinstance(error, NotIssued):
            when = max(when, error.not_before)
        words = str(error) if isinstance(error, NotIssued | MailError) else f"Something went wrong here: {error!r}"
        await self._note_failure(one, count, words, when)
        log.error("no certificate", name=one.name, authority=one.authority, attempts=count, err=words)

    def _is_due(self, one: Wanted) -> bool:
        kept = self._find(one)
        return kept is None or self._renewal(one, kept) <= self._clock.now()

    def _renewal(self, one: Wanted, kept: Kept) -> float:
        usual = timing.renewal_time(one.name, kept.begins, kept.ends, float(self._settings(one).renew_before))
        latest = kept.ends - LAST_SHARE * (kept.ends - kept.begins)
        return min(self._wishes.get(one, usual), max(latest, usual))

    def _settings(self, one: Wanted) -> Acme:
        return self._live.static.acme[one.authority]

    async def _try(self, one: Wanted, before: FailedAttempts | None) -> None:
        self._under_way = one
        try:
            if not await self._has_address(one.name):
                raise _Absent
            kept = await asyncio.to_thread(self._obtain, one, before.count if before is not None else 0)
            _KEPT.inc()
            self._kept[one] = kept
            self._wishes.pop(one, None)
            await self._attempts.forget(one.authority, one.name)
            await asyncio.to_thread(self._hand_out, one.authority)
            log.info("certificate has come", name=one.name, authority=one.authority)
        finally:
            self._under_way = None

    async def _note_failure(self, one: Wanted, count: int, words: str, again: float) -> None:
        await self._attempts.put(
            FailedAttempts(
                authority=one.authority,
                name=one.name,
                count=count,
                last=self._clock.now(),
                next=again,
                error=words,
            )
        )

    async def _has_address(self, name: str) -> bool:
        try:
            return bool((await self._ways.resolver.addresses(name)).records)
        except LookupFailed:  # the authority may know more
            return True

    # In threads

    def _obtain(self, one: Wanted, failures: int) -> Kept:
        from app.certificates.authority import new_key

        self._files.require_room(one.authority)
        key = self._host_key(one) if one.is_host else None
        key = key or new_key()
        chain = self._authority(one).obtain(one.name, key, self._methods(one, failures))
        try:
            return self._files.put(one.authority, one.name, key, chain)
        except ValueError as error:
            raise NotIssued(f"The authority sent something that is no certificate for our key: {error}.") from None

    def _methods(self, one: Wanted, failures: int) -> Sequence[str]:
        """The challenges that can be answered; each failure puts the other one first."""
        from app.certificates.authority import HTTP, TLS_ALPN

        servers = (
            listener.webserver_http
            for listener in self._live.static.listeners.values()
            if listener.tls is not None and listener.tls.acme == one.authority
        )
        if not any(server is not None and server.enabled for server in servers):
            return (TLS_ALPN,)
        return (HTTP, TLS_ALPN) if failures % 2 else (TLS_ALPN, HTTP)

    def _authority(self, one: Wanted) -> Authority:
        from app.certificates.authority import Authority

        return Authority(self._terms(one.authority), self._ways.challenges)

    def _terms(self, authority: str) -> Terms:
        from app.certificates.authority import Terms, new_account_key

        settings, live = self._live.static.acme[authority], self._live
        key = self._files.account_key(authority)
        if key is None:
            key = new_account_key()
            self._files.put_account_key(authority, key)
        binding = None
        if (given := settings.external_account_binding) is not None:
            try:
                binding = (given.key_id, live.resolve(given.key_file).read_text().strip())
            except OSError as error:
                raise NotIssued(f"The file of ExternalAccountBinding cannot be read: {error.strerror}.") from None
        tls = live.static.tls
        ca_files = [str(live.resolve(name)) for name in (tls.ca.cert_files if tls is not None and tls.ca else ())]
        return Terms(
            directory_url=settings.directory_url,
            contact=settings.contact_email,
            account_key=key,
            binding=binding,
            ca_files=ca_files,
        )

    def _host_key(self, one: Wanted) -> bytes | None:
        """The key that the configuration gives for a host name, ECDSA where there is a choice."""
        found: list[tuple[bool, bytes]] = []
        static = self._live.static
        listeners = [
            listener
            for listener in static.listeners.values()
            if (listener.hostname or static.hostname).ascii == one.name
        ]
        for listener in listeners:
            for name in listener.tls.host_private_key_files if listener.tls is not None else ():
                try:
                    pem = self._live.resolve(name).read_bytes()
                except OSError as error:
                    log.error("a key of the host cannot be read; its TLSA record is not met", file=name, err=error)
                    continue
                try:
                    found.append((_is_rsa(pem), pem))
                except (ValueError, TypeError) as error:
                    log.error("a key of the host cannot be used; its TLSA record is not met", file=name, err=error)
        return min(found, key=lambda one: one[0])[1] if found else None

    def _hand_out(self, authority: str) -> None:
        """Give the listeners of an authority what is there, the host's first."""
        kept = [found for one in self._wanted() if one.authority == authority and (found := self._find_quietly(one))]
        for certificates in self._listeners.get(authority, ()):
            if not kept:
                continue
            try:
                certificates.replace([one.key_cert for one in kept])
            except CertificateError as error:
                log.error("certificates cannot be used", authority=authority, err=error)

    # What the authority wishes (ARI)

    def _asks_for_wish(self, one: Wanted) -> bool:
        """Once a day: an authority that has to revoke certificates says so here first (RFC 9773 §4.3)."""
        return self._find(one) is not None and self._clock.now() - self._asked.get(one, self._began) >= ASK_ARI_S

    async def _ask_for_wish(self, one: Wanted) -> None:
        kept = self._find(one)
        assert kept is not None
        try:
            wish = await asyncio.to_thread(functools.partial(self._wish, one, kept.chain))
        except (NotIssued, MailError) as error:
            log.warn("cannot ask when to renew", name=one.name, err=error)
            wish = None
        self._asked[one] = self._clock.now()
        if wish is not None:
            self._wishes[one] = wish

    def _wish(self, one: Wanted, chain: bytes) -> float | None:
        return self._authority(one).renewal_time(chain)


class _Absent(Exception):
    """The name is not in DNS."""


def _is_rsa(pem: bytes) -> bool:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    return isinstance(load_pem_private_key(pem, None), RSAPrivateKey)
