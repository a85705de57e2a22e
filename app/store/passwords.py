"""A new password for an account of a running server, which ends the sessions that the old one opened.

    made = await asyncio.to_thread(credentials.derive, password)        # slow; raises BadPassword
    await passwords.replace(account, server.sessions, made, but=own_session.id)

Sessions end before and after the change: killed between the two, the server has either signed everybody out with the
old password or kept nobody signed in with it.
"""

from __future__ import annotations

from app.store.account import credentials
from app.store.account.credentials import Credentials
from app.store.account.handle import Account
from app.store.websessions import Kind, WebSessions


async def replace(account: Account, sessions: WebSessions, new: Credentials, *, but: int | None = None) -> None:
    """Store a new password; all web sessions of the account end, except perhaps the one that changed it."""
    await sessions.end_all(Kind.ACCOUNT, account.name, but=but)
    await account.write(lambda tx: credentials.replace(tx, new))
    await sessions.end_all(Kind.ACCOUNT, account.name, but=but)
