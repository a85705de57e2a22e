"""The command line: words typed by a person, the work done elsewhere, the result printed.

    mox [-config file] [-loglevel level] command [flags] [arguments]

A command is a sequence of words ("queue list"), declared as a `Command` in the module of its subject; `commands.py`
has them all and `main.py` finds the one that was typed. Flags are Go's: one or two dashes, `-flag value` or
`-flag=value`, before the other arguments. Exit codes: 0 done, 1 failed, 2 used wrongly. What can fail raises
MailError; `main` prints it.

Command modules import at their top only light things, and the rest inside their functions: `version`, `help` and the
queue commands load neither asyncio nor the web. Commands that ask the running server go through `running.py`. Start
reading at `command.py`, then `main.py`."""
