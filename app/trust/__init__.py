"""Can we believe it? Signatures, policies, and what DNS says about senders and servers.

A check takes what it needs as values, asks DNS through `lookup.Resolver`, and answers with a value that has its reason
with it: "fail" is an answer, only "cannot tell" is an exception. Nothing here opens a socket or a file, or reads a
clock. SPF (`spf/`), DKIM (`dkim/`) and ARC (`arc.py`) share one `budget.Budget` for a message, and DMARC (`dmarc/`)
compares what they proved with From. Start reading at `lookup.py`, then `dmarc/evaluate.py`.
"""
