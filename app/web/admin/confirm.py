"""The page that asks before something is destroyed, saying what follows and how it can be undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from starlette.responses import Response

from app.web.forms import Form
from app.web.visit import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked; paths are below the application's base path."""

    title: str
    sentences: Sequence[str]
    action: str
    button: str
    back: str
    fields: Mapping[str, str] = field(default_factory=dict)
    undo: str = "You can undo this later: return to the version before it under Configuration."


def ask(visit: Visit, question: Question, form: Form | None = None) -> Response:
    """The page; with a form, what was wrong with the answer."""
    return visit.render("admin/confirm.html", 422 if form else 200, question=question, form=form or Form())
