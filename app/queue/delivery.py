"""One group of recipients against the servers to try, until each recipient has an answer.

A server that cannot be reached, or breaks off before the message was sent, leads to the next one. Once the message
has been sent and no reply came, nobody knows whether it arrived: then no other server is tried, and the recipients
wait, because a second copy now is certain to be one where a lost reply is only likely. Recipients for whom a server
had no room in one transaction go in another on the same connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from app.net.dial import DialFailed
from app.net.dialogue import Dialogue
from app.net.smtpclient import Conversation, SmtpFailed
from app.queue.demands import NEEDS_REQUIRETLS, note_required
from app.queue.links import Links, Target
from app.queue.outcome import Handover, Outcome, deferred, failed, is_policy, of_reply, out_of_place
from app.queue.proofs import DemandUnmet
from app.queue.shipment import Shipment
from app.queue.targets import NoTarget
from app.store.queuerecords import Ending
from app.trust.lookup import LookupFailed
from app.wire.message.sevenbit import Unconvertible
from app.wire.smtp.client import TransactionResult

WHOLE_S = 1800.0  # for one group, whatever the server does


class Delivery:
    """The state of one group's attempt."""

    def __init__(self, links: Links, hostname: str, shipment: Shipment) -> None:
        self._links = links
        self._hostname = hostname
        self._shipment = shipment
        self._rows = shipment.rows
        self._outcomes: dict[int, Outcome] = {}  # by position in the group
        self._last: Outcome | None = None
        self._has_choice = False
        self.tls_mode = "none"
        self.security = ""  # of the connection, in words
        self.dialogue = Dialogue()

    async def through(self, targets: AsyncIterator[Target]) -> list[Outcome]:
        """Try the targets in turn; an outcome for each row of the group."""
        try:
            async with asyncio.timeout(WHOLE_S):
                async for target in targets:
                    self._has_choice = self._has_choice or target.has_choice
                    if await self._try(target):
                        break
        except NoTarget as err:
            self._note(err.outcome)
        except LookupFailed as err:
            self._note(deferred("4.4.3", f"DNS did not tell where the mail goes: {err}."))
        except TimeoutError:
            self._note(deferred("4.4.2", f"The delivery took longer than {WHOLE_S / 60:.0f} minutes."))
        rest = self._last or deferred("4.4.1", "No server could be reached.")
        return [self._believed(self._outcomes.get(index, rest)) for index in range(len(self._rows))]

    async def _try(self, target: Target) -> bool:
        """Whether there is nothing left to try elsewhere."""
        talk = await self._open(target)
        if talk is None:
            return False
        was_used = talk.used > 0
        done = await self._transact(target, talk)
        if not done and was_used and not talk.sent_body:
            # It was kept from another message and the server had left meanwhile; that says nothing about this one.
            self._last = None
            done = await self._again(target)
        return done

    async def _again(self, target: Target) -> bool:
        """The same on a new connection."""
        talk = await self._open(target, fresh=True)
        return talk is not None and await self._transact(target, talk)

    async def _open(self, target: Target, *, fresh: bool = False) -> Conversation | None:
        try:
            opener = self._links.connect if fresh else self._links.open
            return await opener(target, self._hostname, self.dialogue)
        except DialFailed as err:
            self._note(_at(target, deferred("4.4.1", f"The server could not be reached: {err}.")))
        except SmtpFailed as err:
            self._note(_of_failure(target, err))
        return None

    async def _transact(self, target: Target, talk: Conversation) -> bool:
        """Transactions on one connection until all have answers; False when another server may be tried."""
        self.tls_mode = "tls" if talk.has_tls else "none"
        self.security = talk.security
        if self._rows[0].require_tls is True and not (talk.has_tls and talk.capabilities.requiretls):
            talk.quit()
            note_required(True, "smtpserver")
            self._note(_at(target, failed(NEEDS_REQUIRETLS, _NO_REQUIRETLS)))
            return False
        try:
            while left := [index for index in range(len(self._rows)) if index not in self._outcomes]:
                if talk.is_exhausted:
                    talk.quit()
                    return await self._again(target)
                packed = await self._shipment.packed(talk.capabilities, left)
                result = await talk.send(packed.envelope, packed.content.prefix, packed.content.body)
                if not self._settle(target, left, result, talk):
                    talk.close()
                    return False
        except Unconvertible as err:
            reason = f"The server takes no 8-bit data (8BITMIME), and the message cannot do without: {err.message}."
            self._last = _at(target, failed("5.6.3", reason))
        except SmtpFailed as err:
            talk.abort()
            return self._broke_off(target, talk, err)
        except BaseException:
            talk.abort()
            raise
        self._links.give_back(target, talk)
        return True

    def _settle(self, target: Target, left: Sequence[int], result: TransactionResult, talk: Conversation) -> bool:
        """Take over the replies of one transaction; False when nothing was decided and another server may be tried."""
        host, ip = target.peer.host, str(target.peer.ip)
        replies = result.replies
        if not talk.sent_body and all(got is None or got.code == 421 for got in replies):
            closing = next((got for got in replies if got is not None), None)
            self._note(of_reply(closing, host, ip) if closing else deferred("4.5.3", "The server took no recipient."))
            return False
        for index, got in zip(left, replies, strict=True):
            if got is not None and result.is_ours:
                self._outcomes[index] = _at(target, failed(got.enhanced, got.text))
            elif got is not None:
                handover = Handover.PASSED_ON if talk.capabilities.dsn else Handover.RELAYED
                self._outcomes[index] = replace(of_reply(got, host, ip), handover=handover)
        return True

    def _broke_off(self, target: Target, talk: Conversation, err: SmtpFailed) -> bool:
        self._note(_of_failure(target, err))
        return talk.sent_body

    def _note(self, outcome: Outcome) -> None:
        """Remember why there is no answer; a reason that may pass outweighs a final one."""
        self.dialogue.note(outcome.error)
        if self._last is None or outcome.ending is Ending.DEFERRED:
            self._last = outcome

    def _believed(self, outcome: Outcome) -> Outcome:
        """A refusal by policy at the first attempt may be about one of our two addresses; the next tries the other."""
        is_refusal = outcome.ending is Ending.FAILED and outcome.reply is not None and is_policy(outcome)
        if is_refusal and self._rows[0].attempts == 1 and self._has_choice:
            return replace(outcome, ending=Ending.DEFERRED, code="4" + outcome.code[1:])
        return outcome


_NO_REQUIRETLS = (
    "The sender demands encryption all the way (REQUIRETLS), and the server does not promise to pass that on."
)


def _of_failure(target: Target, err: SmtpFailed) -> Outcome:
    if isinstance(err, DemandUnmet):
        note_required(err.is_required, "tlsverify")
        return _at(target, failed(NEEDS_REQUIRETLS, err.text) if err.is_required else deferred("4.7.5", err.text))
    if err.reply is not None:
        meaning = of_reply if err.reply.code >= 400 else out_of_place
        return meaning(err.reply, target.peer.host, str(target.peer.ip))
    return _at(target, deferred("4.4.2", f"The conversation with the server failed: {err.text}."))


def _at(target: Target, outcome: Outcome) -> Outcome:
    return replace(outcome, host=target.peer.host, ip=str(target.peer.ip))
