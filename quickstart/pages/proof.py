"""The proof: a message from outside that is seen arriving, and one of ours to an address elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from starlette.responses import Response

from app.errors import MailError
from app.web.forms import Form
from quickstart.install import text_of
from quickstart.pages.visit import Page, Visit
from quickstart.steps import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A message as the page shows it; all texts are strangers'."""

    sender: str
    subject: str
    received: float
    mailbox: str
    peer: str
    tls: str
    checks: Sequence[str]


class Sent(Enum):
    """What became of the message that we sent."""

    NOT = "not sent"
    WAITING = "waiting"
    DELIVERED = "delivered"
    RETURNED = "returned"
    GONE = "gone"  # from the queue, and nobody knows where: somebody has dropped it


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What is known so far."""

    arrived: Sequence[Arrived] = ()
    sent: Sent = Sent.NOT
    sent_detail: str = ""
    next_attempt: float = 0.0
    failure: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether both ways work."""
        return bool(self.arrived) and self.sent is Sent.DELIVERED


async def gather(visit: Visit) -> Proof:
    """Ask the running server."""
    wizard = visit.wizard
    try:
        found = await wizard.ask("arrivals", account=wizard.account)
        rows = [row for row in _list_in(found, "rows") if isinstance(row, Mapping)]
        sent_id = visit.draft.sent_id
        fate = await wizard.ask("messagefate", messageid=sent_id) if sent_id else {"state": Sent.NOT.value}
    except MailError as error:
        return Proof(failure=text_of(error))
    sent, detail, when = _sent(fate)
    arrived = [_arrived(row) for row in rows if row.get("peer")]
    return Proof(arrived=arrived, sent=sent, sent_detail=detail, next_attempt=when)


def _sent(fate: object) -> tuple[Sent, str, float]:
    """What the queue has written down of the message, with what the other side said last and when it is tried again."""
    if not isinstance(fate, Mapping):
        return Sent.GONE, "", 0.0
    sent = _SENT.get(str(fate.get("state")), Sent.GONE)
    return sent, str(fate.get("error", "")), _number(fate.get("next"))


_SENT = {"not sent": Sent.NOT, "waiting": Sent.WAITING, "delivered": Sent.DELIVERED, "failed": Sent.RETURNED}


def _arrived(row: Mapping[str, object]) -> Arrived:
    checks = row.get("checks")
    return Arrived(
        sender=str(row.get("sender", "")),
        subject=str(row.get("subject", "")),
        received=_number(row.get("received")),
        mailbox=str(row.get("mailbox", "")),
        peer=str(row.get("peer", "")),
        tls=str(row.get("tls", "")),
        checks=[str(check) for check in checks] if isinstance(checks, list) else [],
    )


def _list_in(found: object, name: str) -> Sequence[object]:
    rows = found.get(name) if isinstance(found, Mapping) else None
    return rows if isinstance(rows, list) else []


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


async def show(visit: Visit) -> Response:
    form = Form.showing({"to": visit.draft.sent_to})
    return visit.render("proof.html", form=form, proof=await gather(visit), address=_address(visit))


async def state(visit: Visit) -> Response:
    return visit.fragment("proof-state.html", proof=await gather(visit), address=_address(visit))


async def send(visit: Visit) -> Response:
    form = visit.form
    to = form.text("to", max_length=320)
    sent_id = ""
    if form.is_ok:
        try:
            sent_id = str(await visit.wizard.ask("sendtest", **{"from": _address(visit), "to": to}))
        except MailError as error:
            form.fail("to", text_of(error)[:1].upper() + text_of(error)[1:] + ".")
    if not form.is_ok:
        return visit.render("proof.html", 422, form=form, proof=await gather(visit), address=_address(visit))
    visit.wizard.save(replace(visit.draft, sent_to=to, sent_id=sent_id))
    return visit.go(Step.PROOF, "The message is on its way.")


async def start(visit: Visit) -> Response:
    """Start a server again that has ended."""
    await visit.wizard.install()
    return visit.go(Step.PROOF, "The server is being started.")


async def go_on(visit: Visit) -> Response:
    visit.wizard.save(visit.draft.passing(Step.PROOF))
    return visit.go_on()


def _address(visit: Visit) -> str:
    return str(visit.wizard.answers.address)


PAGES = (
    Page("/proof", Step.PROOF, show),
    Page("/proof", Step.PROOF, go_on, "POST"),
    Page("/proof/state", Step.PROOF, state),
    Page("/proof/send", Step.PROOF, send, "POST"),
    Page("/proof/start", Step.PROOF, start, "POST"),
)
