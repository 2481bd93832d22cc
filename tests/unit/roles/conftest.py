"""Fixtures of the playing API server, for the tests of roles."""

# pylint: disable=unused-import,useless-import-alias
from tests.support.fixtures import server as server
