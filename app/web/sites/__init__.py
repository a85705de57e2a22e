"""The web sites of the owner: what WebDomainRedirects and WebHandlers of domains.conf say is served.

    request -> pathrules: the path without dots -> rules: who answers -> redirect | static files | forward | own pages

`rules` is pure: for a host name and path it lists, in the order of the file, which redirect or handlers may answer, and
can say why for a person (`explain`). `site` is the ASGI application of a port: it asks them one after the other, as a
handler may pass (a redirect that would lead back to itself, files with ContinueNotFound). `forward` passes a request to
another web server by way of `app.net.httpclient`, as a stream in both directions, WebSockets included. Each action is
an ASGI application of its own, and knows nothing of how it was chosen.

Rules: what a client sends decides about nothing but itself; the path that is matched is the path that is served; a
backend that misbehaves gives 502 or 504 and tells strangers nothing. Start reading at `site.py`.
"""
