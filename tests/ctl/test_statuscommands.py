"""How the server stands, over the control socket and as the command prints it."""

from __future__ import annotations

import json

import pytest

from app.cli.main import main
from app.store.datalock import DataLock
from tests.support import control


@pytest.fixture
def world(tmp_path):
    made = control.ControlWorld(tmp_path)
    yield made
    made.accounts.close()


def test_status_tells_what_is_wrong_and_what_changed(world):
    found = world.run_with_client(lambda client: client.call("status"))
    assert found["grade"] == "fine"
    assert {"title", "text", "grade", "subject", "quote", "page"} == set(found["findings"][0])


@pytest.mark.parametrize(("flags", "is_shown"), [([], True), (["-short"], False)])
def test_the_command_prints_what_is_fine_unless_it_is_to_be_short(world, capsys, flags, is_shown):
    command = ["-config", str(world.live.path), "status", *flags]
    assert world.run_with_client(lambda client: main(command)) == 0
    assert ("fine  queue: Mail waits in the queue. 2 recipients" in capsys.readouterr().out) == is_shown


def test_the_code_says_that_something_does_not_work(world, capsys):
    world.live.domains_path.write_text("Nothing: x\n")
    assert world.run_with_client(lambda client: main(["-config", str(world.live.path), "status", "-short"])) == 4
    assert capsys.readouterr().out.startswith("ACT   configuration: The configuration is wrong")


def test_the_command_gives_json(world, capsys):
    assert world.run_with_client(lambda client: main(["-config", str(world.live.path), "status", "-json"])) == 0
    assert json.loads(capsys.readouterr().out)["grade"] == "fine"


def test_without_a_server_it_says_so_and_what_can_be_told(world, capsys):
    world.run(lambda: None)  # which closes the databases
    command = ["-config", str(world.live.path), "status"]
    assert main(command) == 4
    told = capsys.readouterr().out
    assert told.startswith("ACT   server: The server was never started.")
    assert "fine  queue: Mail waits in the queue. 2 recipients" in told
    with DataLock(world.live.data_dir):  # a server that may not be asked
        assert main(command) == 1
    assert "and answers no questions" in capsys.readouterr().err
