"""The web sites of the owner: what WebHandlers of domains.conf say is served for a host name and path.

`forward` passes a request to another web server by way of `app.net.httpclient`, as a stream in both directions. It is
an ASGI application of its own, and knows nothing of how it was chosen.

Rules: what a client sends decides about nothing but itself; a backend that misbehaves gives 502 or 504 and tells
strangers nothing. Start reading at `forward.py`.
"""
