"""Routes of the whole server, of a domain and of an account: which transport outgoing mail takes.

The first route that matches counts, so a list is replaced whole; `seen` is the digest of the tuple that was shown, and
Conflict tells that it is another by then. Transports are those of mox.conf.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from app.config.dynamic import Account, ConfigDomain, Dynamic, Route
from app.config.live import Live
from app.operations.edits import change, change_account, change_domain, require_seen
from app.wire.domain import Domain

_WHAT = "the routes"


def set_routes(live: Live, routes: Sequence[Route], *, seen: str = "", by: str = "") -> None:
    """Replace the routes that hold for all mail."""

    def edit(dynamic: Dynamic) -> Dynamic:
        require_seen(dynamic.routes, seen, _WHAT)
        return dataclasses.replace(dynamic, routes=tuple(routes))

    change(live, edit, by, "routes changed")


def set_domain_routes(live: Live, domain: Domain, routes: Sequence[Route], *, seen: str = "", by: str = "") -> None:
    """Replace the routes for mail from a domain."""

    def edit(config: ConfigDomain) -> ConfigDomain:
        require_seen(config.routes, seen, _WHAT)
        return dataclasses.replace(config, routes=tuple(routes))

    change_domain(live, domain, edit, by, f"routes of domain {domain} changed")


def set_account_routes(live: Live, name: str, routes: Sequence[Route], *, seen: str = "", by: str = "") -> None:
    """Replace the routes for mail that an account sends."""

    def edit(account: Account) -> Account:
        require_seen(account.routes, seen, _WHAT)
        return dataclasses.replace(account, routes=tuple(routes))

    change_account(live, name, edit, by, f"routes of account {name} changed")
