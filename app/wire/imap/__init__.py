"""IMAP4rev2 and IMAP4rev1 as values: commands in, responses out (RFC 9051, RFC 3501 and their extensions).

    bytes -> server.py     lines and literals joined to one command; literals of APPEND handed through in pieces
          -> table.py      its name looked up: parser, states, what may be sent during it
          -> parse/*.py    the rest read by the parser of its family into a frozen value
    value -> respond/*.py  data written for the client; response.py writes status lines and response codes

Rules that hold here:
- Every parser raises ImapSyntaxError and nothing else, is linear in its input and bounded by named limits.
- A set of messages stays as ranges until it meets the mailbox (`sequence.py`); flags are bits (`flags.py`).
- Mailbox names leave a parser decoded but not canonical: a bad name is a NO, not a BAD (`mailboxname.py`).
- The machine knows the state of the framing only. Whether a command is allowed now is for its caller to ask the rule.
Start reading at `tokens.py`, then `parse/store.py`, the smallest family, and `server.py`.
"""
