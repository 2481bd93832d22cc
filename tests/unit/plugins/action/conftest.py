"""Fixtures of the playing API server, for the tests of this folder."""

# pylint: disable=unused-import,useless-import-alias
from tests.support.fixtures import no_cluster_of_the_machine as no_cluster_of_the_machine
from tests.support.fixtures import server as server
