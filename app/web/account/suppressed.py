"""Addresses to which the holder's mail does not go."""

from __future__ import annotations

from app.web.suppressed import SuppressedPage

ROUTES = SuppressedPage(is_of_all=False).routes
