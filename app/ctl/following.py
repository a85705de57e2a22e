"""An import that the client of the control socket watches: told how far it is, and ended when the client leaves."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TypeVar

from app.ctl.protocol import Json
from app.ctl.server import Call
from app.operations.mailimport.progress import Progress
from app.operations.mailimport.running import Running

TELL_EVERY_S = 0.5

P = TypeVar("P", bound=Progress)
Tell = Callable[[Json], Awaitable[None]]


def teller(call: Call) -> Tell:
    """Tells a client in lines of JSON ahead of the result."""

    async def tell(found: Json) -> None:
        await call.output(json.dumps(found).encode() + b"\n")

    return tell


async def follow(imports: Running[P], name: str, row: Callable[[P], dict[str, Json]], tell: Tell) -> Json:
    """Tell the rows of an account's import until it is over; ends it when `tell` raises, or this is cancelled."""
    progress = imports.find(name)
    assert progress is not None
    try:
        while not progress.is_over:
            await tell(row(progress))
            await imports.wait(name, TELL_EVERY_S)
        await imports.wait(name)
    except BaseException:
        await imports.cancel(name)
        raise
    return row(progress) | {"problems": list(progress.problems), "problem_count": progress.problem_count}
