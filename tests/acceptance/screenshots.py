"""`make screenshots`: the pictures of docs/pictures, taken of a sandbox company's report and console by chromium.

The company, its clock and its plan are made from a seed, so that a picture changes only where a page does.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from syncd.clock import ManualClock
from syncd.jobs.aids.overview import overview_document
from syncd.jobs.leadership import leadership
from syncd.jobs.plans.apply import apply
from syncd.jobs.plans.plan import make_plan
from syncd.jobs.watching.watch import watch
from syncd.report.overview.html import render_overview_html
from syncd.sandbox.dataset import generate
from syncd.store.engine import Store
from syncd.telemetry import configure
from tests.browser import CHROMIUM, WHY_NOT, Page, browser
from tests.unit.console.console_site import APPROVER, Console, served
from tests.unit.jobs.jobs_world import NOW, World

WIDTH = 1000
PACK = """
format: 1
pack: {{name: acme}}
guard:
  changes: {{max: {most}}}
territories:
  - name: americas
    when: {{country: [US, CA, MX, BR]}}
    territories:
      - name: us-west
        when: {{state: [US-CA, US-WA, US-OR, US-NV, US-AZ, US-CO]}}
        owners: [{west}]
        quota: 450k USD per quarter
      - name: us-east
        when: {{state: [US-NY, US-MA, US-NJ, US-PA, US-FL, US-GA, US-NC]}}
        owners: [{east}]
        quota: 300k USD per quarter
      - name: others
        when: always
        owners: [{others}]
        quota: 700k USD
  - name: emea
    when: {{country: [DE, FR, GB, AT, CH, ES, IT, NL, SE]}}
    owners: [{emea}]
    quota: 900k USD
    territories:
      - name: dach
        when: {{country: [DE, AT, CH]}}
        owners: [{dach}]
        quota: 350k USD
  - name: rest-of-world
    when: always
    owners: [{rest}]
"""


def company(folder: Path) -> World:
    """A company of 700 with two weeks of life: a plan applied, changes by others, and a plan that waits."""
    url = f"sqlite:///{folder}/syncd.db"
    Store.open(url, clock=ManualClock(NOW), create=True).close()
    world = World.make(folder, url, generate(700, 5, as_of=NOW - timedelta(hours=1)))
    world.pulled()
    world.adopt()
    _rules(world, 10_000, shift=0)
    plan_id = world.approve(make_plan(world.context))
    with leadership(world.context) as leader:
        apply(world.context, leader, plan_id)
    people = [row["Id"] for row in world.dataset.salesforce["User"] if row["IsActive"]]
    for turn in range(4):
        world.clock.advance(timedelta(days=3 + turn))
        for number, account in enumerate(_some(world, turn)):
            world.edit_salesforce(account, OwnerId=people[(number + turn) % len(people)])
        world.wait()
        world.pulled()
        watch(world.context)
    _rules(world, 20, shift=1)
    make_plan(world.context)
    watch(world.context)
    return world


def _some(world: World, turn: int) -> list[str]:
    """Some accounts, others at each turn."""
    rows = world.salesforce.records("Account")
    return sorted(str(row["Id"]) for row in rows if not row["IsDeleted"])[turn :: 25 + 9 * turn]


def _rules(world: World, most: int, *, shift: int) -> None:
    """The pack, its owners moved on by `shift`."""
    names = ("west", "east", "others", "emea", "dach", "rest")
    reps = {name: world.reps[(place + shift) % len(world.reps)] for place, name in enumerate(names)}
    (world.folder / "pack" / "pack.yaml").write_text(PACK.format(most=most, **reps))


def take_of_report(page: Page, world: World, pictures: Path) -> None:
    """The first screen of the report, its map, and the report on a phone in the dark."""
    path = world.folder / "report.html"
    path.write_text(render_overview_html(overview_document(world.context, "weekly")), encoding="utf-8")
    page.size(WIDTH, 1150)
    page.open(path.as_uri())
    page.picture(pictures / "report.png")
    page.size(WIDTH, 560)
    page.run("document.getElementById('places').scrollIntoView()")
    page.picture(pictures / "report-map.png")
    page.size(390, 800, dark=True)
    page.run("window.scrollTo(0, 0)")
    page.picture(pictures / "report-phone.png")


def take_of_console(page: Page, console: Console, pictures: Path) -> None:
    """A plan that waits for an approval, as the console shows it."""
    page.size(WIDTH, 900)
    page.open(f"{console.base}/plans")
    page.run(f"document.getElementById('token').value = '{console.tokens[APPROVER]}'")
    page.submit("document.querySelector('form.stack').submit()")
    page.submit("document.querySelector('tbody a').click()")
    page.picture(pictures / "console-plan.png")


def main(pictures: Path) -> None:
    """Take all of them."""
    if CHROMIUM is None:
        sys.exit(WHY_NOT)
    configure(level="off", journal=False)
    pictures.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="syncd-pictures-"))
    world = company(folder)
    try:
        with served(world, folder) as console, browser(folder / "chromium") as chromium:
            page = chromium.page()
            take_of_report(page, world, pictures)
            take_of_console(page, console, pictures)
    finally:
        world.context.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
