"""Changes of WebHandlers and WebDomainRedirects of domains.conf, one at a time, each in effect at once.

Who changes a list says which one was seen (`seen`, its digest): the places in it are numbers, which mean another
handler after somebody else's change. Raises Conflict then, Refusal for a place that is not there, and ConfigError for
what cannot be.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from app.config.dynamic import Dynamic
from app.config.live import Live
from app.config.webhandlers import WebHandler
from app.errors import Refusal
from app.operations.edits import change, digest, require_seen
from app.wire.domain import Domain

MAX_HANDLERS = 1000
MAX_REDIRECTS = 1000

Handlers = tuple[WebHandler, ...]


def seen_handlers(dynamic: Dynamic) -> str:
    """The mark of the handlers as they are now."""
    return digest(tuple(dynamic.web_handlers))


def put_handler(live: Live, at: int | None, handler: WebHandler, *, seen: str, by: str) -> None:
    """Replace the handler at a place, or with None add it at the end."""

    def put(handlers: Handlers) -> Handlers:
        if at is not None:
            _need(handlers, at)
            return (*handlers[:at], handler, *handlers[at + 1 :])
        if len(handlers) >= MAX_HANDLERS:
            raise Refusal("there are as many handlers as there can be; remove one first")
        return (*handlers, handler)

    _change_handlers(live, put, seen, by, f"web handler of {handler.domain} {'added' if at is None else 'changed'}")


def move_handler(live: Live, at: int, to: int, *, seen: str, by: str) -> None:
    """Put the handler at a place to another, before those that stand there and behind it."""

    def move(handlers: Handlers) -> Handlers:
        _need(handlers, at)
        _need(handlers, to)
        rest = [*handlers[:at], *handlers[at + 1 :]]
        return (*rest[:to], handlers[at], *rest[to:])

    _change_handlers(live, move, seen, by, "web handler moved")


def remove_handler(live: Live, at: int, *, seen: str, by: str) -> None:
    """Remove the handler at a place."""

    def remove(handlers: Handlers) -> Handlers:
        _need(handlers, at)
        return (*handlers[:at], *handlers[at + 1 :])

    _change_handlers(live, remove, seen, by, "web handler removed")


def put_redirect(live: Live, source: Domain, target: Domain, by: str) -> None:
    """Send everything that is asked of one name to another."""

    def put(dynamic: Dynamic) -> Dynamic:
        if len(dynamic.web_domain_redirects) >= MAX_REDIRECTS:
            raise Refusal("there are as many redirects as there can be; remove one first")
        before = dynamic.web_domain_redirects.get(source)
        if before not in (None, target):
            raise Refusal(f"{source} leads to {before} already; remove that redirect first")
        redirects = {**dynamic.web_domain_redirects, source: target}
        return dataclasses.replace(dynamic, web_domain_redirects=redirects)

    change(live, put, by, f"web redirect of {source} to {target}")


def remove_redirect(live: Live, source: Domain, by: str) -> None:
    """Redirect a name no more; nothing happens when there is none."""

    def remove(dynamic: Dynamic) -> Dynamic:
        redirects = {name: target for name, target in dynamic.web_domain_redirects.items() if name != source}
        return dataclasses.replace(dynamic, web_domain_redirects=redirects)

    change(live, remove, by, f"web redirect of {source} removed")


def _change_handlers(live: Live, edit: Callable[[Handlers], Handlers], seen: str, by: str, what: str) -> None:
    def changed(dynamic: Dynamic) -> Dynamic:
        handlers = tuple(dynamic.web_handlers)
        require_seen(handlers, seen, "the web handlers")
        return dataclasses.replace(dynamic, web_handlers=edit(handlers))

    change(live, changed, by, what)


def _need(handlers: Handlers, at: int) -> None:
    if not 0 <= at < len(handlers):
        raise Refusal("this handler is not there any more")
