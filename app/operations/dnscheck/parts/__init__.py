"""The parts of a domain's set-up, each a function `(subject, notes)` that writes down what is wrong.

A part asks `subject.states` about the records it is about, and DNS and hosts about the rest. It raises LookupFailed
when DNS could not tell; `check.py` writes that down, and limits the time. Start reading at `mailhosts.py`.
"""
