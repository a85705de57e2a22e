"""Commands for passwords."""

from __future__ import annotations

import sys

from app.cli.command import Command, Invocation
from app.cli.prompt import read_new_password
from app.cli.standalone import ask_server_or_data
from app.errors import ConfigError, Problem


def _set_account_password(invocation: Invocation) -> int:
    [account] = invocation.expect(1)
    with ask_server_or_data(invocation) as client:
        password = read_new_password()
        client.call("setaccountpassword", {"account": account, "password": password})
    print("password is set; mail programs with the old one must be told")
    return 0


def _set_admin_password(invocation: Invocation) -> int:
    invocation.expect(0)
    from app.config.loading import load_static
    from app.operations.adminpassword import set_admin_password

    path = invocation.config_path
    reading = load_static(path, files=False)
    if reading.problems:
        raise ConfigError(reading.problems)
    name = reading.value.admin_password_file
    if not name:
        text = "is not set; add a line 'AdminPasswordFile: adminpasswd'"
        raise ConfigError([Problem(file=str(path), line=0, path="AdminPasswordFile", text=text)])
    set_admin_password(path.parent / name, read_new_password())
    print(f"admin password is set in {path.parent / name}", file=sys.stderr)
    return 0


COMMANDS = (
    Command(
        words="setaccountpassword",
        arguments="account",
        help="""Set the password of an account.

Asks for the password, or reads a line of standard input; at least 8 characters. All forms that
mail programs can sign in with are made new, and the old password no longer works anywhere.

    mox setaccountpassword jane
""",
        run=_set_account_password,
    ),
    Command(
        words="setadminpassword",
        help="""Set the password of the admin pages.

Asks for the password, or reads a line of standard input; at least 8 characters. Writes the file that AdminPasswordFile
in mox.conf names.

    mox setadminpassword
""",
        run=_set_admin_password,
    ),
)
