"""TLS as a demand wants it: STARTTLS, and the proof that the other side is the right one.

`prove` raises TlsFailed when it does not come about; its text says what is wrong, `result` says it in the terms of TLS
reports. DemandUnmet has the words for the sender of a message that does not go out because of it.
"""

from __future__ import annotations

import datetime

from app.metrics import counter
from app.net.smtpclient import Conversation, SmtpFailed, TlsFailed, opportunistic_context, verified_context
from app.queue.demands import Demand, Proof
from app.trust.dane import DaneResult, Names, check

_CHECKED = counter("dane_verify_total", "Certificates that were compared with TLSA records.")
_NOT_MATCHED = counter("dane_verify_errors_total", "Certificates that were not what TLSA records say.")

_DANE_WORDS = {
    DaneResult.NO_MATCH: ("validation-failure", "the certificate is not the one that DNS shows (TLSA)"),
    DaneResult.WRONG_NAME: ("certificate-host-mismatch", "the certificate is for another name"),
    DaneResult.EXPIRED: ("certificate-expired", "the certificate is not valid at this time"),
    DaneResult.BAD_CHAIN: ("certificate-not-trusted", "the certificate was not issued by the authority that DNS shows"),
}


class DemandUnmet(SmtpFailed):
    """The server does not prove what is demanded; no mail goes there."""

    def __init__(self, demand: Demand, failure: TlsFailed) -> None:
        super().__init__(f"TLS fails: {failure.text}; {demand.words}.")
        self.is_required = demand.is_required


async def prove(talk: Conversation, demand: Demand, now: float) -> None:
    """Bring about TLS with the proof."""
    if not talk.capabilities.starttls:
        raise TlsFailed("the server offers no encryption (STARTTLS)", result="starttls-not-supported")
    await talk.start_tls(verified_context() if demand.proof is Proof.AUTHORITY else opportunistic_context())
    if demand.proof is Proof.RECORDS:
        names = Names(demand.names, datetime.datetime.fromtimestamp(now, datetime.UTC))
        found = check(demand.records, talk.peer_chain(), names).result
        _CHECKED.inc()
        if found is not DaneResult.MATCHED:
            _NOT_MATCHED.inc()
            result, words = _DANE_WORDS[found]
            raise TlsFailed(words, result=result)
        talk.dialogue.note("the certificate is the one that DNS shows (DANE)")
    talk.security = f"{talk.tls_version}, {_PROVEN[demand.proof]}; {demand.words}"


_PROVEN = {
    Proof.ENCRYPTION: "certificate not checked",
    Proof.AUTHORITY: "certificate checked",
    Proof.RECORDS: "certificate checked by DNS",
}
