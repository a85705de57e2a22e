import pytest

from tests.imapserver.world import World


@pytest.fixture
def world(tmp_path):
    """A server that is checked for consistency after the test."""
    made = World(tmp_path)
    yield made
    made.close()
