"""The menu and the routes of the account pages."""

from __future__ import annotations

from app.store.websessions import Kind
from app.web.account import (
    address,
    addresses,
    archive,
    arrived,
    bring,
    devices,
    export,
    forwarding,
    junk,
    keys,
    overview,
    password,
    rules,
    signins,
    suppressed,
    vacation,
)
from app.web.application import Pages
from app.web.visit import NavItem

_PAGES = (
    overview,
    arrived,
    addresses,
    address,
    rules,
    junk,
    forwarding,
    vacation,
    suppressed,
    bring,
    archive,
    export,
    devices,
    keys,
    password,
    signins,
)

ACCOUNT_PAGES = Pages(
    kind=Kind.ACCOUNT,
    title="your account",
    nav=(
        NavItem("/", "Overview"),
        NavItem("/arrived", "Mail that came in"),
        NavItem("/addresses", "Addresses"),
        NavItem("/junk", "Junk"),
        NavItem("/forwarding", "Forward"),
        NavItem("/vacation", "Away"),
        NavItem("/suppressed", "Suppressed"),
        NavItem("/bring", "Bring mail"),
        NavItem("/archive", "Import a file"),
        NavItem("/export", "Export"),
        NavItem("/devices", "Devices"),
        NavItem("/keys", "Keys"),
        NavItem("/password", "Password"),
        NavItem("/signins", "Sign-ins"),
    ),
    routes=tuple(route for page in _PAGES for route in page.ROUTES),
)
