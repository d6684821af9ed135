// What the checks are made of: the client with a record of what was called, a jar of cookies, letters, and reports.
// Environment: SERVER (the base address), SDK (the folder it is installed in). Letters come in as lines of JSON.
// Prints `ok <check>` or `not ok <check>: why` for each check.

import { createHmac } from 'node:crypto';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

export const server = process.env.SERVER;
export const admin = { email: 'admin@example.com', password: 'Adm1n-password' };
export const password = 'User-password1';
export const cookieOf = { cookie: 'directus_refresh_token', session: 'directus_session_token' };

const installed = createRequire(pathToFileURL(join(process.env.SDK, 'package.json')))('@directus/sdk');

/** The names of everything the client exports. */
export const exported = Object.keys(installed);
/** The exports that a check has called. */
export const called = new Set();

/** The client. What is called of it is remembered, if the check that did so passed. */
let pending = new Set();
export const sdk = new Proxy(installed, {
  get(target, name) {
    const value = target[name];
    if (value === undefined) throw new Error(`the client has no ${String(name)}`);
    if (typeof value !== 'function') return value;
    return (...given) => {
      pending.add(name);
      return value(...given);
    };
  },
});

let failed = 0;

/** One check. Those that follow are run whatever becomes of it. */
export async function check(name, action) {
  pending = new Set();
  try {
    const result = await action();
    for (const call of pending) called.add(call);
    console.log(`ok ${name}`);
    return result;
  } catch (error) {
    failed += 1;
    const why = error?.errors ? JSON.stringify(error.errors) : (error?.stack ?? JSON.stringify(error));
    console.log(`not ok ${name}: ${String(why).replaceAll('\n', ' ')}`);
    return undefined;
  }
}

/** To be called at the end: without this line the run was cut short. */
export function finish() {
  console.log(`finished ${failed}`);
  process.exit(failed > 0 ? 1 : 0);
}

export function equal(got, expected) {
  const [left, right] = [JSON.stringify(got), JSON.stringify(expected)];
  if (left !== right) throw new Error(`expected ${right}, got ${left}`);
}

export function truly(value, what) {
  if (!value) throw new Error(`${what}: ${JSON.stringify(value)}`);
}

/** The code with which something is refused. */
export async function refused(action, code) {
  const answer = await action().then(
    () => 'accepted',
    (error) => (sdk.isDirectusError(error) ? error.errors[0].extensions.code : String(error?.stack ?? error)),
  );
  equal(answer, code);
}

/** What a browser does with cookies, as far as one server needs it. */
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

/** A client of one mode with a jar of its own. `static` is one that has a token from the start. */
export function connect(mode, token) {
  const jar = new Map();
  const base = sdk.createDirectus(server, { globals: { fetch: fetchWithCookies(jar) } });
  const who =
    mode === 'static' ? sdk.staticToken(token) : sdk.authentication(mode, { credentials: 'include', autoRefresh: false });
  const client = base.with(who).with(sdk.rest({ credentials: 'include' })).with(sdk.graphql({ credentials: 'include' }));
  return Object.assign(client, { jar });
}

/** A client without anybody. */
export function nobody(mode = 'none') {
  const jar = new Map();
  const base = sdk.createDirectus(server, { globals: { fetch: fetchWithCookies(jar) } });
  const client = base.with(sdk.rest({ credentials: 'include' })).with(sdk.graphql({ credentials: 'include' }));
  return Object.assign(client, { jar, mode });
}

/** Somebody who is signed in in a mode; with a static token where that is the mode. */
export async function signedIn(mode, account, token) {
  if (mode === 'static') return connect(mode, token);
  const client = connect(mode);
  await client.login({ ...account }, { mode });
  return client;
}

const letters = [];
const waiting = [];
createInterface({ input: process.stdin }).on('line', (line) => {
  letters.push(JSON.parse(line));
  waiting.splice(0).forEach((look) => look());
});

/** The token in the next letter to somebody. */
export async function tokenFor(recipient) {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const at = letters.findIndex((letter) => letter.recipients.includes(recipient));
    if (at >= 0) {
      const [letter] = letters.splice(at, 1);
      const found = letter.text.match(/token=([\w.-]+)/);
      truly(found, 'no token in the letter');
      return found[1];
    }
    if (Date.now() > deadline) throw new Error(`no letter for ${recipient}`);
    await new Promise((look) => {
      waiting.push(look);
      setTimeout(look, 500);
    });
  }
}

/** The code that an app shows for a secret now, not in the last seconds of its time. */
export async function codeOf(secret) {
  const left = 30_000 - (Date.now() % 30_000);
  if (left < 5_000) await new Promise((later) => setTimeout(later, left));
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...secret].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const digest = createHmac('sha1', key).update(step).digest();
  const word = digest.readUInt32BE(digest[19] & 0xf) & 0x7fffffff;
  return String(word % 1_000_000).padStart(6, '0');
}
