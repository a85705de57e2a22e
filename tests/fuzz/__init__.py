"""Bytes that nobody would send, for everything that reads what strangers send.

    seeds (what is normal, and what was nasty before) -> mutate -> a target -> an error that is meant, or none

`python -m tests.fuzz --seconds 3600 [--seed N] [TARGET ...]` runs for a time and keeps each input that found something
in build/fuzz; `test_targets.py` runs a fixed number of inputs, the same ones each time. A target may raise the errors
of `app/errors.py`, nothing else, and takes a second of CPU at most for one input. Inputs whose outcome was not seen
before become seeds themselves: the words of an error are a cheap measure of what part of the code was reached.

Each finding becomes a test beside the module that was mended, and a seed in `seeds/`.
Start reading at `targets.py`.
"""
