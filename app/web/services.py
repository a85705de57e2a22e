"""What pages work on: the open configuration, accounts, queue and server database of a running server."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.certificates.challenges import Challenges
from app.certificates.upkeep import Upkeep
from app.clock import Clock
from app.config.live import Live
from app.net.httpclient import Backends
from app.operations.dkimrotation import Rotations
from app.operations.imapimport.runs import Imports
from app.store.accounts import Accounts
from app.store.queuedb import QueueDb
from app.store.receivedids import ReceivedIds
from app.store.serverdb import ServerDb
from app.store.signin import SignIn
from app.trust.lookup import Resolver
from app.web.dnswatch import DnsWatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The objects of a running server that pages show and change."""

    live: Live
    accounts: Accounts
    queue: QueueDb
    signin: SignIn
    server: ServerDb
    resolver: Resolver
    clock: Clock
    rotations: Rotations
    imports: Imports
    received_ids: ReceivedIds
    backends: Backends = field(default_factory=Backends)
    challenges: Challenges | None = None
    certificates: Upkeep | None = None  # where certificates come by themselves
    dns: DnsWatch = field(default_factory=DnsWatch)
