"""Both fakes over real HTTP under a client that nobody here wrote: Node's own fetch, from sign-in to the last page."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from syncd.sandbox.hubspot import HubspotPortal
from syncd.sandbox.salesforce import SalesforceOrg
from syncd.sandbox.server import serve

NODE = shutil.which("node")
SCRIPT = """
const known = JSON.parse(process.argv[1]);
const asked = async (url, options = {}) => {
  const answer = await fetch(url, options);
  const text = await answer.text();
  return { status: answer.status, type: answer.headers.get("content-type"), body: text ? JSON.parse(text) : null };
};
const salesforce = async () => {
  const form = new URLSearchParams({ grant_type: "client_credentials", client_id: known.client_id,
    client_secret: known.client_secret });
  const token = (await asked(known.url + "/services/oauth2/token", { method: "POST", body: form })).body;
  const headers = { Authorization: "Bearer " + token.access_token, "Content-Type": "application/json" };
  const api = token.instance_url + "/services/data/v66.0";
  let page = (await asked(api + "/query?q=" + encodeURIComponent("SELECT Id, Name FROM Account ORDER BY Id"),
    { headers })).body;
  const total = page.totalSize, names = page.records.map((row) => row.Name);
  while (!page.done) {
    page = (await asked(token.instance_url + page.nextRecordsUrl, { headers })).body;
    names.push(...page.records.map((row) => row.Name));
  }
  const made = await asked(api + "/sobjects/Account/", { method: "POST", headers, body: '{"Name": "By Node é"}' });
  const changed = await asked(api + "/sobjects/Account/" + made.body.id,
    { method: "PATCH", headers, body: '{"Industry": "Banking"}' });
  const row = await asked(api + "/sobjects/Account/" + made.body.id, { headers });
  const wrong = await asked(api + "/sobjects/Account/001000000000000AAA", { headers });
  return { total, read: names.length, different: new Set(names).size, made: made.status, changed: changed.status,
    name: row.body.Name, industry: row.body.Industry, wrong: [wrong.status, wrong.body[0].errorCode] };
};
const hubspot = async () => {
  const headers = { Authorization: "Bearer " + known.access_token, "Content-Type": "application/json" };
  const names = [];
  let after = "";
  do {
    const page = (await asked(known.url + "/crm/v3/objects/companies?limit=100&properties=name" +
      (after && "&after=" + after), { headers })).body;
    names.push(...page.results.map((row) => row.properties.name));
    after = page.paging ? page.paging.next.after : "";
  } while (after);
  const found = await asked(known.url + "/crm/v3/objects/companies/search", { method: "POST", headers,
    body: JSON.stringify({ filterGroups: [], limit: 10 }) });
  const made = await asked(known.url + "/crm/v3/objects/companies", { method: "POST", headers,
    body: '{"properties": {"name": "By Node é"}}' });
  const changed = await asked(known.url + "/crm/v3/objects/companies/" + made.body.id,
    { method: "PATCH", headers, body: '{"properties": {"city": "Köln"}}' });
  const wrong = await asked(known.url + "/crm/v3/objects/companies/1", { headers });
  const stranger = await asked(known.url + "/crm/v3/owners", { headers: { Authorization: "Bearer nobody" } });
  return { total: found.body.total, read: names.length, different: new Set(names).size, made: made.status,
    changed: changed.status, city: changed.body.properties.city, wrong: wrong.status, stranger: stranger.status };
};
(known.salesforce ? salesforce() : hubspot()).then((found) => console.log(JSON.stringify(found)));
"""


def by_node(known: dict[str, object]) -> dict[str, object]:
    if NODE is None:
        pytest.skip("there is no node on this machine")
    done = subprocess.run(
        [NODE, "-e", SCRIPT, json.dumps(known)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_node_signs_in_pages_writes_and_is_refused_by_salesforce() -> None:
    org = SalesforceOrg()
    org.load("Account", [{"Name": f"Account {number}"} for number in range(2_300)])
    with serve(org) as server:
        org.base_url = server.url
        found = by_node({**org.credentials(), "salesforce": True})
    assert found == {
        "total": 2_300,
        "read": 2_300,
        "different": 2_300,
        "made": 201,
        "changed": 204,
        "name": "By Node é",
        "industry": "Banking",
        "wrong": [404, "NOT_FOUND"],
    }


def test_node_pages_searches_writes_and_is_refused_by_hubspot() -> None:
    portal = HubspotPortal()
    portal.load("companies", [{"name": f"Company {number}"} for number in range(250)])
    with serve(portal) as server:
        portal.base_url = server.url
        found = by_node({**portal.credentials(), "salesforce": False})
    assert found == {
        "total": 250,
        "read": 250,
        "different": 250,
        "made": 201,
        "changed": 200,
        "city": "Köln",
        "wrong": 404,
        "stranger": 401,
    }
