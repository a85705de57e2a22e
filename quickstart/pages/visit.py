"""One request of the browser that claimed the set-up, as the handlers of pages see it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.web.forms import Form
from app.web.templates import render
from quickstart.claim import csrf_token
from quickstart.draft import Draft
from quickstart.gate import FORM_SCOPE, SESSION_SCOPE
from quickstart.steps import Step
from quickstart.wizard import Wizard

SITE = "set-up"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What the frame of pages shows of a session."""

    login_address: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A step in the list of steps."""

    step: Step
    state: str  # "done", "here", "open" or "later"


@dataclass(slots=True)
class Visit:
    """A request with what its handler needs."""

    request: Request
    wizard: Wizard
    step: Step

    @property
    def draft(self) -> Draft:
        """The answers so far."""
        return self.wizard.draft

    @property
    def form(self) -> Form:
        """The fields that were sent; those of GET are none."""
        form: Form = self.request.scope.get(FORM_SCOPE) or Form()
        return form

    @property
    def session(self) -> str:
        """The token of the browser's session."""
        return str(self.request.scope[SESSION_SCOPE])

    def render(self, template: str, status: int = 200, /, **values: object) -> Response:
        """A page in the frame of the set-up."""
        values.setdefault("form", Form())
        notice, self.wizard.notice = self.wizard.notice, ""
        page = render(
            f"quickstart/{template}",
            base="/",
            csrf=csrf_token(self.session),
            session=SignedIn(),
            nav=(),
            here=self.request.url.path,
            site=SITE,
            notice=notice,
            now=self.wizard.world.clock.now(),
            step=self.step,
            marks=self._marks(),
            draft=self.draft,
            **values,
        )
        return HTMLResponse(page, status, {"Cache-Control": "no-store"})

    def fragment(self, template: str, **values: object) -> Response:
        """A part of a page, for its script."""
        page = render(f"quickstart/{template}", base="/", csrf=csrf_token(self.session), draft=self.draft, **values)
        return HTMLResponse(page, headers={"Cache-Control": "no-store"})

    def go(self, step: Step, done: str = "") -> Response:
        """On to a step, which says what was done."""
        self.wizard.notice = done
        return RedirectResponse(f"/{step.value}", 303)

    def go_on(self) -> Response:
        """On to the step after this one."""
        return self.go(self.draft.progress.after(self.step))

    def _marks(self) -> list[Mark]:
        progress = self.draft.progress
        marks = []
        for step in progress.sequence:
            state = "done" if step in progress.passed else "open" if progress.may_visit(step) else "later"
            marks.append(Mark(step, "here" if step is self.step else state))
        return marks


Handler = Callable[[Visit], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Page:
    """A path, the step it belongs to, and who answers."""

    path: str
    step: Step
    handler: Handler
    method: str = "GET"
