"""Draws the conclusion: a `Case` to a `Verdict`, or to what must be asked first. Pure, and the heart of the judgement.

Rules are asked in order, the first that says something decides:

1. A mailing list that the recipient allows, verified: in.
2. What the author's domain wants refused or in quarantine (DMARC): refused, or into the junk mailbox by choice.
3. The recipient takes only what is verified.
4. Reputation: what the recipient said of earlier mail. Conclusive, it decides; so nobody who is known can be hurt by
   anything below, and nobody unvalidated profits, as that is never conclusive.
5. What the author's domain wants cannot be told now, and the author is not known: to be tried again.
6. Reports to an address for reports: in.
7. Nothing but weak signs, and SPF says that the client may not send for the domain: refused.
8. No reverse name, and signs of junk: refused.
9. A token in the subject, from an earlier refusal: in.
10. The words of the message; stricter for what is suspicious. Then the block lists. In, if neither objects; else
    refused, with a token for the subject when that may help.

A refusal for signs of junk is 451, as if something failed: the recipient finds the message among the refused ones, and
can take it back before the sender gives up. What the author's domain or the recipient wants refused is final.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Final

from app.junk.reputation import Reputation
from app.smtpserver.verdict import Ask, Case, Reason, Verdict, Wish
from app.wire.smtp import codes
from app.wire.smtp.reply import Reply

STRICT_THRESHOLD: Final = 0.25
TOKEN_MARGIN: Final = 0.2  # so much below the threshold the content is hardly junk, and a person may have written it
INBOX: Final = "Inbox"

# The same words for every doubt, so that the sender of junk learns nothing.
_DOUBTFUL: Final = codes.INTERNAL_ERROR.reply("error processing, try again later")

_TAKE_BACK: Final = "If you want mail like this, take it back, or move it to another mailbox in your mail program."
_ASK_SENDER: Final = "Only the sender's side can mend this: the mail must come from a server that their domain names."


def decide(case: Case) -> Verdict | Ask:
    """The verdict, or what is needed for one: fill that in and ask again."""
    for rule in _RULES:
        found = rule(case)
        if found is not None:
            return found if isinstance(found, Ask) else _placed(case, found)
    return _placed(case, _accept(Reason.NO_BAD_SIGNALS, "nothing speaks against the message"))


def _placed(case: Case, verdict: Verdict) -> Verdict:
    """The verdict with the mailbox, and after a rule that takes what would be refused."""
    settings = case.settings
    if verdict.reply is not None:
        if not settings.rejects_to:
            return dataclasses.replace(verdict, is_reject=True)
        return dataclasses.replace(
            verdict,
            reply=None,
            mailbox=settings.rejects_to,
            is_reject=True,
            gives_pass=False,
            words=f"{verdict.words}; a rule takes it all the same",
        )
    return dataclasses.replace(
        verdict, mailbox=verdict.mailbox or _mailbox(case), is_delayed=_is_delayed(case, verdict)
    )


def _mailbox(case: Case) -> str:
    settings, reputation = case.settings, case.reputation
    is_known = reputation is not None and reputation.method.is_personal
    if not settings.introbox or settings.mailbox != INBOX or is_known:
        return settings.mailbox
    is_expected = settings.is_forward or settings.is_report or settings.is_list
    return settings.mailbox if is_expected else settings.introbox


def _is_delayed(case: Case, verdict: Verdict) -> bool:
    settings = case.settings
    is_expected = settings.is_forward or settings.is_report or settings.is_list
    return verdict.reason == Reason.NO_BAD_SIGNALS.value and settings.delays_first_time and not is_expected


def _list(case: Case) -> Verdict | None:
    if not case.settings.is_list:
        return None
    return _accept(Reason.LIST_ALLOW, "a rule lets this mailing list in, and the message is verified to be of it")


def _dmarc(case: Case) -> Verdict | None:
    if case.wish not in (Wish.REJECT, Wish.QUARANTINE) or case.settings.is_forward:
        return None
    wanted = "refused" if case.wish is Wish.REJECT else "treated as junk"
    words = (
        f"nothing proves that the message is of {case.author or 'its author'}, and the domain wants such mail {wanted}"
    )
    if case.wish is Wish.QUARANTINE and case.settings.junk_mailbox:
        verdict = _accept(Reason.DMARC_POLICY, words)
        return dataclasses.replace(verdict, mailbox=case.settings.junk_mailbox, is_reject=True, remedy=_ASK_SENDER)
    reply = codes.AUTHENTICATION_FAILED.reply("rejected, as the domain of the author asks for it in its DMARC policy")
    return _reject(Reason.DMARC_POLICY, words, _ASK_SENDER, reply)


def _auth_required(case: Case) -> Verdict | None:
    text = case.settings.auth_required
    if not text or case.is_validated:
        return None
    status = codes.CANNOT_AUTHENTICATE if case.is_unsure else codes.AUTHENTICATION_FAILED
    words = "this address takes only mail whose author is verified"
    return _reject(Reason.AUTH_REQUIRED, words, _ASK_SENDER, status.reply(text))


def _ask_reputation(case: Case) -> Ask | None:
    return Ask.REPUTATION if case.reputation is None else None


def _known(case: Case) -> Verdict | None:
    reputation = _reputation(case)
    if not reputation.is_conclusive or reputation.is_junk is None:
        return None
    if reputation.is_junk:
        verdict = _reject(Reason.REPUTATION, reputation.words, _TAKE_BACK, _DOUBTFUL)
    else:
        verdict = _accept(Reason.REPUTATION, reputation.words)
    return dataclasses.replace(verdict, reason=reputation.method.value)


def _unknown_policy(case: Case) -> Verdict | None:
    """What cannot be told now may be told later; but whom the recipient knows does not wait for it."""
    if case.wish is not Wish.UNKNOWN or case.settings.is_forward or _reputation(case).is_junk is False:
        return None
    words = f"DNS does not tell now what the domain of {case.author} wants done with such mail"
    reply = codes.CANNOT_AUTHENTICATE.reply("cannot look up the DMARC policy of the author's domain, try again later")
    return _reject(Reason.DMARC_POLICY, words, "The sender tries again by itself.", reply)


def _report(case: Case) -> Verdict | None:
    return _accept(Reason.REPORTING, "the address is for reports") if case.settings.is_report else None


def _spf(case: Case) -> Verdict | None:
    if not case.spf_fails or not _reputation(case).method.is_weak or case.settings.is_forward:
        return None
    words = "the domain of the sender says that this server may not send for it (SPF)"
    return _reject(Reason.SPF_POLICY, words, _TAKE_BACK, _DOUBTFUL)


def _iprev(case: Case) -> Verdict | None:
    reputation = _reputation(case)
    if not _is_suspicious(case) or not (reputation.is_junk and reputation.method.is_weak):
        return None
    words = f"the sending server has no valid name in reverse DNS, and {reputation.words}"
    return _reject(Reason.IPREV, words, _TAKE_BACK, _DOUBTFUL)


def _pass(case: Case) -> Verdict | None:
    if not case.has_pass:
        return None
    return _accept(Reason.SUBJECT_PASS, "the subject has the token that an earlier refusal gave to this author")


def _ask_content(case: Case) -> Ask | None:
    return Ask.CONTENT if case.content is None and case.settings.threshold is not None else None


def _content(case: Case) -> Verdict | None:
    if _is_content_fine(case):
        return None
    content, limit, suspicion = case.content, _limit(case), _suspicion(case)
    assert content is not None
    reason = Reason.JUNK_CONTENT_STRICT if suspicion else Reason.JUNK_CONTENT
    words = f"its words look like junk: {content.probability:.1%}, refused from {limit:.1%} on"
    if suspicion:
        words += f" as {suspicion}"
    return _with_token(case, _reject(reason, words, _TAKE_BACK, _DOUBTFUL))


def _ask_lists(case: Case) -> Ask | None:
    return Ask.BLOCK_LISTS if case.listed is None else None


def _listed(case: Case) -> Verdict | None:
    if not case.listed:
        return None
    words = f"the sending server stands on a block list: {'; '.join(case.listed)}"
    return _with_token(case, _reject(Reason.BLOCK_LISTED, words, _TAKE_BACK, _DOUBTFUL))


def _with_token(case: Case, verdict: Verdict) -> Verdict:
    """A refusal that tells how to pass, for a verified author of whom nothing is known, and who may be a person."""
    limit, content = case.settings.threshold, case.content
    is_harmless = content is not None and limit is not None and content.probability < limit - TOKEN_MARGIN
    may_be_real = bool(case.listed) or is_harmless
    is_new = _reputation(case).is_junk is None
    if not (case.settings.gives_passes and case.passes_dmarc and is_new and may_be_real):
        return verdict
    reply = codes.NOT_ALLOWED.reply(
        "your message looks like junk; if it is not, send it again with this in the subject"
    )
    words = f"{verdict.words}; the sender was told how to pass"
    return dataclasses.replace(
        verdict, reason=Reason.GIVE_SUBJECT_PASS.value, words=words, reply=reply, gives_pass=True
    )


def _reputation(case: Case) -> Reputation:
    assert case.reputation is not None, "asked for before"
    return case.reputation


def _is_suspicious(case: Case) -> bool:
    return not case.has_reverse_name and not case.settings.is_forward


def _suspicion(case: Case) -> str:
    """Why the content is looked at more strictly; "" when it is not."""
    if _is_suspicious(case):
        return "the sending server has no valid name in reverse DNS"
    if _reputation(case).is_junk:
        return _reputation(case).words
    if case.settings.is_forward:
        return ""
    if not case.has_tls:
        return "it came without TLS"
    return "" if case.is_addressed else "you are not named in To or Cc"


def _limit(case: Case) -> float:
    """From which probability on the content is junk; a young filter must be surer."""
    assert case.settings.threshold is not None
    assert case.content is not None
    limit = case.settings.threshold
    limit += case.jitter * (1 - limit)  # never so much that nothing is junk any more
    return case.content.samples.required(min(limit, STRICT_THRESHOLD) if _suspicion(case) else limit)


def _is_content_fine(case: Case) -> bool:
    content = case.content
    if content is None or content.probability <= _limit(case):
        return True
    return not content.is_significant and not _is_suspicious(case)


def _accept(reason: Reason, words: str) -> Verdict:
    return Verdict(reason=reason.value, words=words)


def _reject(reason: Reason, words: str, remedy: str, reply: Reply) -> Verdict:
    return Verdict(reason=reason.value, words=words, remedy=remedy, reply=reply)


_RULES: Final[tuple[Callable[[Case], Verdict | Ask | None], ...]] = (
    _list,
    _dmarc,
    _auth_required,
    _ask_reputation,
    _known,
    _unknown_policy,
    _report,
    _spf,
    _iprev,
    _pass,
    _ask_content,
    _content,
    _ask_lists,
    _listed,
)
