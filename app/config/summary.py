"""One line about the difference between two values of domains.conf: which domains and accounts, what else."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from app.config.dynamic import Dynamic
from app.config.schema import struct_of

MAX_PARTS = 4


def summary(before: Dynamic, after: Dynamic) -> str:
    """Such as "account jane changed, domain example.org added"; empty when the values are equal."""
    parts = [
        *_changes("domain", before.domains, after.domains),
        *_changes("account", before.accounts, after.accounts),
        *_settings(before, after),
    ]
    more = len(parts) - MAX_PARTS
    return ", ".join(parts[:MAX_PARTS]) + (f", and {more} more" if more > 0 else "")


def _changes(word: str, before: Mapping[Any, object], after: Mapping[Any, object]) -> Iterator[str]:
    for name in sorted({*before, *after}, key=str):
        if name not in before:
            yield f"{word} {name} added"
        elif name not in after:
            yield f"{word} {name} removed"
        elif before[name] != after[name]:
            yield f"{word} {name} changed ({', '.join(_names(before[name], after[name]))})"


def _settings(before: Dynamic, after: Dynamic) -> Iterator[str]:
    names = [name for name in _names(before, after) if name not in ("Domains", "Accounts")]
    if names:
        yield f"{', '.join(names)} changed"


def _names(before: object, after: object) -> list[str]:
    """The settings of a struct that differ."""
    if not dataclasses.is_dataclass(before) or isinstance(before, type):
        return []
    fields = struct_of(type(before)).fields
    return [one.name for one in fields if getattr(before, one.attribute) != getattr(after, one.attribute)]
