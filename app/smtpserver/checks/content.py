"""What the junk filter of an account says about a message, in the terms of a verdict."""

from __future__ import annotations

from app.smtpserver.verdict import Content
from app.store.account.handle import Account
from app.store.account.junkfilter import classify
from app.store.account.prepare import Prepared


async def content(account: Account, prepared: Prepared) -> Content:
    """The filter's opinion; one without significance when it has learnt too little."""
    verdict = await classify(account, prepared)
    if verdict is None:
        return Content(probability=0.0, is_significant=False, words="the filter has not learnt enough yet")
    return Content(
        probability=verdict.probability, is_significant=True, words=verdict.explained(), samples=verdict.samples
    )
