"""Which function carries out a command. The grammar's table has the states and what may be told meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final

from app.imapserver.commands import (
    append,
    batches,
    copymove,
    expunge,
    fetch,
    idle,
    listing,
    login,
    mailbox,
    metadata,
    multisearch,
    notify,
    quota,
    replace,
    search,
    select,
    session,
    sort,
    status,
    store,
    urlauth,
)
from app.wire.imap.parse import append as append_grammar
from app.wire.imap.parse import batches as batches_grammar
from app.wire.imap.parse import copymove as copymove_grammar
from app.wire.imap.parse import fetch as fetch_grammar
from app.wire.imap.parse import listing as listing_grammar
from app.wire.imap.parse import mailbox as mailbox_grammar
from app.wire.imap.parse import metadata as metadata_grammar
from app.wire.imap.parse import multisearch as multisearch_grammar
from app.wire.imap.parse import notify as notify_grammar
from app.wire.imap.parse import search as search_grammar
from app.wire.imap.parse import select as select_grammar
from app.wire.imap.parse import session as session_grammar
from app.wire.imap.parse import sort as sort_grammar
from app.wire.imap.parse import store as store_grammar
from app.wire.imap.parse import urlauth as urlauth_grammar

Handler = Callable[..., Coroutine[Any, Any, None] | None]  # takes the session and its kind of command

HANDLERS: Final[dict[type, Handler]] = {
    session_grammar.CapabilityCommand: session.capability,
    session_grammar.NoopCommand: session.noop,
    copymove_grammar.CheckCommand: session.noop,
    session_grammar.LogoutCommand: session.logout,
    session_grammar.IdCommand: session.identify,
    session_grammar.EnableCommand: session.enable,
    session_grammar.CompressCommand: session.compress,
    session_grammar.NamespaceCommand: session.namespace,
    session_grammar.StarttlsCommand: login.starttls,
    session_grammar.LoginCommand: login.login,
    session_grammar.AuthenticateCommand: login.authenticate,
    session_grammar.UnauthenticateCommand: login.unauthenticate,
    session_grammar.IdleCommand: idle.idle,
    select_grammar.SelectCommand: select.select,
    copymove_grammar.CloseCommand: select.close,
    copymove_grammar.UnselectCommand: select.unselect,
    mailbox_grammar.CreateCommand: mailbox.create,
    mailbox_grammar.DeleteCommand: mailbox.delete,
    mailbox_grammar.RenameCommand: mailbox.rename,
    mailbox_grammar.SubscribeCommand: mailbox.subscribe,
    mailbox_grammar.UnsubscribeCommand: mailbox.unsubscribe,
    mailbox_grammar.StatusCommand: status.status,
    metadata_grammar.GetmetadataCommand: metadata.getmetadata,
    metadata_grammar.SetmetadataCommand: metadata.setmetadata,
    metadata_grammar.GetquotaCommand: quota.getquota,
    metadata_grammar.GetquotarootCommand: quota.getquotaroot,
    urlauth_grammar.GenurlauthCommand: urlauth.genurlauth,
    urlauth_grammar.UrlfetchCommand: urlauth.urlfetch,
    urlauth_grammar.ResetkeyCommand: urlauth.resetkey,
    listing_grammar.ListCommand: listing.list_mailboxes,
    listing_grammar.LsubCommand: listing.lsub,
    append_grammar.AppendCommand: append.append,
    append_grammar.ReplaceCommand: replace.replace,
    search_grammar.SearchCommand: search.search,
    search_grammar.CancelupdateCommand: search.cancelupdate,
    multisearch_grammar.EsearchCommand: multisearch.esearch,
    notify_grammar.NotifyCommand: notify.notify,
    sort_grammar.SortCommand: sort.sort,
    sort_grammar.ThreadCommand: sort.thread,
    fetch_grammar.FetchCommand: fetch.fetch,
    store_grammar.StoreCommand: store.store,
    batches_grammar.UidbatchesCommand: batches.uidbatches,
    copymove_grammar.CopyCommand: copymove.copy,
    copymove_grammar.MoveCommand: copymove.move,
    copymove_grammar.ExpungeCommand: expunge.expunge,
}
