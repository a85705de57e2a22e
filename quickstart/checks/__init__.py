"""The live checks of a machine that shall become a mail server: what the wizard's step "This machine" and the command
`preflight` show.

A `Check` is a key, a title and an asynchronous function from `Context` (the question, the machine, the resolver, the
clock) to `Finding`. A finding is OK, WARN, BAD or UNKNOWN, has one line for its row and, unless OK, says what it means,
what breaks and how to mend it. `table.CHECKS` has them in order; `table.run_all` runs all at once and gives each result
as it comes; `table.run_one` asks one again. One module for each subject.

Rules: checks look and never change anything; the network comes in through the context, so that each outcome has a
test; only a port 25 that cannot be had and a full disk block; strings from outside are shown as text of bounded length;
every sentence says what to do next, with commands that can be copied.

Start reading at `finding.py`, then `room.py`, the smallest, then `table.py`.
"""

from quickstart.checks.finding import Check, Context, Finding, Question, State
from quickstart.checks.table import CHECKS, Result, run_all, run_one

__all__ = ["CHECKS", "Check", "Context", "Finding", "Question", "Result", "State", "run_all", "run_one"]
