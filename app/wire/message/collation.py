"""The collation i;unicode-casemap: how SORT and THREAD compare texts (RFC 5051, RFC 5256 §2.2).

Each character becomes its title-case form and is then taken apart into the letters and marks it stands for, so case
and the ways of writing one accented letter make no difference. Only mappings of one character to one count as title
case, which leaves `ß` as it is. The order is that of the UTF-8 bytes, which is the order of Python's strings.
"""

from __future__ import annotations

import unicodedata


class _Titled(dict[int, str]):
    """Title-case forms by code point, filled as they are met; bounded by the size of Unicode."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        titled = letter.title()
        self[code] = titled if len(titled) == 1 else letter
        return self[code]


_TITLED = _Titled()


def casemap(text: str) -> str:
    """The form of a text that is compared."""
    if text.isascii():
        return text.upper()
    return unicodedata.normalize("NFKD", text.translate(_TITLED))
