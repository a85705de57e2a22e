"""SMTP and its extensions as values, and the two machines that speak it (RFC 5321 and friends).

    bytes of a client -> server.SmtpServer -> command values, chunks of a message -> reply.Reply -> bytes

`address.py` has what addresses and paths are, `command.py` turns a line into a command value, `params.py` reads the
parameters of MAIL and RCPT, `data.py` frames messages, `codes.py` names the replies. Framing is security: what ends a
line or a message is decided in `linebuffer.py` and `data.py` alone, and strictly.
Start reading at `server.py` and its tests, then `client.py`.
"""
