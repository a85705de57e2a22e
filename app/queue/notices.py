"""Who is told when mail is late, lost or, if that was asked for, delivered, and the notification itself.

The sender hears of a failure, and once of a delay, in the Inbox of the sending account; of a delivery only when NOTIFY
says so and no other server tells (RFC 3461 §5.2). Nobody is told about mail with a null reverse-path or about our own
reports, so that no notification ever causes another, nor when the sender asked for silence with NOTIFY (RFC 3461 §4.1).
A forwarded message that fails comes into the account that forwards it. One notification tells of all recipients of a
group that had the same fate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.ids import message_id
from app.metrics import counter
from app.queue.outcome import Handover, Result
from app.queue.setup import Setup
from app.routing import retry
from app.routing.dsn import Action, Notification, Status, compose
from app.store.queuedb import Content
from app.store.queuerecords import Ending, Queued, Report
from app.wire.smtp.address import Address, NullPath
from app.wire.smtp.xtext import decode_xtext, split_original_recipient

_REFUSED = counter("queue_dmarcreport_failure_total", "DMARC reports of ours that were refused.")

MAX_RETURNED = 1024 * 1024  # a larger message is not sent back whole, whatever RET says


async def tell(setup: Setup, results: Sequence[Result]) -> None:
    """Notify the senders of what these results mean for them; raises Temporary when it cannot be stored now."""
    for one in results:
        if is_refused_report(one):
            if one.queued.report is Report.DMARC:
                _REFUSED.inc()
            await setup.report_refused(one.queued, one.outcome.error)
        if one.queued.forwarded_for and one.outcome.ending is Ending.FAILED:
            content = await setup.db.content(one.queued.base_id)
            await setup.forward_failed(one.queued, one.outcome.error, content)
    for action in (Action.FAILED, Action.DELAYED, Action.DELIVERED, Action.RELAYED):
        told = [one for one in results if wanted(one) is action]
        if told:
            row = told[0].queued
            content = await setup.db.content(row.base_id)
            await setup.notify(row.sender_account, compose(_notification(setup, action, told, content)))


def wanted(result: Result) -> Action | None:
    """What the sender is told of this recipient now, if anything."""
    if wants_failure(result):
        return Action.FAILED
    if wants_delay(result):
        return Action.DELAYED
    return _success(result)


def is_refused_report(result: Result) -> bool:
    """Whether an address will not take a report of ours at another time either."""
    outcome = result.outcome
    is_final = outcome.ending is Ending.FAILED and outcome.code.startswith("5")
    return is_final and result.queued.report is not Report.NONE


def _success(result: Result) -> Action | None:
    row, outcome = result.queued, result.outcome
    if outcome.ending is not Ending.DELIVERED or not row.notify or not _wants(row, "SUCCESS"):
        return None
    return {Handover.HERE: Action.DELIVERED, Handover.RELAYED: Action.RELAYED}.get(outcome.handover)


def wants_failure(result: Result) -> bool:
    """Whether the sender is told that this recipient does not get it."""
    return result.outcome.ending is Ending.FAILED and _wants(result.queued, "FAILURE")


def wants_delay(result: Result) -> bool:
    """Whether the sender is told now that it takes longer."""
    row = result.queued
    is_time = result.outcome.ending is Ending.DEFERRED and retry.is_time_to_tell(row.attempts, row.max_attempts)
    return is_time and _wants(row, "DELAY")


def _wants(row: Queued, word: str) -> bool:
    if isinstance(row.reverse_path, NullPath) or row.is_dsn or row.report is not Report.NONE or row.forwarded_for:
        return False
    return not row.notify or word in row.notify.upper().split(",")


def _notification(setup: Setup, action: Action, results: Sequence[Result], content: Content) -> Notification:
    row = results[0].queued
    static = setup.live.directory.static
    assert not isinstance(row.reverse_path, NullPath)
    is_whole = action is Action.FAILED and row.ret.upper() == "FULL" and row.size_bytes <= MAX_RETURNED
    original = content.prefix + content.body[: None if is_whole else 64 * 1024]
    return Notification(
        action=action,
        hostname=static.hostname.ascii,
        postmaster=Address("postmaster", static.hostname),
        to=row.reverse_path,
        message_id=message_id(static.hostname.ascii),
        now=setup.clock.now(),
        arrived=row.queued,
        statuses=tuple(_statuses(results)),
        original=original,
        original_id=row.message_id,
        subject=row.subject,
        full=is_whole,
        waits_s=retry.waits_left(row.attempts, row.max_attempts) if action is Action.DELAYED else (),
        envid=decode_xtext(row.envid),
    )


def _statuses(results: Iterable[Result]) -> Iterable[Status]:
    for result in results:
        row, outcome = result.queued, result.outcome
        yield Status(
            recipient=row.recipient,
            code=outcome.code,
            reason=outcome.reason,
            advice=outcome.advice,
            reply=outcome.reply,
            remote_host=outcome.host,
            remote_ip=outcome.ip,
            last_attempt=row.last_attempt,
            orcpt=";".join(split_original_recipient(row.orcpt)) if row.orcpt else "",
        )
