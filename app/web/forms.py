"""The fields of a submitted form as typed values, with a sentence beside each field that is wrong.

A handler asks for its fields one after the other, then looks at `is_ok`: all faults are found at once, and the page is
shown again with everything that was typed, but passwords. Nothing is saved before all of it is right.

For settings that two people may change at once, the page carries in hidden fields `was.NAME` what it showed; `changed`
tells what somebody else changed since. What arrives is bounded by `visit.py` (bytes, fields) and here (characters).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from app.errors import ConfigError, Refusal, WireError

MAX_TEXT = 1000
MAX_LINES = 1000
WAS = "was."

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Change:
    """A field that changed since the form was shown."""

    name: str
    was: str
    now: str


@dataclass(slots=True)
class Form:
    """What was typed, and what is wrong with it."""

    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def showing(cls, present: Mapping[str, str | Sequence[str]] | None = None) -> Form:
        """A form at its first showing, with present values."""
        items = (present or {}).items()
        return cls({name: (value,) if isinstance(value, str) else tuple(value) for name, value in items})

    @property
    def is_ok(self) -> bool:
        """Whether nothing is wrong so far."""
        return not self.errors

    def fail(self, name: str, sentence: str) -> None:
        """Say what is wrong with a field; the first sentence stays."""
        self.errors.setdefault(name, sentence)

    def value(self, name: str) -> str:
        """What was typed, as it is; for showing it again."""
        found = self.values.get(name, ())
        return found[0] if found else ""

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a field that may come several times, such as a list of checkboxes."""
        return tuple(self.values.get(name, ()))

    def text(self, name: str, *, required: bool = True, max_length: int = MAX_TEXT) -> str:
        """One line of text, without blanks around it."""
        text = self.value(name).strip()
        if required and not text:
            self.fail(name, "Please fill this in.")
        elif len(text) > max_length:
            self.fail(name, f"This is too long; at most {max_length} characters fit.")
        elif any(ord(char) < 32 or 127 <= ord(char) < 160 for char in text):
            self.fail(name, "This has characters that cannot be shown, such as a line break.")
        return text

    def password(self, name: str) -> str:
        """A password exactly as typed."""
        text = self.value(name)
        if not text:
            self.fail(name, "Please fill this in.")
        elif len(text) > MAX_TEXT:
            self.fail(name, f"This is too long; at most {MAX_TEXT} characters fit.")
        return text

    def number(self, name: str, minimum: int, maximum: int, *, default: int | None = None) -> int:
        """A whole number; `default` is for an empty field."""
        text = self.value(name).strip()
        if not text and default is not None:
            return default
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
            self.fail(name, "Please give a whole number.")
            return default or minimum
        if not minimum <= int(text) <= maximum:
            self.fail(name, f"Please give a number from {minimum} to {maximum}.")
        return int(text)

    def choice(self, name: str, options: Collection[str]) -> str:
        """One of the options."""
        text = self.value(name)
        if text not in options:
            self.fail(name, "Please choose one of the options.")
        return text

    def flag(self, name: str) -> bool:
        """Whether a box is checked."""
        return bool(self.value(name))

    def lines(self, name: str, *, max_length: int = MAX_TEXT) -> tuple[str, ...]:
        """The lines of a text area that are not empty, without blanks around them."""
        found = tuple(line.strip() for line in self.value(name).splitlines() if line.strip())
        if len(found) > MAX_LINES or any(len(line) > max_length for line in found):
            self.fail(name, f"Please give at most {MAX_LINES} lines of at most {max_length} characters.")
        return found

    def parsed(self, name: str, parse: Callable[[str], T], *, required: bool = True) -> T | None:
        """The text as `parse` understands it; what it refuses is told beside the field. None when wrong or empty."""
        text = self.text(name, required=required)
        if not text or name in self.errors:
            return None
        try:
            return parse(text)
        except WireError as err:
            self.fail(name, _sentence(err.message))
        except Refusal as err:
            self.fail(name, _sentence(err.public))
        except ConfigError as err:
            self.fail(name, _sentence("; ".join(problem.text for problem in err.problems)))
        except ValueError as err:
            self.fail(name, _sentence(str(err)))
        return None

    def changed(self, present: Mapping[str, str]) -> list[Change]:
        """What is not any more as the form showed it: somebody else saved meanwhile."""
        return [
            Change(name, was[0], now)
            for name, now in present.items()
            if (was := self.values.get(WAS + name)) and _lines(was[0]) != _lines(now)
        ]


def _lines(text: str) -> str:
    """Browsers send CRLF for the line breaks of a text area."""
    return text.replace("\r\n", "\n").strip()


def _sentence(text: str) -> str:
    """A message of the program as a sentence for a page."""
    text = text.strip() or "This is not right"
    text = text[0].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else text + "."
