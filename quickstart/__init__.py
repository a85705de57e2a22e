"""From a mail address to a server that works: in the browser, by flags, or from an answers file.

    terminal  `running` listens, prints the link (`terminal`), and stays with the server that it starts
    gate      `claim` exchanges the link once for a session; `gate` lets nobody else see more than one neutral page
    pages/    one module for each step; `steps` says which is open, `wizard` is the set-up while it runs
    answers   `options` checks them, wherever they come from; `draft` keeps them over restarts, in setup/
    files     `generate` is pure: answers and keys to every file; `install` puts them in place, `apply` writes them
    machine   `checks/` and `machine` look at it and change nothing; `system` changes it: user, service, server
    proof     the running server is asked over its control socket

One logic, two faces: `quickstart user@domain` on the command line and the browser use the same options, checks and
generator. Whatever asks the network comes in as an argument (Machine, Resolver, Lookout, System), so that all of it
runs in a closed network. Nothing is ever overwritten, and everything can be killed at any moment and goes on there.
Start reading at `steps.py`, then `wizard.py`.
"""
