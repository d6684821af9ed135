// Every call of the official client that concerns accounts, in each of its modes and with a static token.
// `sdk/harness.mjs` says what it needs and what it prints.

import { accounts, prepare } from './sdk/accounts.mjs';
import { graphql } from './sdk/graphql.mjs';
import { admin, finish, signedIn } from './sdk/harness.mjs';
import { complete } from './sdk/others.mjs';
import { facts, rights, shares, trail } from './sdk/rights.mjs';
import { helpers, sessions } from './sdk/sessions.mjs';

for (const mode of ['json', 'cookie', 'session', 'static']) {
  const of = (name) => `${name} (${mode})`;
  const people = await prepare(mode);
  if (mode !== 'static') await sessions(mode, people);
  const client = await signedIn(mode, admin, people.token);
  await helpers(mode, client, people, of);
  await accounts(mode, client, people, of);
  await rights(mode, client, people, of);
  await shares(mode, client, people, of);
  await trail(mode, client, of);
  await graphql(mode, client, people, of);
  await facts(mode, client, of);
}
await complete();
finish();
