"""Bytes to values and back: SMTP, IMAP, messages, SASL and the configuration text form.

Nothing below `wire` reads a clock, opens a file or knows a socket. A parser takes bytes, returns a value and raises one
kind of `WireError` that says where and what was wrong; every parser is linear in its input and bounded by named limits.
Protocol machines have one shape: `receive_data(data)`, `next_event()`, and methods that return the bytes to send.
Start reading at `wire/domain.py`, the smallest, then `wire/smtp/server.py`.
"""
