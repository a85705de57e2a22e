"""Reply codes with their enhanced status codes, by name (RFC 5321 §4.2, RFC 3463, RFC 5248).

A `Status` says what kind of refusal or success a reply is; the words are written where the decision is made. The codes
are those of mox, so that what people know about reading a log of that server stays true.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.wire.smtp.reply import Reply, reply


@dataclass(frozen=True, slots=True)
class Status:
    """A reply code and its enhanced status code, "" where a reply has none."""

    code: int
    enhanced: str

    def reply(self, text: str) -> Reply:
        """A reply of this kind."""
        return reply(self.code, self.enhanced, text)


OK = Status(250, "2.0.0")
GREETING = Status(220, "")
EHLO_OK = Status(250, "")
READY_FOR_TLS = Status(220, "2.0.0")
BYE = Status(221, "2.0.0")
SIGNED_IN = Status(235, "2.7.0")
SENDER_OK = Status(250, "2.1.0")
RECIPIENT_OK = Status(250, "2.1.0")
DATA_OK = Status(250, "2.6.0")  # a chunk was received (RFC 3030 §2)
MESSAGE_OK = Status(250, "2.2.0")
CANNOT_VERIFY = Status(252, "2.7.0")
HELP = Status(214, "2.0.0")
CHALLENGE = Status(334, "")
START_INPUT = Status(354, "")

SHUTTING_DOWN = Status(421, "4.3.2")
TOO_MANY_CONNECTIONS = Status(421, "4.7.0")
TIMED_OUT = Status(421, "4.4.2")
DOMAIN_DISABLED = Status(450, "4.2.1")
INTERNAL_ERROR = Status(451, "4.3.0")
RATE_LIMITED = Status(451, "4.7.1")
CANNOT_AUTHENTICATE = Status(451, "4.7.26")
MAILBOX_FULL = Status(452, "4.2.2")
STORAGE_FULL = Status(452, "4.3.1")
TOO_MANY_RECIPIENTS = Status(452, "4.5.3")
NO_MECHANISM_SECRET = Status(454, "4.7.0")

UNKNOWN_COMMAND = Status(500, "5.5.1")
BAD_SYNTAX = Status(500, "5.5.2")
BAD_ARGUMENTS = Status(501, "5.5.4")
BAD_AUTH_DATA = Status(501, "5.5.2")
AUTH_CANCELLED = Status(501, "5.7.0")
NOT_OFFERED = Status(502, "5.5.1")
BAD_SEQUENCE = Status(503, "5.5.1")
UNKNOWN_MECHANISM = Status(504, "5.5.4")
REQUIRETLS_NEEDS_TLS = Status(523, "5.7.10")
LOGIN_DISABLED = Status(525, "5.7.13")
AUTH_REQUIRED = Status(530, "5.7.0")
BAD_CREDENTIALS = Status(535, "5.7.8")
AUTH_NEEDS_TLS = Status(538, "5.7.11")
TOO_MANY_FAULTS = Status(550, "5.7.0")
BAD_GREETING_NAME = Status(501, "5.5.4")
DOMAIN_NAME_REQUIRED = Status(550, "5.7.0")
NO_SUCH_RECIPIENT = Status(550, "5.1.1")
MAIL_LOOP = Status(550, "5.4.6")
NEEDS_SMTPUTF8 = Status(550, "5.6.7")
BAD_MESSAGE = Status(550, "5.6.0")
NOT_ALLOWED = Status(550, "5.7.1")
ALIAS_NOT_ALLOWED = Status(550, "5.7.2")
AUTHENTICATION_FAILED = Status(550, "5.7.26")
MESSAGE_TOO_LARGE = Status(552, "5.3.4")
NO_RECIPIENTS = Status(554, "5.5.1")
FUTURE_RELEASE_TOO_FAR = Status(554, "5.5.4")
UNKNOWN_PARAMETER = Status(555, "5.3.3")


def special(code: int) -> Status:
    """The status of the special localparts of localserve: `code` with the enhanced code "x.0.0"."""
    return Status(code, f"{code // 100}.0.0")
