"""Which part of the queue a page shows: filter, order and place, read from the query of its address and written back.

All conditions that are given must hold. An address is compared whole, a domain with exactly what follows the @. The
same text, carried in a hidden field, says later what "all that match" are; a fault in it never means "everything".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode

from app.errors import Refusal
from app.store.queuelisting import After, Order
from app.store.queuerecords import QueueFilter
from app.web.forms import Form
from app.wire.domain import parse_domain
from app.wire.smtp.address import parse_path_address

WITHOUT_TRANSPORT = "-"  # no transport can have this name
FIELDS = ("from", "to", "account", "state", "transport", "older", "order")
STATES = (("", "any"), ("waiting", "waiting"), ("held", "on hold"))
AGES: Mapping[str, int] = {"": 0, "1h": 3600, "4h": 4 * 3600, "1d": 86400, "3d": 3 * 86400}
ORDERS = (
    (Order.NEXT.value, "next attempt, soonest first"),
    (Order.NEXT_LAST.value, "next attempt, latest first"),
    (Order.NEWEST.value, "newest first"),
    (Order.OLDEST.value, "oldest first"),
    (Order.LARGEST.value, "largest first"),
    (Order.MOST_ATTEMPTS.value, "most attempts first"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What is looked at."""

    form: Form
    which: QueueFilter
    order: Order
    after: After | None

    @property
    def is_ok(self) -> bool:
        """Whether the filter could be understood."""
        return self.form.is_ok

    @property
    def is_filtered(self) -> bool:
        """Whether some of the queue is left out."""
        return any(self.form.value(name) for name in FIELDS if name != "order")

    @property
    def query(self) -> str:
        """The query that shows the same from the start."""
        return urlencode([(name, self.form.value(name)) for name in FIELDS if self.form.value(name)])

    def query_after(self, after: After) -> str:
        """The query of the next page."""
        return f"{self.query}&after={after.value!r}_{after.id}".lstrip("&")


def read_query(text: str) -> Form:
    """The fields of a query, as a form."""
    try:
        return Form(parse_qs(text, keep_blank_values=True, max_num_fields=50, errors="replace"))
    except ValueError:
        raise Refusal("this filter cannot be understood; go back to the queue and choose again") from None


def view_of(form: Form, now: float, accounts: Iterable[str], transports: Iterable[str]) -> View:
    """What the fields say; faults stand in the form."""
    transport = _choice(form, "transport", ["", WITHOUT_TRANSPORT, *transports])
    state = _choice(form, "state", [value for value, _ in STATES])
    older = AGES.get(_choice(form, "older", list(AGES)), 0)
    order = _choice(form, "order", ["", *(value for value, _ in ORDERS)])
    which = QueueFilter(
        account=_choice(form, "account", ["", *accounts]),
        sender=form.parsed("from", _pattern, required=False) or "",
        recipient=form.parsed("to", _pattern, required=False) or "",
        hold={"held": True, "waiting": False}.get(state),
        transport=None if not transport else transport.removeprefix(WITHOUT_TRANSPORT),
        queued_before=now - older if older else None,
    )
    after = _after(form.value("after"))
    return View(
        form=form, which=which, order=Order(order or Order.NEXT.value) if form.is_ok else Order.NEXT, after=after
    )


def _choice(form: Form, name: str, options: Sequence[str]) -> str:
    return form.choice(name, options) if form.value(name) else ""


def _pattern(text: str) -> str:
    """An address as the queue has it, or "@domain"; a domain alone means that too."""
    if "@" in text.lstrip("@"):
        return parse_path_address(text).wire
    if text.startswith("@[") and text.endswith("]"):
        return text
    return "@" + parse_domain(text.removeprefix("@")).ascii


def _after(text: str) -> After | None:
    """The place in the list; what is no place is the start."""
    value, _, number = text.partition("_")
    try:
        place = After(float(value), int(number))
    except ValueError:
        return None
    return place if math.isfinite(place.value) and 0 <= place.id < 1 << 63 else None
