"""The objects of a running server, made from its configuration, started and stopped in the right order.

Start: accounts and queue open, then the services accept, then the queue delivers. Stop: no new connections, each open
one may finish what it does, then the queue, then the databases. Everything here runs on one event loop.
"""

from __future__ import annotations

import asyncio
import dataclasses
import ipaddress
import itertools
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.certificates.challenges import Challenges
from app.certificates.reloading import Reloading
from app.certificates.upkeep import Upkeep, Ways
from app.clock import SYSTEM, Clock
from app.config.live import Live
from app.config.static import Static
from app.ctl.server import TakeOver
from app.endpoints import Bound, Endpoint, Kind, automatic_certificates, certificates_in_files
from app.imapserver.connection import ImapConnection
from app.imapserver.preauthenticated import PreauthenticatedConnection
from app.imapserver.service import ImapService
from app.imapserver.session import SignedIn
from app.log import logger
from app.net.connection import Connection
from app.net.listen import Serving
from app.net.policyfetch import fetch_policy
from app.net.resolver import Resolver
from app.operations.accountdata import account_settings
from app.operations.dkimrotation import Rotations
from app.operations.imapimport.network import anywhere, is_public
from app.operations.imapimport.runs import Imports, network_of
from app.operations.lookout import Lookout
from app.queue.dispatcher import Dispatcher
from app.queue.forwarded import BackHome
from app.queue.inbox import Inbox
from app.queue.policies import MtaSts
from app.queue.setup import Local, Setup
from app.reports.schedule import Schedule
from app.reports.setup import Setup as ReportSetup
from app.smtpserver.checks.authentication import Authentication
from app.smtpserver.checks.blocklists import BlockLists
from app.smtpserver.checks.content import content
from app.smtpserver.conversation import Resources
from app.smtpserver.judging import Sources
from app.smtpserver.listener import factory
from app.smtpserver.local import LocalMessage, deliver
from app.smtpserver.rates import Rates
from app.store import reportsuppression
from app.store.accounts import Accounts
from app.store.queuedb import QueueDb
from app.store.queuerecords import Queued, Report
from app.store.receivedids import ReceivedIds
from app.store.serverdb import ServerDb
from app.store.signin import SignIn
from app.store.websessions import file_seal
from app.web.services import Services
from app.wire.smtp.address import Address, IPAddress, parse_address
from app.wire.smtp.reply import Reply

if TYPE_CHECKING:  # the pages are imported when a port for them is configured
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp

log = logger("serve")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How this run differs from the usual."""

    localserve_address: str = ""  # the address that takes all mail; "" is not localserve
    clock: Clock = SYSTEM

    @property
    def fallback(self) -> Address | None:
        """Who takes mail for unknown addresses."""
        return parse_address(self.localserve_address) if self.localserve_address else None


class Engine:
    """Everything that runs."""

    def __init__(self, live: Live, options: Options) -> None:
        """Open what is kept; raises StoreError. Call it on the event loop's thread before `start`."""
        self.live = live
        self.options = options
        clock = options.clock
        self.accounts = Accounts(live.data_dir, account_settings(live.static, lambda: live.dynamic), clock)
        self.queue = QueueDb.open(live.data_dir, clock)
        self.server = ServerDb.open(live.data_dir, clock)
        self.server.sessions.admin_seal = file_seal(live.resolve(live.static.admin_password_file or "adminpasswd"))
        self.signin = SignIn(live, self.accounts, clock, record=self.server.attempts.record)
        self.signin.keys = self.server.keys
        self.resolver = Resolver(clock=clock)
        self.rotations = Rotations(live, self.server.rotations, self.resolver, clock)
        self.lookout = Lookout(live, self.server.looks, self.resolver, clock)
        holders_reach = anywhere if options.localserve_address else is_public
        self.imports = Imports(self.accounts, network_of(self.resolver), holders_reach)
        self.challenges = Challenges(clock)
        ways = Ways(resolver=self.resolver, challenges=self.challenges)
        self.certificates = Upkeep(live, self.server.certificates, ways, clock)
        self._pages = Services(
            live=live,
            accounts=self.accounts,
            queue=self.queue,
            signin=self.signin,
            server=self.server,
            resolver=self.resolver,
            clock=clock,
            rotations=self.rotations,
            imports=self.imports,
            received_ids=ReceivedIds.open(live.data_dir),
            challenges=self.challenges,
            certificates=self.certificates,
        )
        self.serving = Serving()
        self._reloading = Reloading([])
        self._page_servers: list[tuple[object, asyncio.Task[None]]] = []
        self._smtp = Resources(
            live=live,
            accounts=self.accounts,
            queue=self.queue,
            sign_in=self.signin,
            rates=Rates(clock, is_limited=not options.localserve_address),
            clock=clock,
            localserve=options.fallback,
            judges=None if options.localserve_address else self._judges(),
            reports=self.server.reports,
            returns=self.server.returns,
            evaluations=None if live.static.no_outgoing_dmarc_reports else self.server.evaluations,
        )
        self._imap_service = self._imap()
        self.dispatcher = Dispatcher(self._queue_setup())
        self.reports = Schedule(
            ReportSetup(live=live, queue=self.queue, server=self.server, resolver=self.resolver, clock=clock)
        )

    def _judges(self) -> Sources:
        clock = self.options.clock
        return Sources(
            queue=self.queue,
            authenticate=Authentication(self.resolver, clock),
            classify=content,
            block_lists=BlockLists(self.resolver, clock),
            now=clock.now,
        )

    def _imap(self) -> ImapService:
        """As the control socket has it; listeners differ in some of it."""
        rates = Rates(self.options.clock, is_limited=not self.options.localserve_address)
        return ImapService(
            name="ctl",
            hostname=self.live.static.hostname.ascii,
            accounts=self.accounts,
            signin=self.signin,
            tls_context=None,
            passwords_need_tls=True,
            connections=rates.connections,
            concurrent=rates.concurrent,
        )

    async def _deliver_local(self, message: Local) -> Reply:
        """Mail of the queue for our own addresses goes the way of mail from outside, without a connection."""
        queued = message.queued
        local = LocalMessage(
            reverse_path=queued.reverse_path,
            recipient=queued.recipient,
            prefix=message.prefix,
            data=message.body,
            smtputf8=queued.smtputf8,
            requires_tls=queued.require_tls is True,
        )
        return await deliver(self._smtp, local)

    async def _report_refused(self, queued: Queued, words: str) -> None:
        """An address that takes no reports gets none for a month."""
        kind = reportsuppression.Kind.TLS if queued.report is Report.TLS else reportsuppression.Kind.DMARC
        if isinstance(queued.recipient, Address):
            await self.server.suppressions.add_refused(kind, queued.recipient, f"refused: {words}")

    def _mtasts(self) -> MtaSts:
        resolver = self.resolver
        return MtaSts(resolver, self.server.policies, self.options.clock, lambda name: fetch_policy(resolver, name))

    def _queue_setup(self) -> Setup:
        return Setup(
            db=self.queue,
            live=self.live,
            resolver=self.resolver,
            deliver_local=self._deliver_local,
            notify=Inbox(self.accounts, self.live).put,
            report_refused=self._report_refused,
            forward_failed=BackHome(self.accounts, self.queue, self.live).put,
            mtasts=None if self.options.localserve_address else self._mtasts(),
            record_tls=self.server.tls_results.record,
            clock=self.options.clock,
            is_localserve=self.options.fallback is not None,
            local_ips=local_ips(self.live.static),
            own_ips=frozenset(own_ips(self.live.static)),
        )

    async def start(self, bound: list[Bound]) -> None:
        """Begin to serve."""
        await self.imports.archives.go_on(self.live.dynamic.accounts)  # before anybody can upload another
        automatic = automatic_certificates(bound)
        for certificates in itertools.chain(*automatic.values()):
            certificates.missed = self.certificates.wanted_now
        self.certificates.serve(automatic)
        pages = [one.endpoint for one in bound if one.endpoint.kind is not Kind.METRICS]
        for one in bound:
            if one.endpoint.kind in (Kind.METRICS, Kind.PAGES):
                self._serve_pages(one, pages)
            else:
                proxies = one.endpoint.listener.proxy_protocol_from
                await self.serving.add(one.socket, self._factory(one.endpoint), proxies)
            log.info(
                "listening", service=service_name(one.endpoint), address=one.endpoint.address, port=one.endpoint.port
            )
        self.certificates.start()
        self._reloading = Reloading(certificates_in_files(self.live, bound))
        self._reloading.start()
        self.dispatcher.start()
        if not self.options.localserve_address:
            self.reports.start()
            self.rotations.begin()
            self.lookout.start()

    async def stop(self) -> None:
        """Finish what is under way and close everything."""
        from app.web.serving import PageServer

        for server, _ in self._page_servers:
            assert isinstance(server, PageServer)
            server.stop()
        await self.serving.stop()
        await asyncio.gather(*(task for _, task in self._page_servers), return_exceptions=True)
        await self.certificates.stop()
        await self._reloading.stop()
        await self.reports.stop()
        await self.rotations.stop()
        await self.imports.stop()
        await self.lookout.stop()
        await self.dispatcher.stop()
        self._pages.backends.close()
        self.resolver.close()
        self.signin.close()
        self.server.close()
        self.queue.close()
        self.accounts.close()

    def _factory(self, endpoint: Endpoint) -> Callable[[], Connection]:
        if endpoint.smtp is not None:
            return factory(endpoint.smtp, self._smtp)
        service = dataclasses.replace(
            self._imap_service,
            name=service_name(endpoint),
            hostname=(endpoint.listener.hostname or self.live.static.hostname).ascii,
            tls_context=endpoint.tls,
            passwords_need_tls=endpoint.passwords_need_tls,
            max_message_bytes=endpoint.listener.smtp_max_message_size,
        )
        implicit: ssl.SSLContext | None = endpoint.tls if endpoint.is_tls_first else None
        return lambda: ImapConnection(service, implicit_tls=implicit)

    async def imap_for(self, account_name: str, login: str) -> TakeOver:
        """What speaks IMAP on a connected socket, with somebody who needs not sign in; raises StoreError."""
        who = SignedIn(await self.accounts.open(account_name), login)

        async def take(sock: socket.socket) -> None:
            connection = PreauthenticatedConnection(self._imap_service, who)
            connection.group = self.serving.connections
            await asyncio.get_running_loop().connect_accepted_socket(lambda: connection, sock)

        return take

    def _serve_pages(self, bound: Bound, services: list[Endpoint]) -> None:
        from app.operations.figures import Figures
        from app.web.admin.status import sources_of
        from app.web.metricspage import metrics_app
        from app.web.ports import port_app
        from app.web.serving import PageServer

        if bound.endpoint.kind is Kind.METRICS:
            app: ASGIApp = metrics_app(Figures(sources_of(self._pages)).refresh)
        else:
            app = port_app(self._pages, bound.endpoint.mounts, self._start_routes(services))
        server = PageServer(app, [bound.socket], bound.endpoint.tls, challenges=self.challenges)
        self._page_servers.append((server, asyncio.get_running_loop().create_task(server.serve())))

    def _start_routes(self, services: list[Endpoint]) -> list[BaseRoute]:
        """The first page of a test server."""
        from app.web.startpage import Service, start_routes

        if not self.options.localserve_address:
            return []
        rows = [
            Service(name=service_name(one), host=one.address, port=one.port, security=security_of(one))
            for one in services
        ]
        return start_routes(rows, self.options.localserve_address)


def service_name(endpoint: Endpoint) -> str:
    """The name of what is served, as people know it."""
    if endpoint.smtp is not None:
        return str(endpoint.smtp.kind.value)
    if endpoint.kind is Kind.IMAP:
        return "imaps" if endpoint.is_tls_first else "imap"
    if endpoint.kind is Kind.PAGES:
        return "https" if endpoint.tls else "http"
    return str(endpoint.kind.value)


def security_of(endpoint: Endpoint) -> str:
    """How a client protects the connection."""
    if endpoint.is_tls_first or service_name(endpoint) in ("submissions", "https"):
        return "TLS"
    has_starttls = endpoint.smtp.offers_starttls if endpoint.smtp else endpoint.tls is not None
    return "STARTTLS" if has_starttls else "none"


def own_ips(static: Static) -> list[IPAddress]:
    """The addresses at which our SMTP listens, and those that stand for them behind NAT."""
    listeners = [one for one in static.listeners.values() if one.smtp is not None and one.smtp.enabled]
    return [ipaddress.ip_address(str(ip)) for one in listeners for ip in (*one.ips, *one.nat_ips)]


def local_ips(static: Static) -> tuple[IPAddress, ...]:
    """The addresses outgoing mail leaves from: those of the SMTP listeners, if no family has two and none is "any"."""
    listeners = [one for one in static.listeners.values() if one.smtp is not None and one.smtp.enabled]
    ips = [ipaddress.ip_address(str(ip)) for one in listeners for ip in one.ips]
    if any(ip.is_unspecified for ip in ips) or len({ip.version for ip in ips}) < len(ips):
        return ()
    return tuple(ips)
