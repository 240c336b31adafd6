"""Where HubSpot's endpoints are in each version of its API: one table, so that a version's end is one line here.

Source: hubspot.md 2 and 2.10. v3 (with v4 associations) works until September 2027; `2026-03` is the dated family
that does not yet enforce the account's validation rules on an owner write, `2026-09` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from syncd.errors import ConfigError

TOKEN_INFORMATION: Final = "/oauth/v2/private-apps/get/access-token-info"  # noqa: S105 - a path
"""POST: what a private app's token may do. It has no dated twin, and answers only to such tokens."""


@dataclass(frozen=True, slots=True)
class Paths:
    """The endpoints of one version; `{object}`, `{source}` and `{target}` are filled in."""

    objects: str
    owners: str
    pipelines: str
    properties: str
    associations: str
    account: str

    def list(self, object_: str) -> str:
        """GET: a page of the store's records."""
        return self.objects.format(object=object_)

    def search(self, object_: str) -> str:
        """POST: a page of the index."""
        return f"{self.objects.format(object=object_)}/search"

    def batch_read(self, object_: str) -> str:
        """POST: records by id, from the store."""
        return f"{self.objects.format(object=object_)}/batch/read"

    def batch_update(self, object_: str) -> str:
        """POST: write properties by id."""
        return f"{self.objects.format(object=object_)}/batch/update"

    def pipelines_of(self, object_: str) -> str:
        """GET: pipelines and their stages."""
        return self.pipelines.format(object=object_)

    def properties_of(self, object_: str) -> str:
        """GET: the properties that we may see."""
        return self.properties.format(object=object_)

    def associated(self, source: str, target: str) -> str:
        """POST: which `target` records each `source` record is associated with."""
        return self.associations.format(source=source, target=target)


def _dated(version: str) -> Paths:
    return Paths(
        objects=f"/crm/objects/{version}/{{object}}",
        owners=f"/crm/owners/{version}",
        pipelines=f"/crm/pipelines/{version}/{{object}}",
        properties=f"/crm/properties/{version}/{{object}}",
        associations=f"/crm/associations/{version}/{{source}}/{{target}}/batch/read",
        account=f"/account-info/{version}/details",
    )


VERSIONS: Final[Mapping[str, Paths]] = MappingProxyType(
    {
        "v3": Paths(
            objects="/crm/v3/objects/{object}",
            owners="/crm/v3/owners",
            pipelines="/crm/v3/pipelines/{object}",
            properties="/crm/v3/properties/{object}",
            associations="/crm/v4/associations/{source}/{target}/batch/read",
            account="/account-info/v3/details",
        ),
        "2026-03": _dated("2026-03"),
        "2026-09": _dated("2026-09"),
    }
)


def paths_of(version: str) -> Paths:
    """The endpoints of a version; ConfigError for one that syncd does not know."""
    if version not in VERSIONS:
        known = ", ".join(VERSIONS)
        raise ConfigError("SYN406", f"HubSpot API version {version!r} is not one of {known}", where="hubspot")
    return VERSIONS[version]
