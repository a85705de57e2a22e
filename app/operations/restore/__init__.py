"""Restoring from a backup, or from any directory of an account: everything, an account, a mailbox, a message.

Nothing that is there is ever overwritten, so there are three ways:

- `everything` puts configuration and data where neither is.
- `gone` brings back an account that the configuration does not have any more, as one that was removed and comes back.
- Mail of an account that is there comes back into it as new messages, with flags, keywords and dates: `selecting`
  reads it from the backup, `stream` carries it to a running server, which may not be allowed to read the backup, and
  `taking` adds it, by `app.operations.mailimport.taker` as every import. It comes beside, below the mailbox `Restored`,
  or, when that is asked for, into the mailboxes it was in, but for what they still have.

Whoever had newer mail than the backup has seen uids that are to be given out again. So what comes back whole gets new
uidvalidities and object ids (`app.store.account.numbering.begin_anew`), unless the server did not run since.

Start reading at `selecting`.
"""
