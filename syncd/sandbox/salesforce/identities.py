"""Who a token belongs to, as userinfo and the identity URL tell it (salesforce.md 8.3)."""

from __future__ import annotations

from typing import Any

from syncd.sandbox.salesforce.tables import Row


def userinfo(user: Row, organization_id: str, base_url: str) -> dict[str, Any]:
    """The answer to /services/oauth2/userinfo."""
    name = str(user.get("Name"))
    return {
        "sub": f"{base_url}/id/{organization_id}/{user['Id']}",
        "user_id": user["Id"],
        "organization_id": organization_id,
        "preferred_username": user.get("Username"),
        "nickname": str(user.get("Username")).partition("@")[0],
        "name": name,
        "email": user.get("Email"),
        "email_verified": True,
        "given_name": user.get("FirstName"),
        "family_name": user.get("LastName"),
        "zoneinfo": user.get("TimeZoneSidKey"),
        "locale": user.get("LocaleSidKey"),
        "language": user.get("LanguageLocaleKey") or "en_US",
        "active": bool(user.get("IsActive")),
        "user_type": str(user.get("UserType") or "Standard").upper(),
        "utcOffset": 0,
        "updated_at": user.get("LastModifiedDate"),
        "is_salesforce_integration_user": True,
        "is_app_installed": True,
        "urls": _urls(organization_id, user, base_url),
    }


def identity(user: Row, organization_id: str, base_url: str) -> dict[str, Any]:
    """The answer to /id/ORG/USER."""
    return {
        "id": f"{base_url}/id/{organization_id}/{user['Id']}",
        "asserted_user": True,
        "user_id": user["Id"],
        "organization_id": organization_id,
        "username": user.get("Username"),
        "nick_name": str(user.get("Username")).partition("@")[0],
        "display_name": user.get("Name"),
        "email": user.get("Email"),
        "email_verified": True,
        "first_name": user.get("FirstName"),
        "last_name": user.get("LastName"),
        "timezone": user.get("TimeZoneSidKey"),
        "active": bool(user.get("IsActive")),
        "user_type": str(user.get("UserType") or "Standard").upper(),
        "language": user.get("LanguageLocaleKey") or "en_US",
        "locale": user.get("LocaleSidKey"),
        "utcOffset": 0,
        "last_modified_date": user.get("LastModifiedDate"),
        "is_app_installed": True,
        "urls": _urls(organization_id, user, base_url),
    }


def _urls(organization_id: str, user: Row, base_url: str) -> dict[str, str]:
    """The addresses that identity answers name; `{version}` is left for the client to fill in."""
    data = f"{base_url}/services/data/v{{version}}/"
    soap = f"{base_url}/services/Soap"
    short = organization_id[:15]
    return {
        "enterprise": f"{soap}/c/{{version}}/{short}",
        "partner": f"{soap}/u/{{version}}/{short}",
        "rest": data,
        "sobjects": f"{data}sobjects/",
        "query": f"{data}query/",
        "recent": f"{data}recent/",
        "profile": f"{base_url}/{user['Id']}",
        "custom_domain": base_url,
    }
