"""What the set-up says in the terminal: where it is, how to reach it from elsewhere, how it ended.

A link is a secret for an hour, so it is printed to a terminal only; logs get the path of the file that has it.
"""

from __future__ import annotations

import getpass
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT_DIRECTORY = "/srv/mox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """Where the program was started, as far as it shows in its environment."""

    program: str  # as people type it
    is_terminal: bool
    has_display: bool = False
    ssh_command: str = ""  # without the forwarding; "" when this is no SSH session

    def warn_without_root(self, command: str) -> None:
        """Say at once that it will not do."""
        print("\nThis was started without root, and mail needs ports that only root may open. Start it so instead:\n")
        print(f"    {command}", flush=True)

    def greet(self, links: Sequence[str], port: int, fingerprint: str) -> None:
        """Say where the set-up is."""
        print("\nmox is a mail server, and is set up in your browser.\n")
        if fingerprint:
            print("Open this link; the browser warns about the certificate, as this program made it itself:\n")
        elif self.ssh_command:
            print("You are here by SSH. On your own computer, run this in another terminal, and leave it open:\n")
            print(f"    ssh -L {port}:127.0.0.1:{port} {self.ssh_command}\n\nThen open this link there:\n")
        else:
            print("Open this link on this machine:\n")
        for link in links:
            print(f"    {link}")
        if fingerprint:
            print(f"\nSHA-256 fingerprint of the certificate, to compare:\n\n    {fingerprint}")
        print("\nIt works once, for one browser, for an hour. A new one, from another terminal in this directory:\n")
        print(f"    {self.program} setup-link\n")
        if not fingerprint:
            print("To reach it over the network instead: Ctrl-C, then start with -listen and this machine's address.")
        print("Not a server for the world, only to test software? Ctrl-C, then:\n")
        print(f"    {self.program} localserve\n", flush=True)

    def point_to(self, path: Path, fingerprint: str) -> None:
        """Say where the link is, when what is printed may be kept."""
        print(f"mox is not set up yet. The link to its set-up is in {path}")
        if fingerprint:
            print(f"SHA-256 fingerprint of the set-up's certificate: {fingerprint}")
        print(f"A new link: {self.program} setup-link", flush=True)

    def say_over(self, by_systemd: bool, *, has_child: bool) -> None:
        """The set-up was finished."""
        print("The set-up is over.")
        if by_systemd:
            print("The server runs as mox.service: systemctl status mox")
        elif has_child:
            print("The server runs as long as this program; Ctrl-C ends both.")
        else:
            print(f"The server runs; it is ended with: {self.program} stop")
        sys.stdout.flush()

    def say_stopped(self, *, has_child: bool) -> None:
        """It was interrupted."""
        print("The set-up is interrupted" + (", the server ends with it." if has_child else "."))
        print(f"It goes on where it was, when you run again: {self.program}", flush=True)


def root_command(archive: str, program: str) -> str:
    """The line that starts the set-up with root, in a directory that every user may enter, from a copy of the file."""
    if not archive:
        return f"sudo {program}"
    there = f"mkdir -p {ROOT_DIRECTORY} && cp {shlex.quote(archive)} {ROOT_DIRECTORY}/mox.pyz && cd {ROOT_DIRECTORY}"
    return f"sudo sh -c {shlex.quote(f'{there} && exec python3 mox.pyz')}"


def this_terminal(program: str, environment: Mapping[str, str]) -> Terminal:
    """What the environment says."""
    ssh = ssh_command(environment)
    return Terminal(
        program=program,
        is_terminal=sys.stdout.isatty(),
        has_display=not ssh and any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")),
        ssh_command=ssh,
    )


def ssh_command(environment: Mapping[str, str]) -> str:
    """The words after `ssh` that lead to this session's machine; "" when there is no such session.

    SSH_CONNECTION is the client's address and port, then ours (ssh(1)). sudo keeps the name of who logged in.
    """
    words = environment.get("SSH_CONNECTION", "").split()
    if len(words) != 4 or not words[3].isdigit():
        return ""
    user = environment.get("SUDO_USER") or environment.get("USER") or getpass.getuser()
    port = f"-p {words[3]} " if words[3] != "22" else ""
    return f"{port}{shlex.quote(f'{user}@{words[2]}')}"


def open_browser(link: str) -> None:
    """Show the link in the person's browser, without its chatter in our terminal."""
    opener = shutil.which("xdg-open") or shutil.which("open")
    if opener:
        quiet = subprocess.DEVNULL
        subprocess.Popen([opener, link], stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)
