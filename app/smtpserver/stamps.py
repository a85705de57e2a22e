"""The header fields that we put in front of a message: X-Mox-Reason, Delivered-To, Return-Path, Received and the like.

They form a prefix that is stored beside the message. Received tells, in this order, who handed the message over, to
whom, how, and under which id our log has it. A signed-in user's address on the network is nobody's business, so
submission names only ourselves.
"""

from __future__ import annotations

from app.clock import utc
from app.smtpserver.conversation import Conversation
from app.smtpserver.transaction import Transaction
from app.smtpserver.verdict import Verdict
from app.wire.message.compose import fold
from app.wire.message.received import Hop, protocol_name, write_received
from app.wire.smtp.address import ForwardPath, ReversePath

MAX_WORDS = 1000  # of the reason


def delivered_fields(reverse_path: ReversePath, delivered_to: ForwardPath) -> bytes:
    """Delivered-To and Return-Path."""
    return f"Delivered-To: {delivered_to}\r\nReturn-Path: <{reverse_path}>\r\n".encode()


def reason_field(verdict: Verdict) -> bytes:
    """X-Mox-Reason: the rule that decided, and why, as filters and people may want to know."""
    words = "".join(char if " " <= char <= "~" else "?" for char in verdict.words[:MAX_WORDS])
    return fold("X-Mox-Reason", f"{verdict.reason}; {words}")


def submission_result(conversation: Conversation, transaction: Transaction) -> bytes:
    """That the sender was signed in (RFC 8601 §2.7.4)."""
    hostname = conversation.service.hostname.ascii
    return fold("Authentication-Results", f"{hostname}; auth=pass smtp.mailfrom={transaction.reverse_path}")


def received(conversation: Conversation, transaction: Transaction, reverse_name: str = "") -> bytes:
    """The Received field of the message."""
    name, tls = conversation.name, conversation.tls
    # With several recipients the field would tell each of them about the others.
    recipient = str(transaction.recipients[0].path) if len(transaction.recipients) == 1 else ""
    return write_received(
        Hop(
            ehlo=name.text if name is not None else "",
            remote_ip=str(conversation.remote),
            rdns=reverse_name,
            by=conversation.service.hostname.ascii,
            local_ip=str(conversation.local),
            id=transaction.id,
            when=utc(conversation.resources.clock.now()),
            protocol=protocol_name(
                esmtp=conversation.is_esmtp,
                tls=tls is not None,
                auth=conversation.signed_in is not None,
                utf8=transaction.params.smtputf8,
            ),
            tls=f"{tls.version.replace('TLSv', 'TLS')} {tls.cipher}" if tls is not None else "",
            recipient=recipient,
            requires_tls=transaction.params.requiretls,
            hide_client=conversation.service.kind.is_submission,
        )
    )
