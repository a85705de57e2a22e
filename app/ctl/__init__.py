"""The control socket of a running server: a unix socket `ctl` in the data directory, for the command line.

Whoever may open the socket (its file mode is 0660) may do everything; there is no other sign-in. The protocol is ours
and no public interface. The server greets with a line that says the version. Then, as often as the client likes, a
request and its reply; all are JSON objects, one per line, at most MAX_LINE_BYTES:

    client   {"name": "queuehold", "arguments": {"ids": [3]}, "has_input": false}
    client   {"chunk": 5} and 5 bytes, again and again, {"chunk": 0} at the end; only when has_input is true
    server   {"chunk": 5} and 5 bytes: output, as often as there is some
    server   {"result": ...} or {"error": "words for the operator"}: the end of the reply

`protocol.py` has the lines, `server.py` serves operations by name, `commands.py` has the operations, `client.py` is
used by the command line and imports no asyncio. Names of operations follow the reference, section 3.6. Start reading
at `protocol.py`."""
