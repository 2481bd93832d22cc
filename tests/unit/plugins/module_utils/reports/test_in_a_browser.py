"""The pages in headless Chromium: nothing overflows, the keyboard reaches all, nothing runs."""

from __future__ import annotations

import re
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.checks.verdict import NotProved
from ansible_collections.kubelab.podnet.plugins.module_utils.reports.cluster_report import cluster_report
from ansible_collections.kubelab.podnet.plugins.module_utils.reports.fleet import Member, fleet_report

from tests.unit.plugins.module_utils.reports.browser import MISSING, Browser
from tests.unit.plugins.module_utils.reports.examples import (
    FAILING,
    FAILING_SNAPSHOT,
    INCOMPLETE,
    LAB,
    PASSING,
    lab_snapshot,
    large_lab,
)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(MISSING), reason=MISSING)]

HOSTILE = (
    "\"><script>document.title='run'</script><img src=x onerror=\"document.title='run'\">" + "w" * 300 + "\u202eלהפך"
)
NODE, ADDRESS, BLOCK, PODS = LAB[0]


def hostile_page() -> str:
    findings = tuple(
        replace(finding, node=HOSTILE, pod=HOSTILE, message=HOSTILE, evidence=(HOSTILE,))
        for finding in FAILING.findings
    )
    verdict = replace(
        FAILING,
        cluster=HOSTILE,
        versions={HOSTILE: HOSTILE},
        findings=findings,
        not_proved=(NotProved(HOSTILE, HOSTILE, HOSTILE),),
    )
    lab = ((HOSTILE, ADDRESS, BLOCK, ((HOSTILE, HOSTILE, "192.168.210.9"), *PODS)), *LAB[1:])
    return cluster_report(verdict, lab_snapshot(lab, lost=[(HOSTILE, "demo-worker")]))


def fleet_page() -> str:
    return fleet_report(
        [
            Member("shop-eu", PASSING, report="shop-eu/report.html"),
            Member("shop-us", FAILING, report="shop-us/report.html"),
            Member("lab", INCOMPLETE),
            Member("x" * 200, reason="the API server did not answer"),
        ]
    )


PAGES = {
    "passing": lambda: cluster_report(PASSING, lab_snapshot()),
    "failing": lambda: cluster_report(FAILING, FAILING_SNAPSHOT),
    "incomplete": lambda: cluster_report(INCOMPLETE, lab_snapshot(emulated=True)),
    "large": lambda: cluster_report(PASSING, lab_snapshot(large_lab(50))),
    "hostile": hostile_page,
    "fleet": fleet_page,
}


@pytest.fixture(name="browser", scope="module")
def running_browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("browser"))
    yield browser
    browser.close()


@pytest.fixture(name="pages", scope="module")
def written_pages(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    files = {name: folder / f"{name}.html" for name in PAGES}
    for name, file in files.items():
        file.write_text(PAGES[name](), encoding="utf-8")
    return files


WIDER_THAN_THE_PAGE = """
document.querySelectorAll('details').forEach(box => { box.open = true });
const width = document.documentElement.clientWidth;
const inside = element => element.closest('.scroll, svg, .unseen, .skip');
const wide = [...document.querySelectorAll('body *')].filter(
  element => !inside(element) && element.getBoundingClientRect().right > width + 0.5);
return [document.documentElement.scrollWidth - width, wide.map(element => element.tagName + '.' + element.className)];
"""


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_wider_than_the_page(browser, pages, name, width) -> None:
    browser.open(pages[name], width)
    assert browser.ask(WIDER_THAN_THE_PAGE) == [0, []]


CUT_TEXT = """
const cut = [];
for (const picture of document.querySelectorAll('svg.picture')) {
  if (getComputedStyle(picture).display === 'none') continue;
  const frame = picture.getBoundingClientRect();
  for (const text of picture.querySelectorAll('text')) {
    const box = text.getBoundingClientRect();
    if (box.right > frame.right + 1 || box.left < frame.left - 1) cut.push(text.textContent);
  }
  const boxes = [...picture.querySelectorAll('rect.box')].map(box => box.getBoundingClientRect());
  for (const text of picture.querySelectorAll('text')) {
    const place = text.getBoundingClientRect();
    const middle = (place.top + place.bottom) / 2;
    const box = boxes.find(box => box.left <= place.left && place.left < box.right && box.top < middle && middle < box.bottom);
    if (box && place.right > box.right + 1) cut.push(text.textContent);
  }
}
return cut;
"""


SMALLEST_TEXT = """
const picture = [...document.querySelectorAll('svg.picture')].find(p => p.getClientRects().length);
const scale = picture.getBoundingClientRect().width / picture.viewBox.baseVal.width;
return Math.min(...[...picture.querySelectorAll('text')].map(text => parseFloat(getComputedStyle(text).fontSize) * scale));
"""


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", ["failing", "large", "hostile"])
def test_exactly_one_picture_shows_with_its_texts_in_their_boxes_and_large_enough_to_read(
    browser, pages, name, width
) -> None:
    browser.open(pages[name], width)
    shown = "return [...document.querySelectorAll('svg.picture')].filter(p => p.getClientRects().length).length"
    assert browser.ask(shown) == 1
    assert browser.ask(CUT_TEXT) == []
    assert browser.ask(SMALLEST_TEXT) >= 10


def test_what_is_hostile_does_not_run(browser, pages) -> None:
    browser.open(pages["hostile"])
    assert browser.ask("return document.title") != "run"
    assert browser.ask("return document.scripts.length + document.images.length") == 0
    assert HOSTILE.split("\u202e", maxsplit=1)[0] in browser.ask("return document.querySelector('h1').textContent")


def test_a_page_asks_for_nothing_but_itself(browser, pages) -> None:
    browser.open(pages["failing"])
    assert browser.ask("return performance.getEntriesByType('resource').length") == 0


@pytest.mark.parametrize("name", ["failing", "fleet"])
def test_the_keyboard_reaches_every_link_fold_and_scrolling_box_from_top_to_bottom(browser, pages, name) -> None:
    browser.open(pages[name], 390)
    wanted = browser.ask(
        "const all = [...document.querySelectorAll('a, summary, .scroll')].filter(e => e.checkVisibility());"
        "all.forEach((element, index) => { element.dataset.order = index }); return all.length"
    )
    reached = []
    for _press in range(wanted):
        browser.press("Tab")
        reached.append(browser.ask("return Number(document.activeElement.dataset.order)"))
    assert reached == list(range(wanted))


def test_what_has_the_focus_can_be_seen_to_have_it(browser, pages) -> None:
    browser.open(pages["failing"])
    browser.press("Tab")
    assert browser.ask("return document.activeElement.textContent") == "Skip to the content"
    assert browser.ask("return document.activeElement.getBoundingClientRect().left") >= 0
    browser.press("Tab")
    assert browser.ask("return getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_enter_unfolds_a_table(browser, pages) -> None:
    browser.open(pages["failing"])
    browser.ask("document.querySelector('summary').focus()")
    browser.press("Enter")
    assert browser.ask("return document.querySelector('details').open")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_follow_the_reader(browser, pages, scheme) -> None:
    browser.open(pages["failing"], scheme=scheme)
    ground = browser.ask("return getComputedStyle(document.documentElement).backgroundColor")
    red = int(re.search(r"\d+", ground)[0])
    assert (red > 200) is (scheme == "light")


def test_print_shows_folded_tables_and_is_light_on_a_dark_screen(browser, pages) -> None:
    browser.open(pages["failing"], 794, scheme="dark", media="print")
    assert browser.ask("return getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.ask("return document.querySelector('details table').checkVisibility({contentVisibilityAuto: true})")
    assert browser.ask("return document.querySelector('details table').getBoundingClientRect().height") > 100
    assert browser.ask("return document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert browser.ask("return getComputedStyle(document.querySelector('nav')).display") == "none"


def test_a_printed_report_has_pages(browser, pages) -> None:
    browser.open(pages["failing"])
    paper = browser.paper()
    assert paper.startswith(b"%PDF-")
    streams = [
        zlib.decompress(found) for found in re.findall(rb"ObjStm.*?stream\r?\n(.*?)\r?\nendstream", paper, re.DOTALL)
    ]
    pages_found = re.findall(rb"/Type\s*/Page\b(?!s)", paper + b"".join(streams))
    assert 4 <= len(pages_found) <= 10


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
def test_a_picture_of_the_page_can_be_taken(browser, pages, tmp_path, width, scheme) -> None:
    browser.open(pages["failing"], width, scheme=scheme)
    browser.picture(tmp_path / "page.png")
    header = (tmp_path / "page.png").read_bytes()[:24]
    assert header[1:4] == b"PNG"
    assert int.from_bytes(header[16:20], "big") == width
    assert int.from_bytes(header[20:24], "big") > 2000
