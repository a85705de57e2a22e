"""Addresses to which mail of accounts does not go."""

from __future__ import annotations

from app.web.suppressed import SuppressedPage

ROUTES = SuppressedPage(is_of_all=True).routes
