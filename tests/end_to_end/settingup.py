"""The program in set-up mode, and a person who goes through its pages with a browser.

Each method of `Person` answers the page that is open and ends on the next one; `look` is called on each page before it
is answered, so that a test can look at it too.
"""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.end_to_end.reading import wait_for
from tests.support.built import STOP_S, environment, everyones_python, readable_archive
from tests.support.closednet import DOMAIN, World

ADDRESS = f"ann@{DOMAIN}"
ADMIN_PASSWORD = "seven quiet herons"
OLD_ADDRESS = "ann.old@gmail.com"
CHECKS_MS = 20_000
DNS_MS = 30_000
INSTALL_MS = 60_000


@dataclass(slots=True)
class SetUp:
    """`python3 mox.pyz` in a directory without a configuration, as root of a machine in disguise."""

    world: World
    directory: Path
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> str:
        """Start it, or start it again; the link that it left for the person."""
        link = self.directory / "setup" / "link"
        link.unlink(missing_ok=True)
        with open(self.log_path, "ab") as log:
            self.process = process = subprocess.Popen(
                self.world.disguise.words(everyones_python(), str(readable_archive())),
                cwd=self.directory,
                env=environment(**self.world.settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_for(lambda: process.poll() is not None or link.exists(), self.log)
        assert process.poll() is None, self.log()
        return link.read_text().strip()

    @property
    def log_path(self) -> Path:
        """What it prints."""
        return self.directory.with_suffix(".log")

    def log(self) -> str:
        """What it has printed so far, and what the server that it started has."""
        paths = (self.log_path, self.directory / "serve.log")
        return "\n".join(path.read_text(errors="replace") for path in paths if path.exists())

    def kill(self) -> None:
        """As kill -9 does; a server that it has started lives on."""
        process, self.process = self.process, None
        assert process is not None
        process.kill()
        process.wait(STOP_S)

    def stop(self) -> int:
        """As Ctrl-C or a shutdown does; the exit code."""
        process, self.process = self.process, None
        assert process is not None
        process.send_signal(signal.SIGTERM)
        return process.wait(STOP_S)

    def wait(self) -> int:
        """Until it ends by itself; the exit code."""
        process, self.process = self.process, None
        assert process is not None
        return process.wait(STOP_S)


def no_look(name: str) -> None:
    """Do not look at pages."""


@dataclass(slots=True)
class Person:
    """Somebody who sets up mail for their domain."""

    page: Page
    world: World
    look: Callable[[str], None] = no_look

    def arrive(self, link: str) -> None:
        """Open the link; the page's script claims the set-up with it."""
        self.page.goto(link)
        self.page.wait_for_url(re.compile(r"/(?!setup)\w+$"))

    def sign_in(self, link: str) -> None:
        """Come back with the administrator's password."""
        self.page.goto(link.partition("#")[0])
        self.page.get_by_label("Administrator's password").fill(ADMIN_PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(re.compile(r"/(?!setup|login)\w+$"))

    def is_at(self, title: str) -> None:
        """Wait for the page of a step."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(title)

    def read_again(self, title: str) -> None:
        """Reload the page of a step, once it is there: a page that the browser is just leaving cannot be reloaded."""
        self.is_at(title)
        self.page.reload()
        self.is_at(title)

    def give_address(self) -> None:
        self.is_at("Your mail address")
        self.look("address")
        self.page.get_by_label("Your new mail address").fill(ADDRESS)
        self.go_on()

    def choose_password(self) -> None:
        self.is_at("Administrator's password")
        self.look("password")
        self.page.get_by_label("Administrator's password").fill(ADMIN_PASSWORD)
        self.page.get_by_label("The same once more").fill(ADMIN_PASSWORD)
        self.go_on()

    def read_checks(self) -> dict[str, str]:
        """Wait for all checks; the state of each."""
        self.is_at("This machine")
        expect(self.page.get_by_text("All checks are done.")).to_be_visible(timeout=CHECKS_MS)
        self.look("machine")
        rows = self.page.locator("#checks li").all()
        found = {str(row.get_attribute("id")).removeprefix("check-"): str(row.get_attribute("class")) for row in rows}
        self.go_on()
        return found

    def publish(self) -> None:
        """Download the zone file, enter it where the domain's DNS is, and see that it is seen."""
        self.is_at("DNS records")
        self.look("dns-before")
        with self.page.expect_download() as download:
            self.page.get_by_role("link", name="Download as a zone file").click()
        self.world.publish(download.value.path().read_text())
        self.page.get_by_role("button", name="Look again now").click()
        expect(self.page.get_by_text("All records are seen.")).to_be_visible(timeout=DNS_MS)
        self.look("dns-after")
        self.go_on()

    def see_records(self) -> None:
        """Wait until DNS was asked, and go on without publishing anything."""
        self.is_at("DNS records")
        expect(self.page.get_by_text("Asked the name servers")).to_be_visible(timeout=DNS_MS)
        self.look("dns-after")
        self.go_on()

    def install(self) -> None:
        self.is_at("Review")
        self.look("review")
        self.page.get_by_role("button", name="Install and start").click()
        self.wait_for_server()

    def wait_for_server(self) -> None:
        """Wait until the installation is over."""
        self.is_at("Install")
        expect(self.page.get_by_text("The server runs.")).to_be_visible(timeout=INSTALL_MS)
        self.look("install")
        self.page.get_by_role("link", name="Continue").click()

    def sees_arriving(self, subject: str) -> None:
        """Wait for a message to be shown."""
        self.is_at("Does mail work?")
        expect(self.page.locator("#receive").get_by_text(subject)).to_be_visible()

    def send_to_old_address(self) -> None:
        self.is_at("Does mail work?")
        self.page.get_by_label("An address that you have elsewhere").fill(OLD_ADDRESS)
        self.page.get_by_role("button", name="Send it").click()
        expect(self.page.locator("#send").get_by_text("taken by the other side")).to_be_visible()

    def leave_proof(self) -> None:
        self.is_at("Does mail work?")
        self.look("proof")
        self.go_on()

    def make_password(self) -> str:
        """The password for mail programs, which is shown once."""
        self.is_at("Your devices")
        self.page.get_by_role("button", name=re.compile("Make a.* password")).click()
        password = self.page.locator("#password code").inner_text()
        self.look("devices")
        self.go_on()
        return password

    def is_on_checklist(self, item: str) -> bool:
        """Whether a line of the last page's list is done."""
        self.read_again("Done")
        return self.page.locator(f"#item-{item}").get_by_text("done", exact=True).is_visible()

    def finish(self) -> None:
        self.is_at("Done")
        self.look("done")
        self.page.get_by_role("button", name="End the set-up").click()
        expect(self.page.get_by_text("The set-up is over")).to_be_visible()
        self.look("over")

    def go_on(self) -> None:
        self.page.get_by_role("button", name="Continue").click()
