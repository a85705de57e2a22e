"""What an administrator does with recipients in the queue: one, those that are checked, or all that match the filter.

Giving up and removing ask first. Nothing is done to "all" because nothing was checked: that is a fault of the form.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable

from starlette.responses import Response

from app.errors import Refusal
from app.operations.status.words import plural
from app.store.queuedb import QueueDb
from app.store.queuelisting import Order
from app.store.queuerecords import QueueFilter
from app.web.admin.confirm import Question, ask
from app.web.admin.queue import POSTPONE, TLS, number_of, read_view
from app.web.forms import Form
from app.web.visit import Visit, action

MAX_SELECTED = 1000
ALL = "all"
NOTHING = "There was nothing to do: these are not in the queue any more."


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which recipients a form is about, and where to go afterwards."""

    which: QueueFilter
    query: str  # of the list
    back: str
    fields: dict[str, str]  # that say the same again, after a question


Work = Callable[[QueueDb, QueueFilter], Awaitable[int]]


def chosen(visit: Visit, form: Form) -> Chosen:
    """What the form says; raises Refusal when it says nothing."""
    query = form.value("view")
    view = read_view(visit, query)
    if not view.is_ok:
        raise Refusal("the filter cannot be understood; go back to the queue and choose again")
    if form.value("scope") == ALL:
        return Chosen(
            which=view.which, query=view.query, back=_list(view.query), fields={"scope": ALL, "view": view.query}
        )
    words = [*form.all("id"), *form.value("ids").split(",")]
    ids = tuple(number for word in words[:MAX_SELECTED] if (number := number_of(word)) is not None)
    if not ids:
        raise Refusal("nothing is selected; check the boxes of some rows, or choose all that match")
    alone = number_of(form.value("alone"))
    fields = {"ids": ",".join(map(str, ids)), "view": view.query}
    back = f"/queue/{alone}" if alone else _list(view.query)
    return Chosen(which=QueueFilter(ids=ids), query=view.query, back=back, fields=fields)


def _list(query: str) -> str:
    return f"/queue?{query}" if query else "/queue"


def _people(count: int) -> str:
    return plural(count, "recipient")


async def _hold(visit: Visit) -> Response:
    return await _do(visit, lambda queue, which: queue.hold(which, True), "{} on hold, until you release them.")


async def _release(visit: Visit) -> Response:
    return await _do(visit, lambda queue, which: queue.hold(which, False), "{} released.")


async def _now(visit: Visit) -> Response:
    now = visit.services.clock.now()
    words = "{} tried now. Those on hold wait until you release them."
    return await _do(visit, lambda queue, which: queue.schedule(which, now), words)


async def _postpone(visit: Visit) -> Response:
    seconds = _chosen_of(await visit.form(), "by", tuple(POSTPONE))
    words = f"The next attempt for {{}} is {POSTPONE[seconds]} later."
    return await _do(visit, lambda queue, which: queue.postpone(which, float(seconds)), words)


async def _transport(visit: Visit) -> Response:
    name = _chosen_of(await visit.form(), "pin", ("", *visit.services.live.static.transports))
    words = f"{{}} go out by the transport {name}." if name else "{} go out by the routes."
    return await _do(visit, lambda queue, which: queue.set_transport(which, name), words)


async def _require_tls(visit: Visit) -> Response:
    word = _chosen_of(await visit.form(), "tls", tuple(TLS))
    wanted = True if word == "yes" else None
    return await _do(visit, lambda queue, which: queue.set_require_tls(which, wanted), f"{{}} go out {TLS[word]}.")


def _chosen_of(form: Form, name: str, options: tuple[str, ...]) -> str:
    """A choice that a page of ours always sends."""
    if (text := form.value(name)) not in options:
        raise Refusal("this choice is not offered any more; reload the page and choose again")
    return text


async def _do(visit: Visit, work: Work, words: str) -> Response:
    """Do it, and say for how many; `words` has a place for that."""
    about = chosen(visit, await visit.form())
    count = await work(visit.services.queue, about.which)
    done = words.format(_people(count)) if count else NOTHING
    return visit.redirect(about.back, done=done)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Ending:
    """Something that cannot be undone."""

    action: str
    title: str
    sentence: str
    work: Work
    done: str


_FAIL = _Ending(
    action="/queue/fail",
    title="Give up",
    sentence="No further attempt is made for {}. The senders get a message that it could not be delivered.",
    work=lambda queue, which: queue.fail(which),
    done="{} given up; the senders are told.",
)
_DROP = _Ending(
    action="/queue/drop",
    title="Remove from the queue",
    sentence="The message is removed for {}, and nobody is told: the senders believe that it was delivered.",
    work=lambda queue, which: queue.drop(which),
    done="{} removed.",
)


async def _fail(visit: Visit) -> Response:
    return await _ask_first(visit, _FAIL)


async def _drop(visit: Visit) -> Response:
    return await _ask_first(visit, _DROP)


async def _ask_first(visit: Visit, ending: _Ending) -> Response:
    form = await visit.form()
    about = chosen(visit, form)
    if form.flag("sure"):
        count = await ending.work(visit.services.queue, about.which)
        return visit.redirect(_list(about.query), done=ending.done.format(_people(count)))
    total = (await visit.services.queue.look_over(about.which, Order.NEXT, None, 1)).total
    if not total:
        return visit.redirect(_list(about.query), done=NOTHING)
    question = Question(
        title=ending.title,
        sentences=[ending.sentence.format(_people(total))],
        action=ending.action,
        button=f"{ending.title}: {_people(total)}",
        back=about.back,
        fields={**about.fields, "sure": "yes"},
        undo="This cannot be undone.",
    )
    return ask(visit, question)


ROUTES = (
    action("/queue/hold", _hold),
    action("/queue/release", _release),
    action("/queue/now", _now),
    action("/queue/postpone", _postpone),
    action("/queue/transport", _transport),
    action("/queue/tls", _require_tls),
    action("/queue/fail", _fail),
    action("/queue/drop", _drop),
)
