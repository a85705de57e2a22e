"""What an operator or account holder can do, each verb once.

Command line, control socket, pages and wizard parse what a person typed, call a verb here, and show its result. A verb
that changes the configuration is a pure edit of `Dynamic` given to `Live.change`, which checks the result whole and
writes it; files that belong to the change (keys) are written before and taken back when it fails.

What a person may be told is raised as Refusal (we do not do this, and why) or ConfigError (the result would be wrong,
with every problem). Nothing here prints, and nothing here asks.
Start reading at `accounts.py`.
"""
