"""Is a message wanted? Arithmetic only, no database.

What a user does with a message says whether it was wanted: `mailboxflags` tells which junk flags follow from the
mailbox it is put in, and the store sets them in the same transaction. The filter itself comes with the judging of
incoming mail; what it learns from is recorded already, as `trained` in the store's message rows.

Start reading at `mailboxflags.py`.
"""
