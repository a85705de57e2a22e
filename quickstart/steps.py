"""The steps of the set-up in their order, and which of them may be visited: pure.

A step is open when all before it are passed. The question about another web server is asked only when ports 80 or 443
are taken. Once the server is installed, what was decided stands: only the steps after that are open.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum


class Step(Enum):
    """One page of the set-up; the value is its path."""

    ADDRESS = "address"
    PASSWORD = "password"
    MACHINE = "machine"
    WEBSERVER = "webserver"
    DNS = "dns"
    REVIEW = "review"
    INSTALL = "install"
    PROOF = "proof"
    DEVICES = "devices"
    DONE = "done"

    @property
    def title(self) -> str:
        """What people read."""
        return TITLES[self]


TITLES = {
    Step.ADDRESS: "Your mail address",
    Step.PASSWORD: "Administrator's password",
    Step.MACHINE: "This machine",
    Step.WEBSERVER: "Your web server",
    Step.DNS: "DNS records",
    Step.REVIEW: "Review",
    Step.INSTALL: "Install",
    Step.PROOF: "Does mail work?",
    Step.DEVICES: "Your devices",
    Step.DONE: "Done",
}
_ORDER = tuple(Step)
_AFTER_INSTALL = _ORDER[_ORDER.index(Step.INSTALL) + 1 :]
_FOLLOW_FROM_ADDRESS = (Step.MACHINE, Step.WEBSERVER, Step.DNS, Step.REVIEW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far somebody is."""

    passed: Collection[Step] = ()
    asks_webserver: bool = False

    @property
    def sequence(self) -> tuple[Step, ...]:
        """The steps of this set-up."""
        return tuple(step for step in _ORDER if step is not Step.WEBSERVER or self.asks_webserver)

    @property
    def is_installed(self) -> bool:
        """Whether the files are written and the server was started."""
        return Step.INSTALL in self.passed

    @property
    def next(self) -> Step:
        """The first step that is not passed; the last one when all are."""
        left = _AFTER_INSTALL if self.is_installed else self.sequence
        return next((step for step in left if step not in self.passed), Step.DONE)

    def may_visit(self, step: Step) -> bool:
        """Whether a step is open."""
        if self.is_installed:  # its page stays, as it shows how that went
            return step in (Step.INSTALL, *_AFTER_INSTALL) and _ORDER.index(step) <= _ORDER.index(self.next)
        return step in self.sequence and _ORDER.index(step) <= _ORDER.index(self.next)

    def after(self, step: Step) -> Step:
        """The step that follows in order."""
        sequence = self.sequence
        return sequence[min(sequence.index(step) + 1, len(sequence) - 1)]


def passed_after(passed: Collection[Step], step: Step, *, changed: bool) -> frozenset[Step]:
    """What counts as passed when a step was answered; a changed address or host name makes later steps new."""
    kept = {one for one in passed if not (changed and one in _FOLLOW_FROM_ADDRESS)}
    return frozenset({*kept, step})
