"""One import: sign in at the other server, plan, take folder after folder; after a lost connection go on where it was.

`Run.go` never raises but for cancellation: what became of the import is in its `Progress`, in words for the person who
asked for it, and in the account for the next time.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.errors import MailError, OverQuota, Refusal
from app.log import logger
from app.net.imapclient import ImapClient
from app.net.imaplink import ImapFailed, ImapRefused, ImapTlsFailed
from app.operations.imapimport.folder import FolderTaking, Place
from app.operations.imapimport.folders import Planned, plan
from app.operations.imapimport.network import Network
from app.operations.imapimport.progress import Progress
from app.operations.imapimport.wanted import Wanted
from app.operations.mailimport.progress import State
from app.store.account import imports, mailboxes
from app.store.account.handle import Account

PAUSES_S: Final = (2.0, 10.0, 60.0, 300.0)  # after connections that were lost one after the other

log = logger("import")


@dataclass(frozen=True, slots=True)
class _Ending:
    """What became of an import, and why."""

    state: State
    words: str
    may_pass: bool = True  # whether the same may go on later


class _SignInFailed(Refusal):
    """The other server does not let us in."""


class Run:
    """An import into an account that is open."""

    def __init__(self, wanted: Wanted, account: Account, network: Network, tmp_dir: Path) -> None:
        self._wanted = wanted
        self._account = account
        self._network = network
        self._tmp_dir = tmp_dir
        self._was_in = False
        self._source_id = 0
        self.progress = Progress(host=wanted.endpoint.host, user=wanted.login.user)

    async def go(self) -> None:
        """Do it."""
        progress = self.progress
        log.info("import begins", account=self._account.name, host=progress.host)
        ending = _Ending(State.CANCELLED, "it was ended before it was done")
        try:
            self._source_id = await self._account.write(lambda tx: imports.begin(tx, self._server()))
            ending = await self._work()
        except MailError as error:
            ending = _Ending(State.FAILED, explain(error, progress.host), _may_pass(error))
        finally:
            progress.words, progress.may_pass = ending.words, ending.may_pass
            await self._note_end()
            progress.state = ending.state  # last, as another import may begin from here on
            log.info(
                "import ended",
                account=self._account.name,
                host=progress.host,
                state=ending.state.value,
                taken=progress.taken,
            )

    async def _work(self) -> _Ending:
        try:
            await self._go_on()
        except (MailError, OSError) as error:
            return _Ending(State.FAILED, explain(error, self.progress.host), _may_pass(error))
        except Exception as error:
            log.error("import failed", account=self._account.name, error=repr(error))
            return _Ending(State.FAILED, "something went wrong here; the log of this server says more", may_pass=False)
        return _Ending(State.DONE, "")

    async def _note_end(self) -> None:
        progress, number = self.progress, self._source_id
        words = progress.summary() + (f"; {progress.words}" if progress.words else "")
        try:
            await self._account.write(lambda tx: imports.end(tx, number, words))
        except MailError as error:  # the account is gone, or the disk full
            log.info("end of import not noted", account=self._account.name, error=error)

    def _server(self) -> imports.Server:
        endpoint = self._wanted.endpoint
        return imports.Server(
            host=endpoint.host,
            port=endpoint.port,
            user=self._wanted.login.user,
            security=endpoint.security.value,
            is_verified=endpoint.is_verified,
        )

    async def _go_on(self) -> None:
        """Until everything was seen; a connection that is lost is made again, unless that brings nothing."""
        lost = 0
        while True:
            before = self.progress.passed
            try:
                return await self._once()
            except ImapFailed as error:
                lost = lost + 1 if self.progress.passed == before else 1
                if not (error.may_pass and self._was_in) or lost > len(PAUSES_S):
                    raise
                self.progress.words, self.progress.state = explain(error, self.progress.host), State.WAITING
            await self._network.pause(PAUSES_S[lost - 1])

    async def _once(self) -> None:
        client = await self._network.connect(self._wanted.endpoint)
        try:
            await self._sign_in(client)
            self._was_in = True
            await self._take_folders(client)
        finally:
            client.close()

    async def _sign_in(self, client: ImapClient) -> None:
        try:
            await client.sign_in(self._wanted.login)
        except ImapRefused as error:
            raise _SignInFailed(_sign_in_words(error)) from None

    async def _take_folders(self, client: ImapClient) -> None:
        progress = self.progress
        found = await client.folders()
        rows = await self._account.read(mailboxes.all_mailboxes)
        own = {one.special_use: one.name for one in rows if one.special_use is not None}
        planned = plan(found, own, is_gmail=client.is_gmail)
        place = Place(
            client=client,
            account=self._account,
            source_id=self._source_id,
            tmp_dir=self._tmp_dir,
            progress=progress,
        )
        progress.words, progress.state = "", State.TAKING
        progress.folder_count = len(planned)
        progress.expected = progress.passed
        for number, one in enumerate(planned, 1):
            progress.folder, progress.folder_number = one.name, number
            await self._take_folder(place, one)
        progress.folder = ""

    async def _take_folder(self, place: Place, planned: Planned) -> None:
        if planned.reason:
            self.progress.note_problem(f"{planned.name} is left out: {planned.reason}")
            return
        try:
            await FolderTaking(place, planned).take()
        except ImapRefused as error:
            self.progress.note_problem(f"{planned.name} cannot be opened there: {error.words}")


def _sign_in_words(error: ImapRefused) -> str:
    if error.code == "LOGINDISABLED":
        return "it takes no passwords; with encryption it may, else its provider must allow IMAP with a password"
    said = f" It says: {error.words}" if error.words else ""
    return (
        "it does not accept this user name and password. Some providers want an app password, which is made on their"
        f" web pages, or that IMAP is switched on there first.{said}"
    )


def _may_pass(error: Exception) -> bool:
    if isinstance(error, ImapFailed):
        return error.may_pass
    return not isinstance(error, Refusal)


def explain(error: Exception, host: str) -> str:
    """Why an import cannot go on, and what to do."""
    if isinstance(error, OverQuota):
        return "the account is full; have its quota raised or make room, then start again: it goes on from here"
    if isinstance(error, ImapTlsFailed):
        return f"no safe connection to {host}: {error}"
    if isinstance(error, ImapFailed):
        return f"{host}: {error}"
    if isinstance(error, Refusal):
        return f"{host}: {error.public}"
    return f"mail cannot be stored here: {error}"
