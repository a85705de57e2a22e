"""Operations of the control socket about client keys; see `configcommands.py` for how they are called."""

from __future__ import annotations

import ssl

from app.ctl.protocol import Arguments, Json
from app.errors import Refusal
from app.operations.clientkeys import Wish, register
from app.operations.edits import need_account
from app.operations.removedaccounts import Holdings
from app.store.clientkeys import ClientKey


def _row(key: ClientKey) -> dict[str, Json]:
    return {
        "fingerprint": key.fingerprint,
        "created": key.created,
        "kind": key.kind,
        "name": key.name,
        "no_imap_preauth": key.no_imap_preauth,
        "account": key.account,
        "address": key.login_address,
    }


async def _list(holdings: Holdings, arguments: Arguments) -> Json:
    name = arguments.optional_text("account")
    if name is not None:
        need_account(holdings.live.dynamic, name)
    return [_row(key) for key in await holdings.keys.list(name)]


async def _get(holdings: Holdings, arguments: Arguments) -> Json:
    key = await holdings.keys.find(arguments.text("fingerprint"))
    if key is None:
        raise Refusal("no key with this fingerprint is registered; 'config tlspubkey list' shows them")
    return {**_row(key), "certificate": ssl.DER_cert_to_PEM_cert(key.certificate)}


async def _add(holdings: Holdings, arguments: Arguments) -> Json:
    wish = Wish(
        address=arguments.text("address"),
        pem=arguments.text("certificate"),
        name=arguments.text("name", ""),
        no_imap_preauth=arguments.flag("no_imap_preauth"),
    )
    return _row(await register(holdings.keys, holdings.live.dynamic, holdings.clock, wish))


async def _remove(holdings: Holdings, arguments: Arguments) -> Json:
    key = await holdings.keys.remove(arguments.text("fingerprint"))
    if key is None:
        raise Refusal("no key with this fingerprint is registered; 'config tlspubkey list' shows them")
    return _row(key)


OPERATIONS = {
    "tlspubkeylist": _list,
    "tlspubkeyget": _get,
    "tlspubkeyadd": _add,
    "tlspubkeyrm": _remove,
}
