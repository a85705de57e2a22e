"""The pages of the browser set-up: one module for each step, one function to show it and one for what it sends.

    async def show(visit: Visit) -> Response          GET
    async def save(visit: Visit) -> Response          POST: reads the form, changes the draft, goes on

A page shows what is known and never waits for the network; what changes while it is open stands in a part of its own
(`/dns/state`), which the page's script fetches again; without the script a link loads the page anew. A form with
something wrong in it is shown again with what was typed. Nothing is changed by GET. What a step needs to be open says
`quickstart/steps.py`; the gate in front of all pages is `quickstart/gate.py`. Start reading at `visit.py`.
"""
