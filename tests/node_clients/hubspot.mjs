// What HubSpot's own client for Node makes of the sandbox: node hubspot.mjs '{"url": …, "access_token": …}'.
// Prints one JSON document; what it has to say stands in test_node_clients.py.
import { Client } from "@hubspot/api-client";

const known = JSON.parse(process.argv[2]);
const client = new Client({ accessToken: known.access_token, basePath: known.url, numberOfApiCallRetries: 0 });
const stranger = new Client({ accessToken: "nobody", basePath: known.url });

async function refusal(work) {
  try {
    await work();
    return null;
  } catch (error) {
    return error.code;
  }
}

const { companies, deals } = client.crm;
const all = await companies.getAll(100, undefined, ["name", "hubspot_owner_id"]);
const found = await companies.searchApi.doSearch({
  filterGroups: [{ filters: [{ propertyName: "hs_object_id", operator: "GT", value: "1100" }] }],
  sorts: ["hs_object_id"],
  properties: ["name"],
  limit: 10,
  after: "0",
});
const made = await companies.basicApi.create({ properties: { name: "By Node é" }, associations: [] });
const changed = await companies.basicApi.update(made.id, { properties: { city: "Köln" } });
const read = await companies.basicApi.getById(made.id, ["name", "city"]);
const written = await companies.batchApi.update({
  inputs: [
    { id: "1001", properties: { hubspot_owner_id: known.other }, objectWriteTraceId: "a" },
    { id: "1002", properties: { hubspot_owner_id: known.inactive }, objectWriteTraceId: "b" },
  ],
});
const history = await companies.batchApi.read({
  inputs: [{ id: "1001" }],
  properties: ["hubspot_owner_id"],
  propertiesWithHistory: ["hubspot_owner_id"],
});
const owners = await client.crm.owners.ownersApi.getPage();
const pipelines = await client.crm.pipelines.pipelinesApi.getAll("deals");
const properties = await client.crm.properties.coreApi.getAll("companies");
const linked = await client.crm.associations.v4.batchApi.getPage("deals", "companies", { inputs: [{ id: "5001" }] });
const listed = await deals.basicApi.getPage(10, undefined, ["dealname"], undefined, ["companies"]);
const merged = await companies.basicApi.merge({ primaryObjectId: "1003", objectIdToMerge: "1004" });
await companies.basicApi.archive("1005");
const archived = await companies.basicApi.getPage(10, undefined, ["name"], undefined, undefined, true);

console.log(
  JSON.stringify({
    all: [all.length, new Set(all.map((row) => row.id)).size],
    found: [found.total, found.results[0].id, found.results.length],
    read: [read.properties.name, read.properties.city, changed.id === made.id],
    written: [written.results.map((row) => row.id), written.numErrors],
    history: history.results[0].propertiesWithHistory.hubspot_owner_id.map((row) => row.value),
    owners: owners.results.length,
    pipelines: pipelines.results.map((row) => row.id),
    properties: properties.results.some((row) => row.name === "hubspot_owner_id"),
    linked: linked.results.map((row) => row.to.map((to) => String(to.toObjectId))),
    listed: listed.results.map((row) => row.associations?.companies?.results.length ?? 0),
    merged: !["1003", "1004"].includes(merged.id),
    archived: archived.results.map((row) => row.id),
    missing: await refusal(() => companies.basicApi.getById("1")),
    stranger: await refusal(() => stranger.crm.owners.ownersApi.getPage()),
  }),
);
