"""mox.conf and domains.conf as typed values.

Each setting is declared once, as a field of a frozen dataclass with its sconf name, help text and default
(`static.py` and what it includes for mox.conf, `dynamic.py` and `webhandlers.py` for domains.conf). From the
declarations follow `reading.py` (file to value, with every problem and the line of every setting), `writing.py` (value
to file; an edited value into a file that keeps its comments and order) and `describe.py` (an annotated example).
`check_static.py` and `check_dynamic.py` know what may not be, and report all of it at once as `Problem`s.

`live.py` holds what a running server uses: `Live.open(path)`, then `live.static`, `live.dynamic` and `live.directory`,
immutable snapshots. domains.conf is read again when it changed, wholly or not at all; `live.change(edit)` checks the
edited value whole, writes a new file beside the old one and renames it. `lookup.py` answers whose an address is.
For people who look at the files or edit them as text (`configfile.py`, `staticfile.py`) secrets are hidden
(`masking.py`), and every state is kept with who made it (`history.py`).

Rules: a wrong file is never used and never overwritten; the previous file is kept; a function gets the values it
needs and not the snapshot; settings that have no effect yet are listed in `pending.py` and nowhere else.
Start reading at `static.py`, then `live.py`.
"""
