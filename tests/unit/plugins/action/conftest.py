from tests.support.fixtures import no_cluster_of_the_machine as no_cluster_of_the_machine
from tests.support.fixtures import server as server
