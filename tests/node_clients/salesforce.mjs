// What jsforce makes of the sandbox's Salesforce: node salesforce.mjs '{"url": …, "client_id": …, "client_secret": …}'.
// Prints one JSON document; what it has to say stands in test_node_clients.py.
import jsforce from "jsforce";

const known = JSON.parse(process.argv[2]);
const version = known.version;

async function refusal(work) {
  try {
    await work();
    return null;
  } catch (error) {
    return error.errorCode ?? error.name;
  }
}

const connection = new jsforce.Connection({
  loginUrl: known.url,
  instanceUrl: known.url,
  version,
  oauth2: { loginUrl: known.url, clientId: known.client_id, clientSecret: known.client_secret },
});
const user = await connection.authorize({ grant_type: "client_credentials" });
const identity = await connection.identity();
const versions = await (await fetch(`${known.url}/services/data/`)).json();

const all = await connection.query("SELECT Id, Name, OwnerId FROM Account ORDER BY Id").autoFetch(true).maxFetch(10000);
const paged = await connection.query("SELECT Id, Name FROM Account ORDER BY Id");
const second = await connection.queryMore(paged.nextRecordsUrl);
const chained = await connection
  .sobject("Account")
  .find({ Name: { $like: "Account 1%" } }, { Id: 1, Name: 1 })
  .sort({ Name: 1 })
  .limit(5)
  .execute();
const counted = await connection.query("SELECT COUNT() FROM Account");
const nested = await connection.query("SELECT Id, Owner.Name FROM Account LIMIT 1");

const account = connection.sobject("Account");
const made = await account.create({ Name: "By jsforce é", Website: "jsforce.example" });
await account.update({ Id: made.id, Industry: "Banking" });
const read = await account.retrieve(made.id);
const many = await account.create([{ Name: "One of two" }, { Name: "Two of two" }, { Website: "no.name" }]);
const changed = await account.update([
  { Id: many[0].id, OwnerId: known.other },
  { Id: many[1].id, OwnerId: known.inactive },
]);
const both = await account.retrieve([many[0].id, many[1].id]);
const destroyed = await account.destroy([many[0].id]);
const missing = await refusal(() => account.retrieve("001000000000000AAA"));
const malformed = await refusal(() => connection.query("SELECT Nothing__c FROM Account"));

const described = await account.describe();
const global = await connection.describeGlobal();
const limits = await connection.limits();
const now = new Date(known.now);
const before = new Date(now.getTime() - 3_600_000);
const after = new Date(now.getTime() + 3_600_000);
const updated = await account.updated(before.toISOString(), after.toISOString());
const deleted = await account.deleted(before.toISOString(), after.toISOString());

connection.bulk2.pollInterval = 20;
connection.bulk2.pollTimeout = 30_000;
const stream = await connection.bulk2.query("SELECT Id, Name FROM Account");
const bulk = await stream.toArray();

console.log(
  JSON.stringify({
    user: Boolean(user),
    organization: identity.organization_id,
    latest: versions.at(-1).version,
    all: [all.records.length, new Set(all.records.map((row) => row.Id)).size],
    paged: [paged.totalSize, paged.done, paged.records.length, second.records.length],
    chained: chained.map((row) => row.Name),
    counted: counted.totalSize,
    nested: typeof nested.records[0].Owner.Name,
    made: made.success,
    read: [read.Name, read.Industry],
    many: many.map((row) => [row.success, row.errors[0]?.statusCode ?? null]),
    changed: changed.map((row) => [row.success, row.errors[0]?.statusCode ?? null]),
    owner: both[0].OwnerId === known.other && both[1].OwnerId !== known.inactive,
    destroyed: destroyed[0].success,
    missing,
    malformed,
    fields: described.fields.some((field) => field.name === "OwnerId"),
    objects: global.sobjects.some((object) => object.name === "Opportunity"),
    limits: limits.DailyApiRequests.Max > 0,
    updated: updated.ids.includes(made.id),
    deleted: deleted.deletedRecords.map((row) => row.id),
    destroyed_id: many[0].id,
    bulk: [bulk.length, new Set(bulk.map((row) => row.Id)).size],
  }),
);
