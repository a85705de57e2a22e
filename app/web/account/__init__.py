"""The pages of an account holder: overview, password, addresses and rules, junk, devices, sign-ins.

Each module is a subject: its `ROUTES` are gathered by `app.py`, its templates stand in templates/account/. Everything
is about the account of the session (`visit.session.account`); no page takes an account's name from a request.

Start reading at `app.py`, then `../visit.py`.
"""
