"""Mail that comes in as a whole: from archives (mbox, Maildir, zip, tar) and from other servers.

`taker.py` adds messages to an account, batch by batch: what every import does, whatever it reads from. Its callers give
it `Incoming` values (`incoming.py`) and look at what became of them; how far they have come they note in the same
transaction, so that nothing is taken twice or left out whatever ends an import. `progress.py` is what a page or a
command shows meanwhile.

Rules: a batch is one transaction, so mail goes on being delivered and read; memory holds one batch; a message that
cannot be taken is a problem that is listed, and not the end; nothing of a message is changed.
Start reading at `taker.py`.
"""
