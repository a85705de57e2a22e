"""From exceptions to SMTP replies; the only such table.

What we refuse on purpose is told in its own words. An error of ours is 451 and a line in the log with everything that
helps to find it; the peer learns nothing of it.
"""

from __future__ import annotations

import traceback

from app import metrics
from app.clock import utc
from app.errors import OverQuota, ReadOnly, Refusal, StoreError, Temporary
from app.log import logger
from app.store.submitted import SendLimit, SendLimitReached
from app.wire.smtp import codes
from app.wire.smtp.codes import Status
from app.wire.smtp.params import CommandError
from app.wire.smtp.reply import Reply

log = logger("smtpserver")

_ERRORS = metrics.counter("smtpserver_errors_total", "Errors of SMTP conversations, by whose they are.", ("error",))


class SmtpRefusal(Refusal):
    """A refusal that knows its reply code."""

    def __init__(self, status: Status, public: str, private: str = "") -> None:
        super().__init__(public, private)
        self.status = status


def reply_for(error: Exception, cid: int) -> Reply:
    """What the peer is told about `error`; logs it where it is ours."""
    if isinstance(error, SmtpRefusal):
        return error.status.reply(error.public)
    if isinstance(error, CommandError):
        return error.status.reply(error.message)
    if isinstance(error, Refusal):
        return codes.NOT_ALLOWED.reply(error.public)
    if isinstance(error, SendLimitReached):
        return _limit_reply(error)
    if isinstance(error, OverQuota):
        return codes.MAILBOX_FULL.reply("the mailbox is full")
    if isinstance(error, Temporary | ReadOnly):
        _ERRORS.labels("temporary").inc()
        log.error("message not stored", cid=cid, error=error)
        return codes.INTERNAL_ERROR.reply("the message cannot be stored now, try again later")
    _ERRORS.labels("store" if isinstance(error, StoreError) else "server").inc()
    trace = "".join(traceback.format_exception(error))
    metrics.PANICS.labels("smtpserver").inc()
    log.error("command failed by an error of ours", cid=cid, error=repr(error), trace=trace)
    return codes.INTERNAL_ERROR.reply("error on our side, try again later")


_LIMITED = {
    SendLimit.RECIPIENTS: "to at most {} recipients in 24 hours",
    SendLimit.FIRST_TIME: "to at most {} recipients in 24 hours that it never sent to before",
}


def _limit_reply(error: SendLimitReached) -> Reply:
    may = f"this account may send {_LIMITED[error.limit].format(error.most)}"
    if error.retry_at is None:
        return codes.NOT_ALLOWED.reply(f"{may}, and this message alone has more")
    # Whole minutes, and not before it works.
    return codes.RATE_LIMITED.reply(f"{may}; try again after {utc(error.retry_at + 60):%Y-%m-%d %H:%M} UTC")


def count_client_error() -> None:
    """Note a command that the peer got wrong."""
    _ERRORS.labels("client").inc()
