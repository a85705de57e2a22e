"""From a domain and an address to a working configuration: for the command line now, and for the browser wizard.

`generate.py` is pure: answers to the text of every file, keys and passwords included, and the DNS records to publish.
`apply.py` writes them, all or none, and never over anything that is there. What the network says (addresses, names,
whether port 25 is open) is found by others and comes in with the answers.

Start reading at `generate.py`.
"""
