"""IMAP sessions: what a client asks, and what it must be told.

`connection.py` feeds received bytes to the framing machine of `wire/imap/server.py` and runs one command at a time. A
command that needs no I/O is answered within the same callback; one that must wait becomes a task. `table.py` says which
function carries out a command, in which states it is legal, and whether EXPUNGE responses may be sent during it.

`selected.py` is the heart: what this client has been told about its mailbox (the uids in order, up to which change),
and what it must still be told. Changes of other sessions arrive there after each commit and wait for a moment at
which the protocol allows to tell them; `updates.py` is the only place that writes EXISTS, EXPUNGE, VANISHED and
unsolicited FETCH; `resync.py` tells what happened before the mailbox was opened, `othermailboxes.py`
what happens in those that are not selected, to a client that used NOTIFY.

Rules: nothing is written to a client while a transaction is open; a command takes one modseq; a session that was not
yet told of a removal may go on fetching the message. Start reading at `session.py`.
"""
