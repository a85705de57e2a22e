"""The menu and the routes of the account pages."""

from __future__ import annotations

from app.store.websessions import Kind
from app.web.account import devices, overview, password, signins
from app.web.application import Pages
from app.web.visit import NavItem

ACCOUNT_PAGES = Pages(
    kind=Kind.ACCOUNT,
    title="your account",
    nav=(
        NavItem("/", "Overview"),
        NavItem("/devices", "Devices"),
        NavItem("/password", "Password"),
        NavItem("/signins", "Sign-ins"),
    ),
    routes=(*overview.ROUTES, *devices.ROUTES, *password.ROUTES, *signins.ROUTES),
)
