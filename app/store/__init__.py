"""What we keep: one SQLite database per account, a few for the whole server, and files for large bodies.

    accounts/NAME/index.db        everything of one account, bodies up to 256 KiB included
    accounts/NAME/msg/AB/HASH     larger bodies, one immutable file each
    queue/index.db, queue/msg/    outgoing messages, the same way
    server.db                     web sessions and attempts to sign in
    tmp/                          messages on their way in

Rules that hold here:
- A write is acknowledged only after its commit is on stable storage; a large body's file is durable before that commit.
- Commit, then tell others. Nobody writes to a client while holding a transaction.
- `modseq` only grows and is never used twice; `uidnext` only grows within a `uidvalidity`; both are read and written
  inside the transaction that uses them.
- SQL for a table stands in the module that owns it, and SQLite does not leak out of this package.
Start reading at `sqlite.py`, then `account/__init__.py`.
"""
