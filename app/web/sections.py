"""Groups of settings that are saved together: one form each, several of them on a page.

A section shows its settings as texts by field name; a flag is "yes" or "". The form carries what it showed, so that
what somebody else saved meanwhile is shown before it would be overwritten; saving again is then a decision. Field
names are unique on a page, as they are the ids of its controls.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from app.errors import MailError
from app.web.errors import NotFound
from app.web.faults import WHOLE_FORM, explain
from app.web.forms import Change, Form
from app.web.visit import Visit

Subject = TypeVar("Subject")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section(Generic[Subject]):
    """Settings of one subject. `save` reads the fields and, when all are right, changes the configuration."""

    name: str  # in the path that the form is sent to
    labels: Mapping[str, str]  # of the fields
    present: Callable[[Subject], Mapping[str, str]]
    save: Callable[[Visit, Form], Awaitable[None]]  # raises MailError
    settings: Mapping[str, str] = field(default_factory=dict)  # fields by the name of the setting in domains.conf


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A section on a page."""

    form: Form
    present: Mapping[str, str]
    labels: Mapping[str, str]
    changes: Sequence[Change] = ()

    @property
    def fault(self) -> str:
        """What is wrong with the form as a whole."""
        return self.form.errors.get(WHOLE_FORM, "")


def shown(sections: Sequence[Section[Subject]], subject: Subject) -> dict[str, Shown]:
    """Every section with what is set now, by name."""
    return {
        one.name: Shown(form=Form.showing(one.present(subject)), present=one.present(subject), labels=one.labels)
        for one in sections
    }


@dataclass(frozen=True, slots=True)
class NotSaved:
    """Why not: the sections to show again, and the status of the page."""

    status: int
    sections: Mapping[str, Shown]


async def save(visit: Visit, sections: Sequence[Section[Subject]], subject: Callable[[], Subject]) -> NotSaved | None:
    """Save the section that the path names; None when that was done."""
    section = next((one for one in sections if one.name == visit.params["section"]), None)
    if section is None:
        raise NotFound("")
    form = await visit.form()
    changes = form.changed(section.present(subject()))
    if not changes:
        try:
            await section.save(visit, form)
        except MailError as error:
            explain(form, error, settings=section.settings)
        if form.is_ok:
            return None
    present = section.present(subject())
    again = Shown(form=form, present=present, labels=section.labels, changes=changes)
    return NotSaved(409 if changes else 422, {**shown(sections, subject()), section.name: again})
