"""The report's page: nothing of a CRM becomes markup, nothing is fetched, and in a real browser people can read it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pycountry
import pytest
from overview_documents import EVIL, overview_of

from syncd.report.aids.sections import Sheet, table
from syncd.report.aids.sheet_html import render_html
from syncd.report.overview.html import render_overview_html, title_of
from syncd.report.overview.pictures import columns
from syncd.report.overview.shapes import us_states, world
from tests.browser import CHROMIUM, WHY_NOT, Page, browser

needs_a_browser = pytest.mark.skipif(CHROMIUM is None, reason=WHY_NOT)


class Reader(HTMLParser):
    """What a browser would make of a page: its elements, and their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_no_text_of_a_crm_becomes_markup() -> None:
    page = render_overview_html(overview_of())
    found = Reader(page).found
    assert "img" not in {tag for tag, _ in found}
    assert [tag for tag, _ in found].count("script") == 1
    assert not [name for _, attrs in found for name in attrs if name.startswith("on")]
    assert "\u202e" not in page
    assert "Söhne" in page


def test_nothing_is_fetched_and_links_lead_to_records_alone() -> None:
    found = Reader(render_overview_html(overview_of())).found
    assert not {tag for tag, _ in found} & {"link", "img", "iframe", "object", "base", "form"}
    assert all("src" not in attrs for _, attrs in found)
    targets = {str(attrs["href"]) for tag, attrs in found if tag == "a" and not str(attrs["href"]).startswith("#")}
    assert targets
    assert all(
        re.fullmatch(r"https://acme\.my\.salesforce\.com/lightning/r/Account/[\w%.]+/view", each) for each in targets
    )
    assert any("001%2F..%2Fx%3Fy" in each for each in targets)


def test_the_title_says_the_period_and_the_tiles_name_their_commands() -> None:
    document = overview_of()
    page = render_overview_html(document)
    assert title_of(document) == "Territory report, week to 2026-11-20"
    tiles = page.partition('<dl class="tiles">')[2].partition("</dl>")[0]
    assert tiles.count("<dd>") == tiles.count("<code>syncd ")
    for name in ("Attainment", "Territories", "Balance", "Coverage", "Moves", "Alerts", "Map", "Largest deals"):
        assert f"<h2>{name}</h2>" in page
    assert re.search("125,00[01] USD in 4 deals", page)


def test_a_book_without_anything_is_still_a_page() -> None:
    document = overview_of()
    for key in ("territories", "reps", "attainment", "findings", "quality", "movers", "countries", "states", "largest"):
        document[key] = []
    document["alerts"] = {"open": [], "open_total": 0, "by_monitor": []}
    document["weeks"] = [{"week": "2026-11-16", "by_syncd": 0, "by_others": 0}]
    page = render_overview_html(document)
    assert "The pack has no quotas that are under way." in page
    assert "No account changed owner" in page
    document["attainment_problem"] = f"no rate of {EVIL}"
    assert "&lt;img" in render_overview_html(document)


def test_every_shape_is_of_a_place_that_there_is() -> None:
    assert not {*world().shapes} - {each.alpha_2 for each in pycountry.countries} - {"XK"}
    assert len(world().shapes) > 170
    states = {each.code for each in pycountry.subdivisions.get(country_code="US")}
    assert len(set(us_states().shapes) & states) == 51
    for atlas in (world(), us_states()):
        assert "public domain" in atlas.source
        assert all(re.fullmatch(r"(M-?\d+ -?\d+l[-\d ]+z)+", path) for path in atlas.shapes.values())


def test_columns_are_as_high_as_their_share_of_the_highest() -> None:
    weeks = [
        {"week": "2026-11-09", "by_syncd": 8, "by_others": 2},
        {"week": "2026-11-16", "by_syncd": 0, "by_others": 5},
    ]
    assert re.findall(r'class="(ours|theirs)" style="height:([\d.]+)%', columns(weeks)) == [
        ("theirs", "20.0"),
        ("ours", "80.0"),
        ("theirs", "50.0"),
        ("ours", "0.0"),
    ]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A report of 400 territories, opened from disk."""
    if CHROMIUM is None:
        pytest.skip(WHY_NOT)
    folder = tmp_path_factory.mktemp("browser")
    (folder / "report.html").write_text(render_overview_html(overview_of(territories=400)), encoding="utf-8")
    with browser(folder / "chromium") as chromium:
        found = chromium.page()
        found.size(1280)
        found.open((folder / "report.html").as_uri())
        yield found


@needs_a_browser
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_it_fits_its_window_and_can_be_read_by_everybody(page: Page, width: int, dark: bool) -> None:
    page.size(width, dark=dark)
    assert page.overflow() == 0
    assert page.poor_contrast() == []
    assert page.nameless() == []
    assert page.problems == []


@needs_a_browser
def test_400_territories_fold_into_their_tree_and_are_found_by_a_word(page: Page) -> None:
    page.size(1280)
    shown = "[...document.querySelectorAll('.tree tbody tr')].filter(row => !row.hidden).length"
    assert page.run(shown) == 40
    page.run("document.querySelector('.tree td button').click()")
    assert page.run(shown) == 49
    page.run("const find = document.querySelector('.tree .find'); find.value = 'district 277'; find.oninput()")
    assert page.run(shown) == 1
    page.run("find.value = ''; find.oninput()")
    assert page.run(shown) == 49


@needs_a_browser
def test_a_table_is_sorted_by_a_click_and_a_third_one_puts_it_back(page: Page) -> None:
    page.size(1280)
    column = "[...document.querySelectorAll('.tree tbody tr')].map(row => Number(row.cells[1].dataset.v))"
    before = page.run(column)
    click = "document.querySelectorAll('.tree thead th button')[1].click()"
    page.run(click)
    assert page.run(column) == sorted(before, reverse=True)
    assert page.run("getComputedStyle(document.querySelector('.tree .full')).display") == "inline"
    page.run(click)
    assert page.run(column) == sorted(before)
    page.run(click)
    assert page.run(column) == before


@needs_a_browser
def test_the_map_is_shaded_by_what_is_chosen(page: Page) -> None:
    shades = "[...document.querySelectorAll('.map path')].map(path => path.getAttribute('class'))"
    before = page.run(shades)
    page.run("document.querySelector('.choice input[value=without_owner]').click()")
    after = page.run(shades)
    assert after != before
    assert page.run("document.querySelectorAll('.map .legend:not([hidden])').length") == 2
    page.run("document.querySelector('.choice input[value=companies]').click()")
    assert page.run(shades) == before


@needs_a_browser
def test_it_prints_with_every_row_and_no_wider_than_the_page(page: Page) -> None:
    page.size(718)  # what A4 leaves between Chromium's margins
    page.on_paper()
    assert page.overflow() == 0
    rows = "[...document.querySelectorAll('.tree tbody tr')].map(row => getComputedStyle(row).display)"
    assert set(page.run(rows)) == {"table-row"}
    assert page.run("getComputedStyle(document.querySelector('.tree .scroll')).maxHeight") == "none"
    assert page.printed().startswith(b"%PDF")
    assert page.problems == []


@needs_a_browser
def test_the_sheet_of_a_planning_aid_fits_a_phone_and_shows_what_to_type_as_code(page: Page, tmp_path: Path) -> None:
    longest = "Acme (salesforce:opportunity:006Sb000000006OIAQ): firstname.lastname-of-the-rep@northwind.example"
    findings = table("Findings", ("Finding", "Count"), [("orphans", "1")], lines=[f"`plan` moves {longest}"])
    sheet = Sheet("Audit", ("What is wrong today.",), (("accounts", "1"),), (findings,))
    (tmp_path / "sheet.html").write_text(render_html(sheet), encoding="utf-8")
    tab = page.browser.page()
    tab.size(390)
    tab.open((tmp_path / "sheet.html").as_uri())
    assert (tab.overflow(), tab.nameless(), tab.poor_contrast(), tab.problems) == (0, [], [], [])
    assert tab.run("document.querySelector('p code').textContent") == "plan"
