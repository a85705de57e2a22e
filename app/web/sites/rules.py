"""Which rule of domains.conf answers a request: whole-domain redirects first, then handlers in their order. Pure.

    rules = Rules(dynamic)
    for match in rules.matches(domain, "/shop/cart"):     the first that does not pass is the answer

A handler matches when the host name is its Domain and PathRegexp is found in the path. `Rules` is made once for each
state of the configuration; looking up a host name that has no rules costs one dict lookup.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.config.dynamic import Dynamic
from app.config.webhandlers import WebHandler
from app.wire.domain import Domain


@dataclass(frozen=True, slots=True)
class Match:
    """A handler that may answer."""

    index: int  # in the file
    handler: WebHandler
    path: str

    @property
    def rest(self) -> str:
        """The path without the part that PathRegexp matched; starts with a slash."""
        found = self.handler.path_regexp.matcher.find(self.path)
        rest = self.path[: found.start] + self.path[found.end :] if found is not None else self.path
        return rest if rest.startswith("/") else "/" + rest


class Rules:
    """The rules of one state of the configuration."""

    def __init__(self, dynamic: Dynamic) -> None:
        self.dynamic = dynamic
        self.redirects = dict(dynamic.web_domain_redirects)
        self._handlers: dict[Domain, list[tuple[int, WebHandler]]] = {}
        for index, handler in enumerate(dynamic.web_handlers):
            self._handlers.setdefault(handler.domain, []).append((index, handler))

    def is_site(self, host: Domain) -> bool:
        """Whether there are rules for the host name."""
        return host in self.redirects or host in self._handlers

    def matches(self, host: Domain, path: str) -> Iterator[Match]:
        """The handlers that may answer, in order; `path` is clean."""
        for index, handler in self._handlers.get(host, ()):
            if handler.path_regexp.search(path):
                yield Match(index, handler, path)

    def handlers(self, host: Domain) -> list[tuple[int, WebHandler]]:
        """Those for the host name, with their places in the file."""
        return self._handlers.get(host, [])
