"""The ways by which `quickstart/machine.py` finds out how things are: one module for each source of facts.

Addresses from netlink, listeners from /proc, the clock by SNTP and from the kernel, the age of a domain by RDAP. They
tell and do not judge; what a source does not say is None or empty, never an exception. All that comes from outside is
bounded in size and time. Linux is known best; elsewhere fewer facts come back.

Start reading at `quickstart/machine.py`.
"""
