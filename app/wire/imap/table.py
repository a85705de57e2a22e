"""The table of commands: name, parser, states allowed, and what may be sent during it (RFC 9051 §6).

`read_name` takes the tag and the name off the front of a command and finds its row; the row's parser reads the rest.
Whether the command is allowed in the state of the connection is the caller's question. A new command is a row here, a
value and parser in `parse`, and a handler in the server.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Final

from app.errors import ImapSyntaxError
from app.wire.imap.command import (
    ANY_STATE,
    NOT_AUTHENTICATED,
    SELECTED,
    SIGNED_IN,
    Command,
    CommandRule,
    bare,
)
from app.wire.imap.parse import (
    append,
    batches,
    copymove,
    fetch,
    listing,
    mailbox,
    metadata,
    multisearch,
    notify,
    search,
    select,
    session,
    sort,
    store,
    urlauth,
)
from app.wire.imap.tokens import ImapCursor

_NAME = re.compile(rb'([^\x00-\x20\x7f-\xff(){%*"\\+]+) ((?:UID )?[A-Za-z][A-Za-z0-9-]*)', re.IGNORECASE)
_TAG = re.compile(rb'([^\x00-\x20\x7f-\xff(){%*"\\+]{1,100}) ')

_RULES: Final = (
    CommandRule(name="CAPABILITY", parse=bare(session.CapabilityCommand), states=ANY_STATE),
    CommandRule(name="NOOP", parse=bare(session.NoopCommand), states=ANY_STATE),
    CommandRule(name="LOGOUT", parse=bare(session.LogoutCommand), states=ANY_STATE),
    CommandRule(name="ID", parse=session.parse_id, states=ANY_STATE),
    CommandRule(name="STARTTLS", parse=bare(session.StarttlsCommand), states=NOT_AUTHENTICATED),
    CommandRule(name="AUTHENTICATE", parse=session.parse_authenticate, states=NOT_AUTHENTICATED),
    CommandRule(name="LOGIN", parse=session.parse_login, states=NOT_AUTHENTICATED),
    CommandRule(name="ENABLE", parse=session.parse_enable, states=SIGNED_IN),
    CommandRule(name="COMPRESS", parse=session.parse_compress, states=SIGNED_IN),
    CommandRule(name="UNAUTHENTICATE", parse=bare(session.UnauthenticateCommand), states=SIGNED_IN),
    CommandRule(name="NAMESPACE", parse=bare(session.NamespaceCommand), states=SIGNED_IN),
    CommandRule(name="IDLE", parse=bare(session.IdleCommand), states=SIGNED_IN),
    CommandRule(name="SELECT", parse=select.parse_select, states=SIGNED_IN),
    CommandRule(name="EXAMINE", parse=select.parse_examine, states=SIGNED_IN),
    CommandRule(name="CREATE", parse=mailbox.parse_create, states=SIGNED_IN),
    CommandRule(name="DELETE", parse=mailbox.parse_delete, states=SIGNED_IN),
    CommandRule(name="RENAME", parse=mailbox.parse_rename, states=SIGNED_IN),
    CommandRule(name="SUBSCRIBE", parse=mailbox.parse_subscribe, states=SIGNED_IN),
    CommandRule(name="UNSUBSCRIBE", parse=mailbox.parse_unsubscribe, states=SIGNED_IN),
    CommandRule(name="STATUS", parse=mailbox.parse_status, states=SIGNED_IN),
    CommandRule(name="LIST", parse=listing.parse_list, states=SIGNED_IN),
    CommandRule(name="LSUB", parse=listing.parse_lsub, states=SIGNED_IN),
    CommandRule(name="APPEND", parse=append.parse_append, states=SIGNED_IN, is_streamed=True),
    CommandRule(name="GETMETADATA", parse=metadata.parse_getmetadata, states=SIGNED_IN),
    CommandRule(name="SETMETADATA", parse=metadata.parse_setmetadata, states=SIGNED_IN),
    CommandRule(name="GETQUOTA", parse=metadata.parse_getquota, states=SIGNED_IN),
    CommandRule(name="GETQUOTAROOT", parse=metadata.parse_getquotaroot, states=SIGNED_IN),
    CommandRule(name="GENURLAUTH", parse=urlauth.parse_genurlauth, states=SIGNED_IN),
    CommandRule(name="URLFETCH", parse=urlauth.parse_urlfetch, states=SIGNED_IN),
    CommandRule(name="RESETKEY", parse=urlauth.parse_resetkey, states=SIGNED_IN),
    CommandRule(name="CHECK", parse=bare(copymove.CheckCommand), states=SELECTED),
    CommandRule(name="CLOSE", parse=bare(copymove.CloseCommand), states=SELECTED),
    CommandRule(name="UNSELECT", parse=bare(copymove.UnselectCommand), states=SELECTED),
    CommandRule(name="EXPUNGE", parse=bare(copymove.ExpungeCommand), states=SELECTED),
    CommandRule(name="SEARCH", parse=search.parse_search, states=SELECTED, has_seqs=True, may_expunge=False),
    CommandRule(name="ESEARCH", parse=multisearch.parse_esearch, states=SIGNED_IN),
    CommandRule(name="NOTIFY", parse=notify.parse_notify, states=SIGNED_IN),
    CommandRule(name="CANCELUPDATE", parse=search.parse_cancelupdate, states=SELECTED),
    CommandRule(name="SORT", parse=sort.parse_sort, states=SELECTED, has_seqs=True, may_expunge=False),
    CommandRule(name="THREAD", parse=sort.parse_thread, states=SELECTED, has_seqs=True, may_expunge=False),
    CommandRule(name="FETCH", parse=fetch.parse_fetch, states=SELECTED, has_seqs=True, may_expunge=False),
    CommandRule(name="STORE", parse=store.parse_store, states=SELECTED, has_seqs=True, may_expunge=False),
    CommandRule(name="COPY", parse=copymove.parse_copy, states=SELECTED, has_seqs=True),
    CommandRule(name="MOVE", parse=copymove.parse_move, states=SELECTED, has_seqs=True),
    CommandRule(name="REPLACE", parse=append.parse_replace, states=SELECTED, has_seqs=True, is_streamed=True),
    CommandRule(name="UIDBATCHES", parse=batches.parse_uidbatches, states=SELECTED),
    CommandRule(name="UID EXPUNGE", parse=copymove.parse_uid_expunge, states=SELECTED),
    CommandRule(name="UID SEARCH", parse=partial(search.parse_search, uid=True), states=SELECTED),
    CommandRule(name="UID SORT", parse=partial(sort.parse_sort, uid=True), states=SELECTED),
    CommandRule(name="UID THREAD", parse=partial(sort.parse_thread, uid=True), states=SELECTED),
    CommandRule(name="UID FETCH", parse=partial(fetch.parse_fetch, uid=True), states=SELECTED),
    CommandRule(name="UID STORE", parse=partial(store.parse_store, uid=True), states=SELECTED),
    CommandRule(name="UID COPY", parse=partial(copymove.parse_copy, uid=True), states=SELECTED),
    CommandRule(name="UID MOVE", parse=partial(copymove.parse_move, uid=True), states=SELECTED),
    CommandRule(name="UID REPLACE", parse=partial(append.parse_replace, uid=True), states=SELECTED, is_streamed=True),
)
COMMANDS: Final = {rule.name: rule for rule in _RULES}
_BY_NAME: Final = {rule.name.encode("ascii"): rule for rule in _RULES}


@dataclass(frozen=True, slots=True)
class Named:
    """A command whose name has been read: its tag, the name as it was written, and its rule if we know it."""

    tag: str
    name: str
    rule: CommandRule | None

    def known(self) -> CommandRule:
        """The rule; raises when there is no such command."""
        if self.rule is None:
            raise ImapSyntaxError(f'there is no command "{self.name[:40]}"')
        return self.rule


def read_name(cursor: ImapCursor) -> Named:
    """Tag and name of the command; raises when there is no tag or nothing that could be a name."""
    found = cursor.match(_NAME)
    if found is None:
        cursor.fail("a tag and a command")
    raw = found[2]
    return Named(found[1].decode("ascii"), raw.decode("ascii"), _BY_NAME.get(raw) or _BY_NAME.get(raw.upper()))


def find_tag(raw: bytes) -> str | None:
    """The tag of a command that cannot be read any further."""
    found = _TAG.match(raw)
    return found[1].decode("ascii") if found else None


def parse_arguments(cursor: ImapCursor, named: Named) -> Command:
    """The command, read to its end."""
    command = named.known().parse(cursor, named.tag)
    cursor.expect_end()
    return command


def parse_command(raw: bytes, *, utf8: bool = False) -> Command:
    """The value of a whole command without its last CRLF."""
    cursor = ImapCursor(raw, utf8=utf8)
    return parse_arguments(cursor, read_name(cursor))
