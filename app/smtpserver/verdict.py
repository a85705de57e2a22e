"""What `decide` is asked, and what it answers: values only.

A `Case` is one message for one recipient: what the checks found about the message, what the recipient's settings say,
and, once they were asked for, the reputation of the sender, the content, and the block lists.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from app.junk.classifier import Samples
from app.junk.reputation import Reputation
from app.wire.smtp.reply import Reply


class Ask(Enum):
    """What must be known before there can be a verdict, and costs something to find out."""

    REPUTATION = auto()
    CONTENT = auto()
    BLOCK_LISTS = auto()


class Wish(Enum):
    """What the domain of the author wants done with the message (DMARC), when nothing vouches for it."""

    NONE = auto()
    QUARANTINE = auto()
    REJECT = auto()
    UNKNOWN = auto()  # DNS did not tell


class Reason(Enum):
    """The rule that decided; the words are metric labels, and stand in the header of the message."""

    LIST_ALLOW = "list-allow"
    DMARC_POLICY = "dmarc-policy"
    AUTH_REQUIRED = "msg-auth-required"
    REPUTATION = "reputation"  # replaced by the word of the reputation's method
    REPORTING = "reporting"
    SPF_POLICY = "spf-policy"
    IPREV = "iprev"
    SUBJECT_PASS = "subjectpass"
    JUNK_CONTENT = "junk-content"
    JUNK_CONTENT_STRICT = "junk-content-strict"
    BLOCK_LISTED = "dns-blocklisted"
    NO_BAD_SIGNALS = "no-bad-signals"
    GIVE_SUBJECT_PASS = "give-subjectpass"


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What the junk filter says; `is_significant` when it knows enough words of the message to mean it."""

    probability: float
    is_significant: bool
    words: str = ""  # the words that said most, for people
    samples: Samples = field(default_factory=Samples)  # what the filter has learnt from


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the recipient's settings say about messages like this one."""

    mailbox: str = "Inbox"  # by the address or its rule
    junk_mailbox: str = ""  # for what the author's domain wants in quarantine; "" refuses it
    introbox: str = ""
    rejects_to: str = ""  # a rule takes what would be refused, into this mailbox
    auth_required: str = ""  # the words of the refusal of what is not verified; "" takes it
    threshold: float | None = None  # of the junk filter; None without one
    gives_passes: bool = False  # a refused sender gets a token for the subject
    delays_first_time: bool = True
    is_list: bool = False  # a rule lets in what is verified for this list's domain, and this is
    is_forward: bool = False  # a rule says that another server of the recipient's passes this on
    is_report: bool = False  # DMARC or TLS reports are what the address is for


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that a verdict depends on."""

    settings: Settings = field(default_factory=Settings)
    author: str = ""  # for words; "" when it cannot be told
    is_validated: bool = False  # the author's address, by SPF or DKIM of its domain
    is_unsure: bool = False  # and whether it is may come out otherwise later, as DNS did not tell
    passes_dmarc: bool = False
    wish: Wish = Wish.NONE
    spf_fails: bool = False
    has_reverse_name: bool = True
    has_tls: bool = True
    is_addressed: bool = True  # the recipient stands in To or Cc
    has_pass: bool = False  # a valid token in the subject
    jitter: float = 0.0  # moves the threshold that part of the way to 1, so that nobody can find it by trying
    reputation: Reputation | None = None  # not asked
    content: Content | None = None  # not asked
    listed: tuple[str, ...] | None = None  # not asked; else the zones that list the client, with their words


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is done. `reply` is None for what is taken."""

    reason: str
    words: str  # what decided, for people
    remedy: str = ""  # what would change it, for people
    reply: Reply | None = None
    mailbox: str = ""
    is_reject: bool = False  # taken or not, it is what would be refused
    is_delayed: bool = False  # a first contact, whose sender is kept waiting a little
    gives_pass: bool = False  # the reply needs a token
