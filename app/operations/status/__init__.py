"""What is wrong with the running server, what is fine, and what changed: for the administrator, a page and a command.

Each module here looks at a few subjects and gives a `Finding` for each thing: how it stands (`Grade`), in plain words,
what to do next, and the page where that is done. What is fine is a finding too, with its figures. `report.status` asks
all of them at once, each within its time; a part that cannot tell says so, and never takes the others with it.
`report.concerns` is the short form: only what a person should look at, of the parts that answer at once.

Rules: nothing here asks the network. What has to be asked of others is looked at by `lookout` every few hours and kept
in `store/looks`. Texts of others go into `quote` only, and are shown as text.

Start reading at `finding.py`, then `report.py`.
"""
