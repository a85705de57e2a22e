"""Internet messages: from bytes to a tree of parts with offsets, and from values back to bytes.

`part` finds the structure of a message in one pass over its bytes and copies none of them: a `Part` holds positions,
and whoever needs text cuts it out (`decode`). `packed` keeps the tree in a database row. `header` finds, selects and
unfolds fields; `contenttype`, `addresses`, `dates`, `encodedword`, `references` and `subject` give field values their
meaning; `section` finds a part by its IMAP number; `preview` makes the line that clients show in lists. `compose` and
`received` write.

Rules: reading never raises for what a stranger wrote, is linear in its input and bounded by named limits; what is not
understood is passed on unchanged or left out. Where the RFCs are silent (missing boundaries, broken fields) the
answers are those of Dovecot, which clients know. Text that is not valid UTF-8 is kept in `str` with surrogate escapes,
so that the exact bytes can be written again. Start reading at `part.py`.
"""
