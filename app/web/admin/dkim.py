"""The keys that sign mail of a domain (DKIM): which there are, which sign and how; a new one, and taking one away."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import Response

from app.clock import utc
from app.config.dynamic import Canonicalization, ConfigDomain, DkimHash, Selector
from app.errors import MailError
from app.operations import dkimselectors
from app.operations.dkimkeys import Algorithm
from app.operations.dkimselectors import SelectorOf, Signing
from app.operations.dnsrecords import files_below
from app.trust.dkim.keys import load_key
from app.web.admin.confirm import Question, ask
from app.web.admin.domain import config_of, domain_of, domain_page, domain_path
from app.web.admin.rotation import shown_rotation
from app.web.errors import NotFound
from app.web.faults import explain
from app.web.forms import Form
from app.web.visit import Visit, action, page

ALGORITHMS = {Algorithm.RSA.value: "RSA, 2048 bits (everybody verifies it)", Algorithm.ED25519.value: "Ed25519 (short)"}
RELAXED, SIMPLE = "relaxed", "simple"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key of the list."""

    selector: str
    settings: Selector
    kind: str
    record: str  # "" when the file cannot be read
    signs: bool
    problem: str = ""


def _keys(visit: Visit) -> list[Key]:
    dkim = config_of(visit).dkim
    return [_key(visit, name, one, signs=name in dkim.sign) for name, one in dkim.selectors.items()] if dkim else []


def _key(visit: Visit, name: str, settings: Selector, *, signs: bool) -> Key:
    try:
        key = load_key(files_below(visit.services.live.config_dir)(settings.private_key_file))
    except OSError as error:
        problem = f"The file {settings.private_key_file} cannot be read: {error.strerror}."
        return Key(selector=name, settings=settings, kind="unknown", record="", signs=signs, problem=problem)
    except MailError as error:
        return Key(selector=name, settings=settings, kind="unknown", record="", signs=signs, problem=f"{error}.")
    record = key.record()
    kind = "Ed25519" if "k=ed25519" in record else "RSA"
    return Key(selector=name, settings=settings, kind=kind, record=record, signs=signs)


async def _show(visit: Visit) -> Response:
    return await _page(visit, Form())


def _present(config: ConfigDomain) -> Mapping[str, str]:
    return {"sign": "\n".join(config.dkim.sign if config.dkim else ())}


async def _page(visit: Visit, form: Form, status: int = 200) -> Response:
    present = _present(config_of(visit))
    return domain_page(
        visit,
        "admin/domain-dkim.html",
        status,
        form=form,
        keys=_keys(visit),
        rotation=await shown_rotation(visit),
        algorithms=list(ALGORITHMS.items()),
        proposal=_unused(config_of(visit), utc(visit.services.clock.now()).year),
        present=present,
        changes=form.changed(present) if status == 409 else [],
    )


def _unused(config: ConfigDomain, year: int) -> str:
    """The next free selector of the year: 2026a, 2026b ..."""
    taken = {name.lower() for name in (config.dkim.selectors if config.dkim else ())}
    return next((name for letter in "abcdefghijklmnopqrstuvwxyz" if (name := f"{year}{letter}") not in taken), "")


async def _add(visit: Visit) -> Response:
    form = await visit.form()
    selector = form.text("selector", max_length=63)
    algorithm = form.choice("algorithm", ALGORITHMS)
    live, domain = visit.services.live, domain_of(visit)
    if form.is_ok:
        of, now = SelectorOf(domain, selector), visit.services.clock.now()
        try:
            await asyncio.to_thread(dkimselectors.add_selector, live, of, Algorithm(algorithm), now)
        except MailError as error:
            explain(form, error, "selector")
    if not form.is_ok:
        return await _page(visit, form, 422)
    done = f"The key {selector} is made. Publish its record first; let it sign when the record is seen."
    return visit.redirect(domain_path(domain, "/dkim"), done=done)


async def _set_signing(visit: Visit) -> Response:
    """Which keys sign."""
    form = await visit.form()
    if form.changed(_present(config_of(visit))):
        return await _page(visit, form, 409)
    live, domain = visit.services.live, domain_of(visit)
    try:
        await asyncio.to_thread(dkimselectors.set_signing_selectors, live, domain, form.all("sign"))
    except MailError as error:
        explain(form, error)
        return await _page(visit, form, 422)
    return visit.redirect(domain_path(domain, "/dkim"), done="Saved.")


def _named(visit: Visit, selector: str) -> Selector:
    dkim = config_of(visit).dkim
    if dkim is None or selector not in dkim.selectors:
        raise NotFound("there is no such key (any more)")
    return dkim.selectors[selector]


async def _show_key(visit: Visit) -> Response:
    found = _named(visit, visit.params["selector"])
    return _key_page(visit, Form.showing(_fields(found)))


def _fields(key: Selector) -> dict[str, str]:
    how = key.canonicalization or Canonicalization(header_relaxed=False, body_relaxed=False)
    return {
        "header_canonicalization": RELAXED if how.header_relaxed else SIMPLE,
        "body_canonicalization": RELAXED if how.body_relaxed else SIMPLE,
        "expiration": key.expiration,
        "headers": "\n".join(key.headers),
        "seal": "" if key.dont_seal_headers else "yes",
    }


def _key_page(visit: Visit, form: Form, status: int = 200) -> Response:
    selector = visit.params["selector"]
    present = _fields(_named(visit, selector))
    changes = form.changed(present) if status == 409 else []
    return domain_page(
        visit, "admin/dkim-key.html", status, form=form, selector=selector, present=present, changes=changes
    )


async def _save_key(visit: Visit) -> Response:
    form, selector = await visit.form(), visit.params["selector"]
    found = _named(visit, selector)
    if form.changed(_fields(found)):
        return _key_page(visit, form, 409)
    signing = Signing(
        hash=DkimHash.SHA256,
        canonicalization=Canonicalization(
            header_relaxed=form.choice("header_canonicalization", (RELAXED, SIMPLE)) == RELAXED,
            body_relaxed=form.choice("body_canonicalization", (RELAXED, SIMPLE)) == RELAXED,
        ),
        headers=form.lines("headers", max_length=100),
        dont_seal_headers=not form.flag("seal"),
        expiration=form.text("expiration", required=False, max_length=20),
    )
    if form.is_ok:
        of = SelectorOf(domain_of(visit), selector)
        try:
            await asyncio.to_thread(dkimselectors.set_signing, visit.services.live, of, signing)
        except MailError as error:
            explain(form, error, settings={"Headers": "headers", "Expiration": "expiration"})
    if not form.is_ok:
        return _key_page(visit, form, 422)
    return visit.redirect(domain_path(domain_of(visit), "/dkim"), done=f"How {selector} signs is saved.")


async def _ask_remove(visit: Visit) -> Response:
    selector, path = visit.params["selector"], domain_path(domain_of(visit), "/dkim")
    is_signing = selector in (dkim.sign if (dkim := config_of(visit).dkim) else ())
    _named(visit, selector)
    return ask(
        visit,
        Question(
            title=f"Take the key {selector} away?",
            sentences=(
                "It signs mail now; other keys that sign go on with it, and without any, mail goes out unsigned."
                if is_signing
                else "It does not sign mail now.",
                "Leave its DNS record for some days, until all mail that was signed with it has arrived. "
                "Its file stays where it is.",
            ),
            action=f"{path}/{selector}/remove",
            button="Take the key away",
            back=path,
        ),
    )


async def _remove(visit: Visit) -> Response:
    selector, domain = visit.params["selector"], domain_of(visit)
    _named(visit, selector)
    await asyncio.to_thread(dkimselectors.remove_selector, visit.services.live, SelectorOf(domain, selector))
    return visit.redirect(domain_path(domain, "/dkim"), done=f"The key {selector} is taken away.")


ROUTES = (
    page("/domains/{domain}/dkim", _show),
    action("/domains/{domain}/dkim", _set_signing),
    action("/domains/{domain}/dkim-new", _add),
    page("/domains/{domain}/dkim/{selector}", _show_key),
    action("/domains/{domain}/dkim/{selector}", _save_key),
    page("/domains/{domain}/dkim/{selector}/remove", _ask_remove),
    action("/domains/{domain}/dkim/{selector}/remove", _remove),
)
