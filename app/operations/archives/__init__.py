"""Files in folders, zip and tar archives, to write and to read, as streams.

What is written is a series of `Entry` values (`entry.py`), which `zipwriting`, `tarwriting` and `folderwriting` turn
into bytes or files. What is read is a series of `Member` values (`member.py`), which `zipreading`, `tarreading` and
`folderreading` find, and `opening` chooses among.

Why not the modules of the standard library: they keep every entry in memory, a kilobyte each, and archives of mail
have millions; and they read what a hostile header asks for. Here memory is bounded whatever an archive says, nothing
is ever unpacked under a name that an archive gives, links are not followed, and what is cut off or damaged is told.
Start reading at `member.py`.
"""
