// Signs in, reads, refreshes, reads again and signs out with the official client, in each of its modes.
// Environment: SERVER (the base address), SDK (the folder it is installed in). Prints `ok <check>` or `not ok <check>: why`.

import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';

const installed = createRequire(pathToFileURL(join(process.env.SDK, 'package.json')));
const { createDirectus, authentication, rest, readMe } = installed('@directus/sdk');

let failed = false;

async function check(name, action) {
  try {
    await action();
    console.log(`ok ${name}`);
  } catch (error) {
    failed = true;
    const why = error?.message ?? JSON.stringify(error?.errors ?? error);
    console.log(`not ok ${name}: ${String(why).replaceAll('\n', ' ')}`);
  }
}

function equal(got, expected) {
  if (got !== expected) throw new Error(`expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`);
}

async function refused(action, code) {
  const answer = await action().then(() => 'accepted', (error) => error?.errors?.[0]?.extensions?.code ?? String(error));
  equal(answer, code);
}

// What a browser does with cookies, as far as one server needs it.
function fetchWithCookies(jar) {
  return async (input, init = {}) => {
    const headers = new Headers(init.headers);
    const cookies = [...jar].filter(([, value]) => value).map(([name, value]) => `${name}=${value}`);
    if (cookies.length > 0 && init.credentials === 'include') headers.set('Cookie', cookies.join('; '));
    const answer = await fetch(input, { ...init, headers });
    for (const cookie of answer.headers.getSetCookie()) {
      const [pair] = cookie.split(';');
      jar.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
    }
    return answer;
  };
}

const email = 'editor@example.com';
const cookieOf = { cookie: 'directus_refresh_token', session: 'directus_session_token' };

for (const mode of ['json', 'cookie', 'session']) {
  const jar = new Map();
  const client = createDirectus(process.env.SERVER, { globals: { fetch: fetchWithCookies(jar) } })
    .with(authentication(mode, { credentials: 'include', autoRefresh: false }))
    .with(rest({ credentials: 'include' }));
  const me = async () => equal((await client.request(readMe({ fields: ['email'] }))).email, email);
  const token = async () => (mode === 'session' ? jar.get(cookieOf.session) : await client.getToken());

  await check(`${mode}: a wrong password is refused`, () =>
    refused(() => client.login({ email, password: 'wrong' }, { mode }), 'INVALID_CREDENTIALS'));
  await check(`${mode}: signs in`, async () => {
    const answer = await client.login({ email, password: 'User-password1' }, { mode });
    equal(typeof answer.expires, 'number');
    equal(Boolean(answer.refresh_token), mode === 'json');
    if (cookieOf[mode]) equal(jar.has(cookieOf[mode]), true);
  });
  await check(`${mode}: reads me`, me);
  await check(`${mode}: refreshes`, async () => {
    const before = cookieOf[mode] ? jar.get(cookieOf[mode]) : (await client.refresh()).refresh_token;
    await client.refresh();
    const after = cookieOf[mode] ? jar.get(cookieOf[mode]) : (await client.refresh()).refresh_token;
    equal(before !== after && Boolean(after), true);
    equal(Boolean(await token()), true);
  });
  await check(`${mode}: reads me after the refresh`, me);
  await check(`${mode}: signs out`, async () => {
    await client.logout();
    if (cookieOf[mode]) equal(jar.get(cookieOf[mode]), '');
  });
  await check(`${mode}: is nobody afterwards`, () =>
    refused(() => client.request(readMe({ fields: ['email'] })), 'INVALID_CREDENTIALS'));
}

process.exitCode = failed ? 1 : 0;
