"""The TXT record at _updates.DOMAIN that says which version of this program is the newest.

v=UPDATES0; l=v1.2.3
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from app.errors import WireError

PREFIX: Final = "_updates."
_VERSION: Final = re.compile(r"v?([0-9]{1,6})\.([0-9]{1,6})\.([0-9]{1,6})")


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A released version; they compare as versions do."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


def parse_version(text: str) -> Version:
    """The version in a text such as "v1.2.3" or "1.2.3"."""
    found = _VERSION.fullmatch(text)
    if found is None:
        raise WireError("a version is three numbers with dots between them")
    return Version(int(found[1]), int(found[2]), int(found[3]))


def parse_announcement(texts: tuple[bytes, ...]) -> Version:
    """The newest version among the TXT records of a name; other records do not matter."""
    records = [one for one in texts if one.replace(b" ", b"").lower().startswith(b"v=updates0;")]
    if len(records) != 1:
        raise WireError("there is no record that announces versions" if not records else "there are several records")
    fields = {
        name.strip().lower(): value.strip()
        for name, separator, value in (field.partition("=") for field in records[0].decode("latin-1").split(";"))
        if separator
    }
    return parse_version(fields.get("l", ""))
