"""The set-up while it runs: the answers so far, and everything that works in the background for its pages.

Pages ask and change this object; it keeps the draft on disk and starts what takes time: the checks of the machine, the
look at DNS, the installation. There is one for each set-up, on one event loop.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.clock import SYSTEM, Clock
from app.errors import Refusal
from app.operations.dnscheck.dialling import Dialler
from app.trust.lookup import Resolver
from quickstart.checks.finding import Context, Question
from quickstart.claim import Claims
from quickstart.draft import Draft, DraftFile, Started
from quickstart.findings import Findings
from quickstart.generate import ALL, LOOPBACK, Answers, Generated, account_name, fitting_material, generate
from quickstart.install import Installer, Plan, is_answering
from quickstart.machine import Binding, Machine
from quickstart.network import find_network
from quickstart.options import Network, Options
from quickstart.publishing import Lookout, Publishing
from quickstart.standing import Asked, Standing
from quickstart.steps import Step
from quickstart.system import System

SETUP_DIRECTORY = "setup"
MOX_CONF = "mox.conf"
WEB_PORTS = (80, 443)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What the set-up works with; tests give their own."""

    directory: Path  # config/ and data/ will be here
    machine: Machine
    resolver: Resolver
    system: System
    lookout: Lookout
    dialler: Dialler
    archive: str = ""  # path of mox.pyz, for the service unit
    program: str = "python3 mox.pyz"  # as people type it
    clock: Clock = SYSTEM


@dataclass(slots=True)
class Wizard:
    """Everything of one set-up."""

    world: World
    claims: Claims
    file: DraftFile
    draft: Draft
    findings: Findings = field(default_factory=Findings)
    publishing: Publishing | None = None
    installer: Installer | None = None
    standing: Standing | None = None
    notice: str = ""  # for the next page that is shown
    over: asyncio.Event = field(default_factory=asyncio.Event)
    _installing: asyncio.Task[None] | None = None

    @classmethod
    def open(cls, world: World) -> Wizard:
        """The set-up of a directory, where it was; raises BadDraft."""
        scratch = world.directory / SETUP_DIRECTORY
        file = DraftFile(scratch)
        return cls(world=world, claims=Claims(scratch, world.clock), file=file, draft=file.load())

    @property
    def scratch(self) -> Path:
        """The directory of the set-up itself."""
        return self.world.directory / SETUP_DIRECTORY

    @property
    def answers(self) -> Answers:
        """What the files are made from."""
        return self.draft.answers(self.world.directory, self.world.archive)

    @property
    def account(self) -> str:
        """The name of the first account."""
        return account_name(self.answers.address)

    def save(self, draft: Draft) -> None:
        """Keep a new state of the answers; raises Temporary, and nothing has changed then."""
        self.file.save(draft)
        self.draft = draft

    async def network(self, options: Options) -> Network:
        """What the machine says: its addresses towards the world; behind NAT those that DNS has."""
        return await find_network(self.world.machine, self.world.resolver, options)

    def start_checks(self, *, anew: bool = False) -> None:
        """Ask about the machine, unless that was done for these answers."""
        answers, options = self.answers, self.draft.options
        question = Question(
            address=answers.address,
            hostname=answers.hostname,
            directory=self.world.directory,
            ips=answers.ips,
            nat_ips=answers.nat_ips,
            skip_dial=bool(options and options.skip_dial),
        )
        world = self.world
        context = Context(question=question, machine=world.machine, resolver=world.resolver, clock=world.clock)
        self.findings.start(context, anew=anew)

    def are_web_ports_taken(self) -> bool:
        """Whether another program has port 80 or 443 on an address of ours."""
        machine = self.world.machine
        places = [*(self.answers.ips or ALL), LOOPBACK[0]]
        return any(machine.can_bind(ip, port) is Binding.TAKEN for ip in places for port in WEB_PORTS)

    async def generated(self) -> Generated:
        """The files as they will be written. Keys and certificate are made at the first call and kept."""
        answers = self.answers
        material = await asyncio.to_thread(fitting_material, self.draft.material, answers, self.world.clock.now())
        if material is not self.draft.material:
            self.save(replace(self.draft, material=material))
        return generate(answers, material, self.draft.admin_hash.encode())

    async def look_at_dns(self) -> Publishing:
        """The DNS records to publish, with what is known of each."""
        generated = await self.generated()
        if self.publishing is None or not self.publishing.is_for(generated):
            self.publishing = Publishing(generated, self.world.lookout, self.world.clock)
        return self.publishing

    def look_at_standing(self) -> Standing:
        """How the installed server stands, looked at in the background from now on."""
        if self.standing is None:
            world = self.world
            asked = Asked(resolver=world.resolver, dialler=world.dialler, system=world.system, clock=world.clock)
            config = world.directory / "config" / MOX_CONF
            self.standing = Standing(config, self.answers.address.domain, asked)
        self.standing.watch()
        return self.standing

    async def install(self) -> Installer:
        """Begin the installation, or go on with the one that runs."""
        if self._installing is not None and not self._installing.done():
            assert self.installer is not None
            return self.installer
        if not self.draft.admin_hash:
            raise Refusal("choose the administrator's password first")
        self.installer = Installer(await self._plan(), self.world.system)
        self._installing = asyncio.create_task(self._install(self.installer))
        return self.installer

    async def _plan(self) -> Plan:
        return Plan(
            generated=await self.generated(),
            directory=self.world.directory,
            scratch=self.scratch,
            is_root=self.world.machine.is_root(),
            is_written=self.draft.progress.is_installed,
        )

    async def resume(self) -> None:
        """Start the server again when this program had started it and it is gone."""
        runs_by_us = self.draft.progress.is_installed and self.draft.started is Started.CHILD
        if runs_by_us and not await is_answering(self.world.system, self.world.directory / "data"):
            await self.install()

    async def _install(self, installer: Installer) -> None:
        await installer.run()
        if installer.has_worked:
            self.save(replace(self.draft.passing(Step.INSTALL), started=installer.started))

    async def ask(self, operation: str, **arguments: object) -> object:
        """The running server's answer; raises MailError."""
        return await self.world.system.ask(self.world.directory / "data", operation, arguments)

    def finish(self) -> None:
        """The set-up is done: its files go, and the program that serves its pages ends."""
        self.save(self.draft.passing(Step.DEVICES).passing(Step.DONE))
        self.over.set()

    async def close(self) -> None:
        """Stop what works in the background."""
        await self.findings.close()
        if self.publishing is not None:
            await self.publishing.close()
        if self.standing is not None:
            await self.standing.close()
        if self._installing is not None:
            self._installing.cancel()
            await asyncio.gather(self._installing, return_exceptions=True)
