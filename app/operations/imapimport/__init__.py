"""Mail from another server, over IMAP: all folders with flags and dates, once each, as often as it is asked for.

`runs.py` keeps the imports that a server has under way, one for an account, so that a page can be closed meanwhile.
`run.py` is one of them: it signs in, has `folders.py` plan which folder goes to which mailbox, and goes through them
with `folder.py`, which finds out what is new and takes it in batches. With the messages of a batch, in the same
transaction, `app.store.account.imports` notes how far it has come: whatever ends a run, the next one goes on there.

Rules: a password is in memory as long as the run, and nowhere else; nothing is changed on the other server; what it
says is bounded by `app.net.imapclient`; a message or folder that cannot be taken is a problem that is listed, and not
the end. Start reading at `run.py`.
"""
