"""Mail that goes out as a whole: an account or a mailbox as mbox files or Maildirs, in a folder or an archive.

`source.py` reads messages of an account, a batch at a time; `mboxes.py` and `maildirs.py` make files of them, with line
ends as Unix programs have them (`content.py`) and names from `paths.py`; `run.py` puts it together into a stream for a
browser or files below a folder. What comes in by `mailimport` from such files is what went out, byte for byte.

Rules: nothing of the account is changed; memory holds one batch; a message that cannot be read is listed in
`errors.txt` beside the others, and not the end. Start reading at `run.py`.
"""
