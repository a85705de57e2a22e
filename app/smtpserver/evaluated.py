"""Notes what DMARC said of a message and what was done with it, once for a message, for the reports that we send.

Only messages that were taken, or refused because of DMARC, are told of: a domain learns whether its mail arrives as it
should, and nobody learns how our junk filter judges. What is refused for now comes again and is noted then. When
recipients fared differently, the one that got the message counts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from app.config.lookup import Purpose
from app.smtpserver.judging import Delivery
from app.smtpserver.verdict import Reason, Verdict, Wish
from app.smtpserver.work import Work
from app.wire.reports.dmarc import Disposition
from app.wire.smtp.address import Address

_FOR_REPORTS: Final = (Purpose.DMARC_REPORTS, Purpose.TLS_REPORTS, Purpose.HOST_TLS_REPORTS)
_WORSE: Final = (Disposition.NONE, Disposition.QUARANTINE, Disposition.REJECT)


def note(work: Work, delivery: Delivery, verdict: Verdict) -> None:
    """Remember how one recipient's copy fared."""
    draft = delivery.evidence.evaluation
    is_by_dmarc = verdict.reason == Reason.DMARC_POLICY.value
    refused = verdict.reply is not None
    if draft is None or (refused and not (is_by_dmarc and verdict.reply is not None and verdict.reply.is_permanent)):
        return
    done = Disposition.REJECT if refused else Disposition.NONE
    if is_by_dmarc and not refused and delivery.evidence.wish is Wish.QUARANTINE:
        done = Disposition.QUARANTINE
    row = replace(
        draft.row,
        disposition=done,
        reasons=_reasons(delivery, verdict, done),
        envelope_to=delivery.path.domain.ascii if isinstance(delivery.path, Address) else "",
    )
    is_optional = delivery.destined.purpose in _FOR_REPORTS
    work.evaluations.append(replace(draft, row=row, is_optional=is_optional))


def record(work: Work) -> None:
    """Keep one evaluation of the message."""
    if work.evaluations and work.resources.evaluations is not None:
        work.resources.evaluations.record(min(work.evaluations, key=lambda one: _WORSE.index(one.row.disposition)))


def _reasons(delivery: Delivery, verdict: Verdict, done: Disposition) -> tuple[str, ...]:
    """Why something else was done than the policy asks for (RFC 7489 §7.2, PolicyOverride)."""
    draft = delivery.evidence.evaluation
    if draft is None or draft.row.has_passed:
        return ()
    wanted = {Wish.REJECT: Disposition.REJECT, Wish.QUARANTINE: Disposition.QUARANTINE}.get(delivery.evidence.wish)
    if wanted is None:
        # What is published differs from what was asked for of this message: by chance, or as a forwarder vouches.
        return _softened(draft.policy.policy, draft.policy.percentage)
    if done is wanted:
        return ()
    if delivery.rule is not None and delivery.rule.is_forward:
        return ("trusted_forwarder",)
    if verdict.reason == Reason.LIST_ALLOW.value:
        return ("mailing_list",)
    return ("local_policy",)


def _softened(policy: str, percentage: int | None) -> tuple[str, ...]:
    if policy == "none":
        return ()
    return ("sampled_out",) if percentage is not None and percentage < 100 else ("local_policy",)
