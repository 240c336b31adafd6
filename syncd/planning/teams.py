"""Account teams read afresh before a write: a change of owner by API drops them (salesforce.md 3.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from syncd.connectors.port import Reader
from syncd.errors import AuthError, SchemaError

HAS_TEAM = "has-team"


def held_by_teams(reader: Reader, account_ids: Sequence[str]) -> Mapping[str, str]:
    """Why each of these accounts must not be written, by id; accounts without a team are left out.

    Teams that exist but cannot be read hold every account: what cannot be seen could be lost. Other remote errors pass.
    """
    try:
        teams = list(reader.teams(account_ids)) if account_ids else []
    except (AuthError, SchemaError) as error:
        text = f"account teams cannot be read ({error.code}), and a change of owner would drop them"
        return dict.fromkeys(account_ids, text)
    return {
        team.account.id: f"the account team has {len(team.members)} members, and a change of owner would drop it"
        for team in teams
        if team.members
    }
