"""mox: a complete mail server in one file.

The layers, from the bottom: leaf modules here, then `wire` (bytes to values), `trust`, `junk` and `routing` (judgement
without I/O), `config`, `store` and `net`, the servers, `ctl` and `web`, and `cli` on top. DEVELOP.md has the map.
Start reading at `app/serve.py`, which puts everything together.
"""

VERSION = "0.1.0"
ANNOUNCED_AT = ""  # domain whose record says which version is the newest; "" for a copy that asks nobody
