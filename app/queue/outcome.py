"""What an attempt did for one recipient, and how failures are read: try again, or give up.

A 5xx reply is final, a 4xx or a lost connection is not. One exception: servers often refuse one of our addresses by
policy (x.7.x) and would take the other family, so such a refusal at the first attempt is not yet believed when there
is a choice. `reason` is for the sender and says what happened in plain words, `advice` what to do if that is known; the
server's own words stand beside them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from app.routing.refusals import explain
from app.store.queuerecords import Ending, Queued
from app.wire.smtp.reply import Reply


class Handover(Enum):
    """Who tells the sender of a delivery, if that was asked for (RFC 3461 §5.2)."""

    HERE = "here"  # it is in a mailbox of ours
    RELAYED = "relayed"  # the next server knows nothing of such notices: all we can say is that it took the message
    PASSED_ON = "passed on"  # the next server was asked to tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of an attempt for a recipient."""

    ending: Ending
    code: str = "2.0.0"  # enhanced
    reason: str = ""
    advice: str = ""
    reply: Reply | None = None
    host: str = ""
    ip: str = ""
    handover: Handover = Handover.RELAYED

    @property
    def error(self) -> str:
        """One line for the log and the list of attempts; "" for a success."""
        if self.ending is Ending.DELIVERED:
            return ""
        return f"{self.reason} ({self.reply})" if self.reply else self.reason


@dataclass(frozen=True, slots=True)
class Result:
    """A recipient with its outcome."""

    queued: Queued
    outcome: Outcome


def deferred(code: str, reason: str) -> Outcome:
    """Not now."""
    return Outcome(ending=Ending.DEFERRED, code=code, reason=reason)


def failed(code: str, reason: str) -> Outcome:
    """Never."""
    return Outcome(ending=Ending.FAILED, code=code, reason=reason)


def of_reply(reply: Reply, host: str = "", ip: str = "") -> Outcome:
    """What a server's reply to a recipient, or to the message, means."""
    if reply.code < 300:
        return Outcome(ending=Ending.DELIVERED, code=reply.enhanced or "2.0.0", reply=reply, host=host, ip=ip)
    if reply.code < 400:
        return out_of_place(reply, host, ip)
    known = explain(host, reply)
    code = reply.enhanced or _CODES.get(reply.code) or f"{reply.code // 100}.0.0"
    return Outcome(
        ending=Ending.FAILED if reply.is_permanent else Ending.DEFERRED,
        code=code,
        reason=known.cause if known else _reason(code),
        advice=known.what_next if known else "",
        reply=reply,
        host=host,
        ip=ip,
    )


def out_of_place(reply: Reply, host: str = "", ip: str = "") -> Outcome:
    """A reply that is no refusal and not what was due either: nothing is known of the message, so it goes again."""
    reason = "The server gave an answer that makes no sense there."
    return Outcome(ending=Ending.DEFERRED, code="4.5.0", reason=reason, reply=reply, host=host, ip=ip)


def is_policy(outcome: Outcome) -> bool:
    """Whether the refusal may be about the address we come from."""
    return outcome.code.startswith("5.7.")


# RFC 5321 §4.2.3 replies without an enhanced code, as RFC 3463 would have them.
_CODES = {
    421: "4.3.2",
    450: "4.2.0",
    451: "4.3.0",
    452: "4.3.1",
    521: "5.3.2",
    550: "5.1.1",
    551: "5.1.6",
    552: "5.2.2",
    553: "5.1.3",
    556: "5.1.10",
}

_REASONS = (
    (".1.1", "The address does not exist."),
    (".1.2", "The domain of the address does not take mail."),
    (".1.10", "The domain of the address does not take mail."),
    (".1.", "The server does not accept the address."),
    (".2.1", "The mailbox is switched off."),
    (".2.2", "The mailbox is full."),
    (".2.3", "The message is too large for the mailbox."),
    (".3.4", "The message is too large for the server."),
    (".4.", "The server could not pass the message on."),
    (".6.", "The server cannot take this kind of message."),
    (".7.", "The server refused the message by its own rules."),
)


def _reason(code: str) -> str:
    detail = code[1:]
    for start, reason in _REASONS:
        if detail == start or (start.endswith(".") and detail.startswith(start)):
            return reason
    return "The server refused the message." if code[0] == "5" else "The server could not take the message now."
