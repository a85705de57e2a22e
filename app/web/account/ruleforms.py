"""A rule of an address as a sentence, as fields of a form, and a list of rules as one hidden field.

The editor keeps what is not saved yet in the page, so that it works without scripts and in two windows at once. The
hidden field has the rules as text of the configuration file: no setting gets lost on its way through the browser, and
what comes back is read as any file is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.config import reading, writing
from app.config.dynamic import Destination, Ruleset
from app.config.regexp import Regexp, parse_regexp
from app.errors import Refusal, SconfSyntaxError
from app.operations.accountsettings import MAX_EXPRESSION, mailbox_name
from app.operations.edits import plain_text
from app.operations.ruleproposal import RuleProposal
from app.web.account.textmatch import How, Match, Subject, read_match, write_match
from app.web.forms import Form
from app.wire.domain import parse_domain

MAX_RULES = 500
MAX_FIELDS = 20  # conditions on header fields in one rule
ADDRESS_WAYS = {
    "": "does not matter",
    How.IS.value: "is",
    How.CONTAINS.value: "contains",
    How.DOMAIN.value: "is at the domain, or below",
    How.EXPRESSION.value: "matches the expression",
}
FIELD_WAYS = {
    How.CONTAINS.value: "contains",
    How.IS.value: "is exactly",
    How.ANY.value: "is there, whatever it says",
    How.EXPRESSION.value: "matches the expression",
}
COMMON_FIELDS = ("Subject", "To", "Cc", "List-Id", "Reply-To", "X-Mailer")
_EXPRESSION_MARK = "/"  # around the name of a field: an expression on names


@dataclass(frozen=True, slots=True)
class Sentence:
    """A rule in words: if all of the conditions hold, the mail goes to the mailbox."""

    conditions: tuple[str, ...]
    mailbox: str
    additions: tuple[str, ...]
    comment: str


def sentence(rule: Ruleset) -> Sentence:
    """What a rule says."""
    found = []
    for who, expression in (("the author", rule.msg_from_regexp), ("the envelope sender", rule.smtp_mail_from_regexp)):
        if expression:
            found.append(f"{who} {read_match(expression.text, Subject.ADDRESS).words}")
    for name, value in rule.headers_regexp.items():
        found.append(f"{_name_words(name)} {read_match(value.text, Subject.FIELD).words}")
    if rule.verified_domain:
        found.append(f"it is proven to come from {rule.verified_domain}")
    return Sentence(tuple(found), rule.mailbox, tuple(_additions(rule)), rule.comment)


def _additions(rule: Ruleset) -> list[str]:
    found = []
    if rule.is_forward:
        found.append("It is forwarded mail: the original sender is judged.")
    if rule.list_allow_domain:
        found.append(f"It is a mailing list: mail proven to come from {rule.list_allow_domain} is accepted.")
    if rule.accept_rejects_to_mailbox:
        found.append(f"What would be refused as junk goes to {rule.accept_rejects_to_mailbox}.")
    return found


def _name_words(name: Regexp) -> str:
    text = _field_name(name)
    return f"a field named {text}" if text.startswith(_EXPRESSION_MARK) else text


def _field_name(name: Regexp) -> str:
    """List-Id for ^list-id$; an expression between slashes for any other."""
    match = read_match(name.text, Subject.FIELD)
    if match.how is How.IS:
        return "-".join(part.capitalize() for part in match.text.split("-"))
    return f"{_EXPRESSION_MARK}{name.text}{_EXPRESSION_MARK}"


def fields_of(rule: Ruleset) -> Mapping[str, str]:
    """The fields of the form for a rule."""
    domains = (rule.verified_domain, rule.list_allow_domain)
    verified, listed = (domain.unicode if domain else "" for domain in domains)
    found = {
        "mailbox": rule.mailbox,
        "comment": rule.comment,
        "verified": verified,
        "list": listed,
        "forward": "yes" if rule.is_forward else "",
        "accept": rule.accept_rejects_to_mailbox,
        **_address_fields("author", rule.msg_from_regexp),
        **_address_fields("sender", rule.smtp_mail_from_regexp),
    }
    for index, (name, value) in enumerate(rule.headers_regexp.items()):
        match = read_match(value.text, Subject.FIELD)
        found |= {f"field{index}": _field_name(name), f"how{index}": match.how.value, f"text{index}": match.text}
    return found


def proposed_fields(found: RuleProposal) -> Mapping[str, str]:
    """The fields of the form for a rule that takes mail like a message: of its mailing list, or else of its author."""
    domain = found.vouches.unicode if found.vouches else ""
    if found.list_id:
        listed = {"field0": "List-Id", "how0": How.CONTAINS.value, "text0": f"<{found.list_id}>"}
        return {**listed, "list": domain, "mailbox": f"Lists/{found.list_name}"}
    how = How.IS.value if found.author else ""
    return {"author_how": how, "author": found.author, "verified": domain}


def _address_fields(name: str, expression: Regexp | None) -> dict[str, str]:
    if expression is None:
        return {f"{name}_how": "", name: ""}
    match = read_match(expression.text, Subject.ADDRESS)
    return {f"{name}_how": match.how.value, name: match.text}


def field_rows(form: Form) -> int:
    """How many conditions on header fields the form shows: those there are, and an empty one."""
    filled = (index for index in range(MAX_FIELDS) if form.value(f"field{index}") or form.value(f"text{index}"))
    return min(max(filled, default=-1) + 2, MAX_FIELDS)


def read_rule(form: Form) -> Ruleset:
    """The rule that was typed; what is wrong is said in the form."""
    rule = Ruleset(
        msg_from_regexp=_address(form, "author"),
        smtp_mail_from_regexp=_address(form, "sender"),
        headers_regexp=_headers(form),
        verified_domain=form.parsed("verified", parse_domain, required=False),
        list_allow_domain=form.parsed("list", parse_domain, required=False),
        is_forward=form.flag("forward"),
        accept_rejects_to_mailbox=form.parsed("accept", _named("AcceptRejectsToMailbox"), required=False) or "",
        mailbox=form.parsed("mailbox", _named("Mailbox")) or "",
        comment=form.parsed("comment", lambda text: plain_text("Comment", text), required=False) or "",
    )
    if form.is_ok:
        _require_whole(form, rule)
    return rule


def _require_whole(form: Form, rule: Ruleset) -> None:
    if not (rule.msg_from_regexp or rule.smtp_mail_from_regexp or rule.headers_regexp or rule.verified_domain):
        form.fail("author", "Give at least one condition: about the author, or about a field below.")
    if rule.is_forward and not (rule.smtp_mail_from_regexp and rule.verified_domain):
        form.fail("forward", "To know who forwards, fill in both the envelope sender and the proven domain.")
    if rule.is_forward and rule.list_allow_domain:
        form.fail("list", "A rule is for forwarded mail or for a mailing list, not for both.")
    try:
        write_rules((rule,))
    except SconfSyntaxError as error:
        form.fail("", f"This cannot be kept in the configuration file: {error.message}.")


def _named(setting: str) -> Callable[[str], str]:
    return lambda text: mailbox_name(setting, text)


def _address(form: Form, name: str) -> Regexp | None:
    how = form.choice(f"{name}_how", ADDRESS_WAYS)
    if not how and form.value(name).strip():
        form.fail(name, "Say before it how the address is compared, or empty this.")
    if not how or how not in ADDRESS_WAYS:
        return None
    return form.parsed(name, lambda text: _expression(Match(How(how), text), Subject.ADDRESS))


def _headers(form: Form) -> Mapping[Regexp, Regexp]:
    found: dict[Regexp, Regexp] = {}
    for index in range(MAX_FIELDS):
        if not form.value(f"field{index}").strip() and not form.value(f"text{index}").strip():
            continue
        name = form.parsed(f"field{index}", _name_expression)
        value = _value(form, index)
        if name in found:
            form.fail(f"field{index}", "There is a condition on this field already; use an expression for both.")
        if name and value:
            found[name] = value
    return found


def _value(form: Form, index: int) -> Regexp | None:
    how = form.choice(f"how{index}", FIELD_WAYS)
    if how == How.ANY.value:
        return _expression(Match(How.ANY), Subject.FIELD)
    if how not in FIELD_WAYS:
        return None
    return form.parsed(f"text{index}", lambda text: _expression(Match(How(how), text), Subject.FIELD))


def _name_expression(text: str) -> Regexp:
    """The expression for the name of a field, or the one between slashes."""
    is_expression = len(text) > 1 and text[0] == text[-1] == _EXPRESSION_MARK
    text = text[1:-1] if is_expression else text.removesuffix(":").rstrip()
    if ":" in text:
        raise ValueError("a colon cannot be in the name of a field")
    return _expression(Match(How.EXPRESSION if is_expression else How.IS, text), Subject.FIELD)


def _expression(match: Match, subject: Subject) -> Regexp:
    text = write_match(match, subject)
    if len(text) > MAX_EXPRESSION:
        raise ValueError(f"this is too long; at most {MAX_EXPRESSION} characters fit")
    return parse_regexp(text)


def write_rules(rules: Sequence[Ruleset]) -> str:
    """The hidden field for rules; raises SconfSyntaxError for what no configuration file can say."""
    return writing.write(Destination(rulesets=tuple(rules))).decode()


def read_rules(text: str) -> tuple[Ruleset, ...]:
    """The rules in a hidden field; raises Refusal for what no page of ours sends."""
    found = reading.read(text.replace("\r\n", "\n").encode(), "rules", Destination)
    rules = found.value.rulesets
    if found.problems or len(rules) > MAX_RULES:
        raise Refusal("this form cannot be understood; please open the page of the address again")
    return rules
