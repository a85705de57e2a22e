"""The editor of an address's rules: add, change, move and remove them, try them on past mail, then save.

Nothing is saved before "Save": the page carries the list (`ruleforms.write_rules`), the digest of what was there when
it was opened, and the number of the rule whose fields are open. Every button sends all of it with a verb in `do`, such
as "up.2". Who saves a list that somebody else changed meanwhile is shown theirs first.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from app.config.dynamic import Ruleset
from app.errors import Conflict, MailError, Refusal
from app.operations.destinations import set_rulesets
from app.operations.edits import digest
from app.operations.ruleproposal import propose
from app.operations.rulesetrun import DryRun, destination_keys, dry_run
from app.web.account import ruleforms
from app.web.account.address import OwnAddress, address_path, named, own_addresses
from app.web.account.holder import mailboxes_of, save
from app.web.account.ruleforms import (
    MAX_RULES,
    fields_of,
    proposed_fields,
    read_rule,
    read_rules,
    sentence,
    write_rules,
)
from app.web.errors import NotFound
from app.web.faults import explain
from app.web.forms import Form
from app.web.visit import Visit, action, page


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What the page carries."""

    rules: tuple[Ruleset, ...]
    seen: str  # digest of the rules that the page began with
    open: int | None = None  # the rule whose fields are shown; one past the last for a new one


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the page shows besides the draft."""

    form: Form
    status: int = 200
    result: DryRun | None = None
    theirs: Sequence[Ruleset] | None = None  # what somebody else saved meanwhile


async def _show(visit: Visit) -> Response:
    """The editor as somebody opens it, perhaps with a rule for mail like a certain message."""
    if like := visit.request.query_params.get("like"):
        return await _propose(visit, like)
    address = named(visit, visit.request.query_params.get("address", ""))
    rules = address.held.destination.rulesets
    return await _page(visit, address, Draft(rules=rules, seen=digest(rules)), Outcome(form=Form()))


async def _propose(visit: Visit, like: str) -> Response:
    """A new rule that is not saved yet, with the conditions that fit a message that came in."""
    account = await visit.services.accounts.open(visit.session.account)
    number = int(like) if _is_below(like, 1 << 62) else -1
    found = await account.read(propose(number, account.directory / "msg"))
    if found is None:
        raise NotFound("That message is gone.")
    address = _receiver(visit, found.delivered_to)
    rules = address.held.destination.rulesets
    if len(rules) >= MAX_RULES:
        raise Refusal("this address has as many rules as there can be; remove one first")
    draft = Draft(rules=rules, seen=digest(rules), open=len(rules))
    return await _page(visit, address, draft, Outcome(form=Form.showing(proposed_fields(found))))


def _receiver(visit: Visit, delivered_to: str) -> OwnAddress:
    """The address of the account that a message came to; the first one when that cannot be told."""
    own = own_addresses(visit)
    keys = destination_keys(visit.services.live.directory, visit.session.account, delivered_to)
    chosen = next((one for one in own if one.held.key in keys), own[0] if own else None)
    if chosen is None:
        raise NotFound("you have no address, so there is no mail for rules to sort")
    return chosen


async def _page(visit: Visit, address: OwnAddress, draft: Draft, outcome: Outcome) -> Response:
    present = address.held.destination.rulesets
    return visit.render(
        "account/rules.html",
        outcome.status,
        address=address,
        draft=draft,
        carried=write_rules(draft.rules),
        sentences=[sentence(rule) for rule in draft.rules],
        is_changed=draft.rules != present or draft.open is not None,
        rows=ruleforms.field_rows(outcome.form),
        ways=ruleforms,
        mailboxes=[one.name for one in await mailboxes_of(visit)],
        asks_for_proof=any(rule.verified_domain is not None for rule in draft.rules),
        theirs=None if outcome.theirs is None else [sentence(rule) for rule in outcome.theirs],
        form=outcome.form,
        result=outcome.result,
    )


async def _edit(visit: Visit) -> Response:
    """One press of a button."""
    form = await visit.form()
    address = named(visit, form.value("address"))
    draft = await asyncio.to_thread(_read_draft, form)
    verb, _, number = form.value("do").partition(".")
    if verb == "cancel":
        return await _page(visit, address, dataclasses.replace(draft, open=None), Outcome(form=Form()))
    if verb == "more":
        return await _page(visit, address, draft, Outcome(form=form))
    if draft.open is not None:
        rule = read_rule(form)
        if not form.is_ok:
            return await _page(visit, address, draft, Outcome(form=form, status=422))
        rules = (*draft.rules[: draft.open], rule, *draft.rules[draft.open + 1 :])
        draft = dataclasses.replace(draft, rules=rules)
    if verb == "try":
        return await _page(visit, address, draft, Outcome(form=form, result=await _try(visit, address, draft.rules)))
    if verb == "save":
        return await _save(visit, address, draft, form)
    draft = _rearranged(dataclasses.replace(draft, open=None), verb, number)
    return await _page(visit, address, draft, Outcome(form=_fields(draft)))


def _read_draft(form: Form) -> Draft:
    """What the page carried; raises Refusal for what no page of ours sends."""
    rules, seen, number = read_rules(form.value("rules")), form.value("seen"), form.value("open")
    if not seen or (number and not _is_below(number, min(len(rules) + 1, MAX_RULES))):
        raise Refusal("this form cannot be understood; please open the page of the address again")
    return Draft(rules=rules, seen=seen, open=int(number) if number else None)


def _is_below(number: str, end: int) -> bool:
    return number.isascii() and number.isdigit() and len(number) < 19 and int(number) < end


def _rearranged(draft: Draft, verb: str, number: str) -> Draft:
    """The list after a button beside it; unchanged for a verb that there is none of, or that cannot be."""
    rules = list(draft.rules)
    if verb == "add" and len(rules) < MAX_RULES:
        return dataclasses.replace(draft, open=len(rules))
    if not _is_below(number, len(rules)):
        return draft
    at = int(number)
    if verb == "edit":
        return dataclasses.replace(draft, open=at)
    if verb == "remove":
        del rules[at]
    elif verb == "up" and at > 0:
        rules[at - 1 : at + 1] = reversed(rules[at - 1 : at + 1])
    elif verb == "down":
        rules[at : at + 2] = reversed(rules[at : at + 2])
    return dataclasses.replace(draft, rules=tuple(rules))


def _fields(draft: Draft) -> Form:
    """The fields of the rule that is open."""
    if draft.open is None:
        return Form()
    return Form.showing(fields_of(draft.rules[draft.open]) if draft.open < len(draft.rules) else {})


async def _try(visit: Visit, address: OwnAddress, rules: tuple[Ruleset, ...]) -> DryRun:
    account = await visit.services.accounts.open(visit.session.account)
    return await dry_run(account, address.held.key, rules, directory=visit.services.live.directory)


async def _save(visit: Visit, address: OwnAddress, draft: Draft, form: Form) -> Response:
    live = visit.services.live
    try:
        await save(visit, lambda: set_rulesets(live, address.of, draft.rules, seen=draft.seen))
    except Conflict as conflict:
        theirs = named(visit, address.held.key).held.destination.rulesets
        draft = dataclasses.replace(draft, seen=conflict.digest)
        return await _page(visit, address, draft, Outcome(form=form, status=409, theirs=theirs))
    except MailError as error:
        explain(form, error)
        return await _page(visit, address, draft, Outcome(form=form, status=422))
    done = "The rules are saved, and hold for mail that arrives from now on."
    return visit.redirect(address_path(address.held.key), done=done)


ROUTES = (page("/addresses/rules", _show), action("/addresses/rules", _edit))
