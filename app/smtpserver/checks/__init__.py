"""The checks of an incoming message: they gather evidence, `decide` draws the conclusion.

    authentication   where does it come from: reverse name, SPF, DKIM, DMARC, ARC -> Evidence, once for a message
    blocklists       does a DNS block list name the client        only when a verdict depends on it
    content          do its words look like junk                  only when a verdict depends on it

What a check cannot find out it says, and raises nothing. All questions to DNS for one message share a budget
(`trust/budget.py`) and a time; what is not answered then is "cannot tell".
Start reading at `authentication.py`.
"""
