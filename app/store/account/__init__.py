"""One account: its mailboxes, messages and settings in `index.db`, its large bodies in `msg/`.

Three tables carry a message. `body` is the bytes as they arrived, kept once per account whatever the number of copies
and keyed by their hash. `content` is one delivered message: the header fields we put in front (its prefix) and all
that IMAP asks for, made once: part tree, ENVELOPE, BODYSTRUCTURE, fields for lists. `message` is a message in a
mailbox: uid, flags, modseq; it is narrow because flags are read far more often than anything else. COPY makes a new
`message` row only.

A change runs as `await account.write(fn)` with `fn(tx)`: it takes at most one new modseq (`tx.modseq()`), however many
messages it touches and none when nothing changes, and notes what it did as `Change` values. After the commit they go to
the mailbox indexes and the sessions of the account, in commit order.

An expunged message leaves a tombstone (uid, modseq). It keeps its content until no session that may still ask for it is
left; then the content, and with its last user the body, is erased. A mailbox remembers a bounded number of tombstones.

Start reading at `schema.py`, then `handle.py` and `messages.py`.
"""
