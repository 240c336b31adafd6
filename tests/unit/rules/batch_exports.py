"""Random packs as files and random exports beside them, for whole plans by both engines."""

from __future__ import annotations

import csv
from pathlib import Path
from random import Random  # noqa: TID251 - seeded by the tests, which must repeat

REPS = [f"rep{number}@example.com" for number in range(8)]
COLUMNS = [
    "id", "name", "domain", "country", "state", "postal_code", "industry", "employees", "annual_revenue",
    "locked", "owner", "open_pipeline", "band", "parent", "created_at", "owner_active",
]  # fmt: skip


class Exports:
    """Draws a pack and an export that fits it, odd rows included."""

    def __init__(self, seed: int) -> None:
        self.dice = Random(f"export {seed}")

    def write(self, folder: Path, rows: int) -> None:
        (folder / "pack").mkdir(parents=True)
        (folder / "pack" / "pack.yaml").write_text(self._pack())
        (folder / "pack" / "named.csv").write_text(
            "domain,rep\nacme1.com,rep0@example.com\nacme2.com,rep1@example.com\n"
        )
        with (folder / "accounts.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows(self._row(number) for number in range(rows))
        (folder / "users.csv").write_text("id,email,active\n" + "".join(self._user(each) for each in REPS))
        deals = "".join(self._deal(number, rows) for number in range(rows // 20))
        (folder / "opportunities.csv").write_text("id,account,name,stage,amount,is_closed\n" + deals)

    def _pack(self) -> str:
        dice = self.dice
        lines = ["format: 1", "pack:", "  name: drawn", "  time_zone: Europe/Berlin"]
        if dice.random() < 0.5:
            lines.append("  defaults: {country: US, fill_missing_country: true}")
        lines += ["pools:", "  triage: {members: [rep2@example.com, rep3@example.com], assign: rotate}"]
        lines += ["reps:", "  - {email: rep0@example.com, capacity: 10, max_accounts: 60}"]
        lines += ["  - {seat: west, holder: rep4@example.com, cover: rep5@example.com}"]
        if dice.random() < 0.5:
            lines.append("protect: {big: {when: {employees: '>= 5000', owner_active: true}, reason: too big}}")
        if dice.random() < 0.5:
            lines.append(
                "overrides: [{account: A3, owner: rep6@example.com, by: x@example.com, why: asked},"
                " {account: only9.com, owner: rep6@example.com, by: x@example.com, why: asked}]"
            )
            lines.append("disputes: [{account: A5, opened: 2026-01-01, by: x@example.com, why: two claims}]")
        lines.append("territories:")
        for number in range(dice.randint(2, 6)):
            lines += self._territory(number)
        lines.append("  - {name: rest, when: always, owners: " + dice.choice(["unassigned", "{pool: triage}"]) + "}")
        return "\n".join(lines) + "\n"

    def _territory(self, number: int) -> list[str]:
        dice = self.dice
        whens = (
            "{country: [DE, AT]}",
            "{country: US, postal_code: '94*'}",
            "{industry: Banking, employees: '>= 100'}",
            "{name: '*bank*'}",
            "{any: [{open_opportunities: '>= 1'}, {annual_revenue: '>= 1M'}]}",
            "{opportunities: {any: {stage: Negotiation}}}",
            "{created_at: {last: 90d}}",
            "{not: {domain: missing}, state: missing}",
        )
        owners = (
            "[rep0@example.com, rep1@example.com]",
            "[rep2@example.com, seat:west]",
            "{pool: triage}",
            "{file: named.csv, key: domain, column: rep}",
            "[" + ", ".join(dice.sample(REPS, 3)) + "]",
        )
        options = ("keep: false", "cap: 40", "balance_by: open_pipeline", "cap: {total: 50, band: {A: 10}}")
        found = [f"  - name: t{number}", f"    when: {dice.choice(whens)}", f"    owners: {dice.choice(owners)}"]
        found += [f"    {each}" for each in options if dice.random() < 0.25 and not each.startswith("cap: {")]
        if dice.random() < 0.3:
            found.append("    overflow: [rep7@example.com]")
        return found

    def _row(self, number: int) -> list[str]:
        dice = self.dice
        dirty = dice.random() < 0.2

        def one(*clean: str, odd: tuple[str, ...] = ()) -> str:
            return dice.choice((*clean, *odd) if dirty else clean)

        return [
            f"A{number}",
            one("Big Bank", "Acme GmbH", "Sandbank eG", "Überbank", "") + f" {number % 50}",
            "only9.com" if number == 9 else one(*self._domains(number), "", odd=("no domain",)),
            one("DE", "Germany", "AT", "US", "USA", "CH", "", odd=("Atlantis",)),
            one("", "", odd=("CA", "California", "Bayern")),
            one("94105", "94105-1234", "", odd=("941", "10115", "K1A 0B1")),
            one("Banking", "insurance", " Retail ", "Software", ""),
            one("10", "100", "5000", "1,000", "", odd=("ten",)),
            one("1000000", "USD 2M", "999.99", "", odd=("5 XYZ",)),
            one("", "", "", "true", "false", odd=("maybe",)),
            one(*REPS, *REPS, "Rep0@Example.com", odd=("gone@example.com", "")),
            one("", "", "1000.50", "7", odd=("much",)),
            one("", "A", "B"),
            one("", "", "", f"A{dice.randrange(200)}"),
            one("2026-11-01", "2025-01-01T10:00:00Z", "", odd=("yesterday",)),
            one("", odd=("", "true", "false")),
        ]

    def _domains(self, number: int) -> tuple[str, ...]:
        site = f"acme{number % 40}.com"
        return site, f"https://www.{site}/x", "gmail.com"

    def _user(self, email: str) -> str:
        return f"{email},{email},{'false' if self.dice.random() < 0.2 else 'true'}\n"

    def _deal(self, number: int, rows: int) -> str:
        dice = self.dice
        return (
            f"O{number},A{dice.randrange(rows + 3)},deal,{dice.choice(['Negotiation', 'Won'])},"
            f"{dice.choice(['100', '2.50', 'much'])},{dice.choice(['true', 'false', ''])}\n"
        )
