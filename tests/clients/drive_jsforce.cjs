// jsforce as its users call it: standard input has how to log in and what to ask, standard output the answers as JSON.
const { readFileSync } = require("node:fs");
const { Connection } = require("jsforce");

const asked = JSON.parse(readFileSync(0, "utf8"));
const version = "62.0";
const application = { clientId: asked.client_id, clientSecret: asked.client_secret };

async function logins() {
  const soap = new Connection({ version });
  const user = await soap.login(asked.username, asked.password + asked.security_token);
  const oauth = new Connection({ version, oauth2: { ...application, loginUrl: asked.my_domain } });
  await oauth.authorize({ grant_type: "client_credentials" });
  const identity = await oauth.identity();
  const direct = new Connection({ version, instanceUrl: asked.url, accessToken: oauth.accessToken });
  const itself = await direct.identity();
  const wrong = await new Connection({ version }).login(asked.username, "wrong").catch((error) => error.message);
  return { soap: user, oauth: identity.organization_id, direct: itself.username, wrong };
}

async function refreshed() {
  const tokens = { accessToken: "expired", instanceUrl: asked.my_domain, refreshToken: asked.refresh_token };
  const connection = new Connection({ version, ...tokens, oauth2: { ...application, loginUrl: asked.my_domain } });
  let refreshes = 0;
  connection.on("refresh", () => (refreshes += 1));
  const found = await connection.query("SELECT COUNT() FROM Contact");
  return [connection, { refreshes, count: found.totalSize }];
}

async function queries(connection) {
  const every = { autoFetch: true, maxFetch: 1e6 };
  const live = await connection.query(asked.soql, every);
  const all = await connection.query(asked.soql, { ...every, scanAll: true });
  connection.bulk2.pollInterval = 100;
  const stream = await connection.bulk2.query(asked.soql);
  const older = connection.bulk.query(asked.soql);
  return {
    live: live.records,
    all: all.records,
    bulk: await stream.toArray(),
    bulk1: await (await older).toArray(),
    parent: (await connection.query("SELECT Id, Account.Name FROM Contact WHERE AccountId != null LIMIT 1")).records[0],
  };
}

async function rest(connection) {
  const contact = connection.sobject("Contact");
  const described = await contact.describe();
  const parts = asked.objects.map((name) => ({ method: "GET", url: `v${version}/sobjects/${name}/describe` }));
  const batch = await connection.requestPost("/composite/batch", { batchRequests: parts });
  return {
    fields: described.fields.map((field) => [field.name, field.type]),
    global: (await connection.describeGlobal()).sobjects.map((one) => one.name),
    limits: await connection.limits(),
    one: await contact.retrieve(asked.one),
    deleted: await contact.deleted(asked.since, asked.until),
    updated: await contact.updated(asked.since, asked.until),
    batch: batch.results.map((part) => [part.statusCode, part.result.name]),
    invalid: await connection.query("SELECT Nope FROM Contact").catch((error) => [error.errorCode, error.message]),
    unknown: await connection.describe("Nope__c").catch((error) => error.errorCode),
  };
}

async function main() {
  const login = await logins();
  const [connection, refresh] = await refreshed();
  const answers = { login, refresh, ...(await queries(connection)), ...(await rest(connection)) };
  process.stdout.write(JSON.stringify(answers));
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
