"""The administrator's pages: what is wrong, domains, accounts, queue, configuration.

Each module is a subject: its `ROUTES` are gathered by `app.py`, its templates stand in templates/admin/. A page only
reads the form, calls an operation (`app/operations`, the same that the command line calls) and shows the result; what
changes domains.conf takes effect at once. Start reading at `app.py`, then `../visit.py`.
"""
