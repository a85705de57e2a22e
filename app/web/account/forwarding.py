"""Mail that goes on to addresses elsewhere: the targets of each address, their codes, and whether a copy stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from app.errors import Refusal
from app.operations.forwarding import check_target, offer
from app.operations.servermail import Post
from app.store.account import forwards
from app.store.account.forwards import Answer, Target
from app.store.account.handle import Account
from app.web.account.address import OwnAddress, named, own_addresses
from app.web.errors import NotFound
from app.web.forms import Form
from app.web.visit import Visit, action, page
from app.wire.smtp.address import Address, parse_address

_WRONG = {
    Answer.WRONG: "This is not the code that was sent there. Please look again.",
    Answer.OVER: "This code is no longer good: it is older than a day, or there were too many tries. Send a new one.",
}


@dataclass(frozen=True, slots=True)
class _Forwarded:
    """An address with where its mail goes."""

    address: OwnAddress
    targets: Sequence[Target]
    keeps_copy: bool


async def _account(visit: Visit) -> Account:
    return await visit.services.accounts.open(visit.session.account)


async def _show(visit: Visit) -> Response:
    return await _page(visit, Form())


async def _page(visit: Visit, form: Form, status: int = 200) -> Response:
    account, addresses = await _account(visit), own_addresses(visit)
    targets = await account.read(forwards.targets)
    kept = await account.read(lambda db: {one.held.key: forwards.keeps_copy(db, one.held.key) for one in addresses})
    rows = [
        _Forwarded(one, [target for target in targets if target.destination == one.held.key], kept[one.held.key])
        for one in addresses
    ]
    return visit.render(
        "account/forwarding.html",
        status,
        form=form,
        rows=[row for row in rows if row.targets],
        addresses=[(one.held.key, one.held.words) for one in addresses],
        most=forwards.MAX_TARGETS,
    )


async def _add(visit: Visit) -> Response:
    form = await visit.form()
    address = named(visit, form.value("address"))
    target = form.parsed("target", lambda typed: _target(visit, typed))
    if target is None:
        return await _page(visit, form, 422)
    return await _offer(visit, form, address, target)


def _target(visit: Visit, typed: str) -> Address:
    target = parse_address(typed)
    check_target(visit.services.live, target)
    return target


async def _offer(visit: Visit, form: Form, address: OwnAddress, target: Address) -> Response:
    services = visit.services
    post = Post(services.live, services.queue, services.clock)
    try:
        await offer(post, await _account(visit), address.held.key, target)
    except Refusal as error:
        form.fail("target", f"{error.public[:1].upper()}{error.public[1:]}.")
        return await _page(visit, form, 422)
    return visit.redirect("/forwarding", done=f"A code is on its way to {target}. Type it below when it is there.")


async def _again(visit: Visit) -> Response:
    form = await visit.form()
    target = await _named(visit, form)
    return await _offer(visit, form, named(visit, target.destination), parse_address(target.address))


async def _named(visit: Visit, form: Form) -> Target:
    """The target that a form is about; raises NotFound."""
    account = await _account(visit)
    for one in await account.read(forwards.targets):
        if str(one.id) == form.value("id"):
            return one
    raise NotFound("mail is not forwarded there (any more)")


async def _confirm(visit: Visit) -> Response:
    form = await visit.form()
    target = await _named(visit, form)
    answer = await forwards.confirm(await _account(visit), target.id, form.text("code", max_length=100))
    if answer is Answer.RIGHT:
        return visit.redirect("/forwarding", done=f"Mail for {target.destination} goes on to {target.address} now.")
    form.fail(f"code{target.id}", _WRONG[answer])
    return await _page(visit, form, 422)


async def _remove(visit: Visit) -> Response:
    target = await _named(visit, await visit.form())
    await forwards.remove(await _account(visit), target.id)
    return visit.redirect("/forwarding", done=f"Nothing goes on to {target.address} any more.")


async def _copy(visit: Visit) -> Response:
    form = await visit.form()
    address, keeps = named(visit, form.value("address")), form.value("copy") == "keep"
    await forwards.set_copy(await _account(visit), address.held.key, keeps=keeps)
    return visit.redirect("/forwarding", done="A copy stays here now." if keeps else "No copy stays here any more.")


ROUTES = (
    page("/forwarding", _show),
    action("/forwarding/add", _add),
    action("/forwarding/again", _again),
    action("/forwarding/confirm", _confirm),
    action("/forwarding/remove", _remove),
    action("/forwarding/copy", _copy),
)
