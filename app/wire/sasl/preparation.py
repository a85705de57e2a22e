"""Makes equal what people mean to be equal: passwords and user names that are typed on different keyboards.

`opaque_string` prepares passwords that we store and check (RFC 8265 §4.2), `user_name` prepares login names (§3.4,
without the directionality rule), `saslprep` is the older form that SCRAM clients use (RFC 4013, RFC 5802 §2.2). All
raise WireError for characters that cannot be part of such a string. The contextual rules of RFC 5892 are applied for
the joiners only.
"""

from __future__ import annotations

import stringprep
import unicodedata

from app.errors import WireError

_VIRAMA = 9  # the canonical combining class after which a joiner may stand (RFC 5892 A.1, A.2)
_JOINERS = "\u200c\u200d"
# Default_Ignorable_Code_Point beyond category Cf, and old Hangul jamo (RFC 8264 §9.9, §9.13).
_DISALLOWED = (
    *((0x034F, 0x034F), (0x1100, 0x11FF), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x3164, 0x3164), (0xA960, 0xA97F)),
    *((0xD7B0, 0xD7FF), (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xE0100, 0xE01EF)),
)


def opaque_string(text: str) -> str:
    """A password in the form that is hashed and compared."""
    if text.isascii() and text.isprintable() and text:
        return text
    spaced = "".join(" " if unicodedata.category(char) == "Zs" else char for char in text)
    return _checked(unicodedata.normalize("NFC", spaced))


def user_name(text: str) -> str:
    """A login name in the form that is looked up; case is kept, as localparts may be case sensitive."""
    if text.isascii() and text.isprintable() and text:
        return text
    narrow = "".join(map(_narrow, text))
    return _checked(unicodedata.normalize("NFC", narrow))


def saslprep(text: str) -> str:
    """A user name or password as SCRAM clients prepare it, as a stored string (RFC 4013 §2)."""
    if text.isascii() and text.isprintable():
        return text
    mapped = "".join(" " if stringprep.in_table_c12(c) else c for c in text if not stringprep.in_table_b1(c))
    result = unicodedata.normalize("NFKC", mapped)
    for index, char in enumerate(result):
        if _is_prohibited(char):
            raise WireError(f"character U+{ord(char):04X} is not allowed", index)
    _check_direction(result)
    return result


def _checked(text: str) -> str:
    """The text, when every character is of the FreeformClass of RFC 8264 §4.3."""
    if not text:
        raise WireError("must not be empty")
    for index, char in enumerate(text):
        if not _is_allowed(char, text[index - 1] if index else ""):
            raise WireError(f"character U+{ord(char):04X} is not allowed", index)
    return text


def _is_allowed(char: str, before: str) -> bool:
    if char in _JOINERS:
        return bool(before) and unicodedata.combining(before) == _VIRAMA
    if unicodedata.category(char)[0] in "CZ" and char != " ":
        return False
    code = ord(char)
    return not any(first <= code <= last for first, last in _DISALLOWED)


def _narrow(char: str) -> str:
    """Fullwidth and halfwidth characters as their ordinary ones (RFC 8265 §3.4.1)."""
    kind, _, rest = unicodedata.decomposition(char).partition(" ")
    return chr(int(rest, 16)) if kind in ("<wide>", "<narrow>") else char


def _is_prohibited(char: str) -> bool:
    """RFC 4013 §2.3, and §2.5: unassigned code points."""
    return (
        stringprep.in_table_c12(char)
        or stringprep.in_table_c21_c22(char)
        or stringprep.in_table_c3(char)
        or stringprep.in_table_c4(char)
        or stringprep.in_table_c5(char)
        or stringprep.in_table_c6(char)
        or stringprep.in_table_c7(char)
        or stringprep.in_table_c8(char)
        or stringprep.in_table_c9(char)
        or stringprep.in_table_a1(char)
    )


def _check_direction(text: str) -> None:
    """RFC 3454 §6: right-to-left text starts and ends so, and holds nothing that runs left to right."""
    if not any(map(stringprep.in_table_d1, text)):
        return
    if any(map(stringprep.in_table_d2, text)) or not all(map(stringprep.in_table_d1, (text[0], text[-1]))):
        raise WireError("mixes writing directions")
