"""Is a message wanted? Arithmetic only, no database.

What a user does with a message says if it was wanted. `mailboxflags` tells which junk flags follow from the mailbox
it is put in, and the store sets them in the same transaction; `reputation` draws conclusions about a sender from
flagged mail. The filter learns from flagged mail too: `page` and `words` take a message apart, `features` turns it into
a set of numbers, `classifier` judges by how often each was in junk and in wanted mail and says what a new message
teaches, `verdict` explains. The counts themselves are the store's (`store/account/junkcounts`), as is the memory of
what was learnt from which message. `subjectpass` makes the tokens with which a refused sender gets through.

Rules: features depend on the message alone, never on settings, so that what was learnt can be taken back exactly; when
they come out differently `features.FORM` is counted up. Every message costs a bounded time. Nothing raises.

Start reading at `features.py`.
"""
