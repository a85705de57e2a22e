"""Why a change was not made, beside the field that it is about.

What an operation refuses, and what would not be a correct configuration, becomes a sentence of the form; where no field
is known, a notice above it. Operations write and sync files and wait for other changes, so handlers call them with
`asyncio.to_thread`; who asked is known from the request (`history.signed`).
"""

from __future__ import annotations

from collections.abc import Mapping

from app.errors import ConfigError, MailError, Problem, Refusal, Temporary
from app.web.forms import Form

WHOLE_FORM = ""  # the key of what is wrong with a form, but with no single field of it


def explain(form: Form, error: MailError, field: str = WHOLE_FORM, settings: Mapping[str, str] | None = None) -> None:
    """Say in the form why the change was not made; `settings` tells which field is for which setting."""
    if isinstance(error, ConfigError):
        for problem in error.problems[:20]:
            form.fail(_field_of(problem, settings or {}) or field, _sentence(problem.text))
    elif isinstance(error, Temporary):
        form.fail(WHOLE_FORM, _sentence(f"not saved: {error}"))
    else:
        form.fail(field, _sentence(error.public if isinstance(error, Refusal) else str(error)))


def _field_of(problem: Problem, settings: Mapping[str, str]) -> str:
    """The field whose setting is the innermost one in the path of a problem."""
    names = (part.partition("[")[0] for part in reversed(problem.path.split(".")))  # an element of a list: MX[0]
    return next((settings[name] for name in names if name in settings), "")


def _sentence(text: str) -> str:
    text = text.strip()
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else text + "."
