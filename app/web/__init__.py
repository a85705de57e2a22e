"""HTTP: the metrics page and the start page now; the wizard, admin and account pages and the public web server later.

Pages are Starlette applications, one for each port, run by uvicorn on sockets that were bound before (`serving.py`).
Every response has the security headers of `headers.py`. Start reading at `serving.py`.
"""
