"""The picture: what is drawn, what is marked, and how it stays readable."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from xml.etree.ElementTree import Element

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.checks.verdict import ExplainedPair, Finding, Step
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot import Cluster, Snapshot
from ansible_collections.kubelab.podnet.plugins.module_utils.reports.topology import topology
from ansible_collections.kubelab.podnet.plugins.module_utils.reports.view import FEWEST_NODES, MOST_NODES, view_of

from tests.unit.plugins.module_utils.reports.examples import FAILING, FAILING_SNAPSHOT, ROW, lab_snapshot, large_lab


def draw(snapshot, findings=(), pairs=(), matter=()) -> Element:
    return topology(view_of(snapshot, matter), findings, pairs)


def explained(*steps: Step) -> ExplainedPair:
    """A pair whose only way has these steps."""
    way = replace(FAILING.pairs[1].ways[0], steps=steps)
    return replace(FAILING.pairs[1], ways=(way,))


def pictures(figure: Element) -> list[Element]:
    return figure.findall("svg")


def texts(picture: Element, style: str = "") -> list[str]:
    """What is written, of that style; cut texts whole."""
    found = [text for text in picture.iter("text") if style in (text.get("class") or "").split() or not style]
    return [(text.findtext("title") or "".join(text.itertext())).strip() for text in found]


def test_the_same_is_drawn_for_a_phone_a_tablet_and_a_desk() -> None:
    phone, tablet, desk = pictures(draw(FAILING_SNAPSHOT, FAILING.findings, FAILING.pairs))
    assert sorted(texts(phone)) == sorted(texts(tablet)) == sorted(texts(desk))
    widths = [float(picture.get("viewBox").split()[2]) for picture in (phone, tablet, desk)]
    assert widths[0] <= 390
    assert widths == sorted(widths)


def test_a_node_shows_its_uplink_block_next_hops_and_pods_at_their_interfaces() -> None:
    written = texts(pictures(draw(lab_snapshot()))[0])
    assert "eth0 172.18.0.4" in written
    assert "block 192.168.157.128/26" in written
    assert "→ 192.168.121.64/26 demo-worker2" in written
    assert "via 172.18.0.2 dev eth0" in written
    assert "default/bb1" in written
    assert "192.168.157.134 at cali98fd8882b62" in written


def test_nothing_is_marked_on_a_healthy_cluster() -> None:
    figure = draw(lab_snapshot())
    assert not [text for text in texts(pictures(figure)[0]) if text.startswith(("✕", "!"))]


def test_a_missing_next_hop_is_drawn_where_it_should_be() -> None:
    written = texts(pictures(draw(FAILING_SNAPSHOT, FAILING.findings[:1]))[0], "bad")
    assert written == [
        "✕ demo-worker",
        "✕ missing-block-route",
        "✕ 192.168.121.64/26 demo-worker2",
        "no row",
    ]


def test_a_wrong_next_hop_is_marked_on_its_node_alone() -> None:
    wrong = "192.168.121.64/26 via 172.18.0.3 dev eth0 proto 80 onlink"
    snapshot = lab_snapshot(without_rows=[("demo-worker", ROW)], with_rows=[("demo-worker", wrong)])
    finding = replace(
        FAILING.findings[0], code="wrong-next-hop", message="packets for 192.168.121.64/26 go astray", evidence=(wrong,)
    )
    written = texts(pictures(draw(snapshot, [finding]))[0], "bad")
    assert [text for text in written if "192.168.121.64/26" in text] == [f"✕ {wrong}"]


def test_the_pod_that_a_finding_blames_is_marked() -> None:
    finding = replace(FAILING.findings[1], node="demo-worker", pod="default/bb1", code="missing-pod-route")
    written = texts(pictures(draw(lab_snapshot(), [finding]))[0], "bad")
    assert "✕ default/bb1" in written
    assert "✕ missing-pod-route" in written


def test_a_warning_bears_another_sign_than_an_error() -> None:
    written = texts(pictures(draw(lab_snapshot(), FAILING.findings[2:]))[0])
    assert "! demo-control-plane" in written
    assert "! strict-rp-filter" in written


def test_a_path_is_drawn_from_pod_to_pod_along_the_network() -> None:
    pair = FAILING.pairs[1]
    picture = pictures(draw(lab_snapshot(), pairs=[pair]))[0]
    (way,) = picture.iter("polyline")
    points = [tuple(map(float, point.split(","))) for point in way.get("points").split()]
    assert len(points) >= 5
    assert all(x1 == x2 or y1 == y2 for (x1, y1), (x2, y2) in pairwise(points)), "wires run straight"
    assert not [line for line in picture.iter("line") if line.get("class") == "lost"]
    assert texts(picture, "number") == ["1"]


def test_a_path_that_loses_the_packet_ends_with_a_cross() -> None:
    picture = pictures(draw(FAILING_SNAPSHOT, pairs=FAILING.pairs[:1]))[0]
    assert len([line for line in picture.iter("line") if line.get("class") == "lost"]) == 2


def test_a_loss_on_the_way_back_is_drawn_as_well() -> None:
    pair = FAILING.pairs[0]
    picture = pictures(draw(FAILING_SNAPSHOT, pairs=[replace(pair, ways=pair.ways[::-1])]))[0]
    assert len(list(picture.iter("polyline"))) == 2
    assert [line for line in picture.iter("line") if line.get("class") == "lost"]


def test_a_path_to_the_outside_leaves_the_picture() -> None:
    step = Step("demo-worker", None, None, None, None, None, "8.8.8.8", "leaves")
    picture = pictures(draw(lab_snapshot(), pairs=[explained(step)]))[0]
    (way,) = picture.iter("polyline")
    width = float(picture.get("viewBox").split()[2])
    assert float(way.get("points").split()[-1].split(",")[0]) == pytest.approx(width - 6)


def test_a_pair_without_ways_draws_nothing() -> None:
    pair = replace(explained(), ways=())
    assert not list(pictures(draw(lab_snapshot(), pairs=[pair]))[0].iter("polyline"))


def test_pods_that_matter_are_shown_before_others() -> None:
    pods = tuple(("shop", f"web-{number:02}", f"192.168.157.{130 + number}") for number in range(40))
    lab = (("demo-worker", "172.18.0.4", "192.168.157.128/26", pods),)
    finding = Finding("missing-pod-route", "error", "demo", "demo-worker", "shop/web-39", "m", (), "r")
    step = Step(None, "shop/web-38", None, None, None, None, "demo-worker", "sends")
    written = texts(pictures(draw(lab_snapshot(lab), [finding], [explained(step)]))[0])
    shown = [text for text in written if "shop/web-" in text]
    assert shown[:2] == ["✕ shop/web-39", "shop/web-38"]
    assert "and 33 more pods" in written


def test_some_dozens_of_nodes_are_small_boxes_without_the_domain_they_share() -> None:
    lab = large_lab(50)
    picture = pictures(draw(lab_snapshot(lab)))[0]
    titles = texts(picture, "title")
    assert len(titles) == 50
    assert titles[9] == "ip-10-0-0-9"
    assert "3 pods" in texts(picture)
    assert float(picture.get("viewBox").split()[2]) <= 390


def test_of_a_large_cluster_those_nodes_are_drawn_that_the_verdict_speaks_of() -> None:
    lab = large_lab(MOST_NODES + 40)
    wanted = [lab[90][0], lab[7][0], *(node[0] for node in lab[20:30])]
    figure = draw(lab_snapshot(lab), matter=wanted)
    assert len(texts(pictures(figure)[0], "title")) == len(wanted)
    assert f"Shown are {len(wanted)} of {MOST_NODES + 40} nodes" in figure.findtext("figcaption")


def test_of_a_large_healthy_cluster_some_nodes_are_drawn() -> None:
    figure = draw(lab_snapshot(large_lab(MOST_NODES + 1)))
    assert len(texts(pictures(figure)[0], "title")) == FEWEST_NODES


def test_a_name_that_is_too_long_is_cut_and_whole_in_its_tooltip() -> None:
    name = "node-" + "x" * 200
    lab = ((name, "172.18.0.4", "192.168.157.128/26", ()),)
    (title,) = [
        text for text in pictures(draw(lab_snapshot(lab)))[0].iter("text") if "title" in (text.get("class") or "")
    ]
    assert title.findtext("title") == name
    assert len("".join(title.itertext())) < 200 + 60
    assert "…" in "".join(title.itertext())


def test_a_cluster_without_nodes_is_told_in_words() -> None:
    figure = draw(Snapshot(Cluster("demo", "2026-03-02T09:30:00Z"), ()))
    assert "No node was read." in "".join(figure.itertext())
