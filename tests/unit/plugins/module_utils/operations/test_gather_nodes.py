from __future__ import annotations

from collections.abc import Callable

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.exec import Output
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.node_access import NodeShell
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import DeadlineError, ExecError
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot import NODE_COMMANDS
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.gather_nodes import NodeOutput, read_node

from tests.support.fixtures import PATIENCE

ADDR = "1: lo: <LOOPBACK,UP> mtu 65536\n2: eth0.7@eth0: <UP> mtu 1500\n3: cali1@if2: <UP> mtu 1450\n"


class Machine:
    """A node whose programs are functions of their words; what it was asked is kept."""

    def __init__(self, answer: Callable[[list[str]], Output]) -> None:
        self.asked: list[list[str]] = []
        self._answer = answer

    def __call__(self, command: list[str], deadline: Deadline) -> Output:
        self.asked.append(command)
        return self._answer(command)

    def read(self) -> NodeOutput:
        return read_node(NodeShell("demo-worker", {"container": self}), Deadline(PATIENCE))


def healthy(command: list[str]) -> Output:
    if command[0] == "grep":
        return Output(0, "".join(f"{file}:1\n" for file in command[3:]), "")
    return Output(0, ADDR if command[-1] == "addr" else f"what {' '.join(command)} prints\n", "")


def test_each_command_is_printed_under_its_name() -> None:
    found = Machine(healthy).read()
    assert set(found.printed) == set(NODE_COMMANDS)
    assert found.printed["ip -6 rule"] == "what ip -6 rule prints\n"
    assert found.access == "container"
    assert found.unread == {}


def test_links_are_read_in_detail_and_without_where_the_program_knows_none() -> None:
    def busybox(command: list[str]) -> Output:
        return Output(1, "", "ip: invalid argument '-d'") if "-d" in command else healthy(command)

    detailed, plain = Machine(healthy), Machine(busybox)
    assert detailed.read().printed["ip addr"] == plain.read().printed["ip addr"] == ADDR
    assert ["ip", "-d", "addr"] in detailed.asked
    assert ["ip", "addr"] not in detailed.asked


def test_settings_have_the_names_of_sysctl_and_are_those_that_matter_for_each_device() -> None:
    names = {
        *("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"),
        *("net.ipv4.conf.all.rp_filter", "net.ipv4.conf.all.proxy_arp"),
        *("net.ipv4.conf.lo.rp_filter", "net.ipv4.conf.lo.forwarding"),
        *("net.ipv4.conf.eth0/7.rp_filter", "net.ipv4.conf.eth0/7.forwarding"),
        *("net.ipv4.conf.cali1.proxy_arp", "net.ipv4.conf.cali1.forwarding"),
    }
    assert Machine(healthy).read().sysctls == dict.fromkeys(names, 1)


def test_a_device_that_went_meanwhile_takes_no_other_setting_along() -> None:
    def gone(command: list[str]) -> Output:
        if command[0] != "grep":
            return healthy(command)
        there = [file for file in command[3:] if "eth0.7" not in file]
        return Output(2, "".join(f"{file}:0\n" for file in there), "grep: eth0.7: No such file")

    found = Machine(gone).read()
    assert found.sysctls["net.ipv4.conf.lo.rp_filter"] == 0
    assert "sysctls" not in found.unread


def test_many_devices_are_read_in_commands_that_every_server_takes() -> None:
    links = "".join(f"{number}: cali{number:011d}: <UP> mtu 1500\n" for number in range(1, 111))

    def crowded(command: list[str]) -> Output:
        return Output(0, links, "") if command[-1] == "addr" else healthy(command)

    machine = Machine(crowded)
    assert len(machine.read().sysctls) == 4 + 2 * 110
    assert max(len("&command=".join(command).replace("/", "%2F")) for command in machine.asked) < 8000


def test_a_command_that_fails_is_unread_with_what_it_said_and_the_others_are_read() -> None:
    def no_rules(command: list[str]) -> Output:
        return Output(2, "", "RTNETLINK answers: Operation not supported") if "rule" in command else healthy(command)

    found = Machine(no_rules).read()
    assert set(found.unread) == {"ip rule", "ip -6 rule"}
    assert "Operation not supported" in found.unread["ip rule"]
    assert "ip neigh" in found.printed


def test_a_node_without_a_way_is_unread_as_a_whole() -> None:
    def nothing(command: list[str]) -> Output:
        raise ExecError("the container has no program ip")

    found = Machine(nothing).read()
    assert found.access is None
    assert set(found.unread) == {*NODE_COMMANDS, "sysctls"}


def test_a_node_that_hangs_is_unread_with_the_time_it_had() -> None:
    def hanging(command: list[str]) -> Output:
        raise DeadlineError("ip addr did not end within 5 seconds")

    assert "5 seconds" in Machine(hanging).read().unread["ip addr"]
