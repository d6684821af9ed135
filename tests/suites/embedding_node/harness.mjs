// Checks of the package `gatewit-node`, which is installed where this runs.
// Prints `ok <check>` or `not ok <check>: why`.

import { mkdtempSync } from 'node:fs';
import { createServer, request as ask } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

export const gatewit = createRequire(pathToFileURL(join(process.cwd(), 'package.json')))('gatewit-node');

export const admin = { email: 'admin@example.com', password: 'Adm1n-password' };

/** Settings of a server with one account, whose passwords are quickly hashed. All is below one temporary folder. */
export function settings(more = {}) {
  const secret = more.SECRET ?? 'a secret of the checks, longer than thirty-two bytes';
  return {
    GATEWIT_DATA: mkdtempSync(join(process.env.DATA ?? tmpdir(), 'gatewit-')),
    SECRET: secret,
    ADMIN_EMAIL: admin.email,
    ADMIN_PASSWORD: admin.password,
    // Compiled once for all servers that share a secret.
    GATEWIT_CODE_CACHE: process.env.CODE_CACHE && `${process.env.CODE_CACHE}-${secret.length}`,
    HASH_MEMORY_COST: 1024,
    HASH_TIME_COST: 2,
    HASH_PARALLELISM: 1,
    LOGIN_STALL_TIME: 0,
    LOG_LEVEL: 'silent',
    ...more,
  };
}

let failed = 0;

/** One check. Those that follow are run whatever becomes of it. */
export async function check(name, action) {
  try {
    await action();
    console.log(`ok ${name} (node)`);
  } catch (error) {
    failed += 1;
    console.log(`not ok ${name} (node): ${String(error?.stack ?? error).replaceAll('\n', ' ')}`);
  }
}

/** To be called at the end: without this line the run was cut short. */
export function finish() {
  console.log(`finished ${failed}`);
}

export function equal(got, expected) {
  const [left, right] = [JSON.stringify(got), JSON.stringify(expected)];
  if (left !== right) throw new Error(`expected ${right}, got ${left}`);
}

export function truly(value, what) {
  if (!value) throw new Error(`${what}: ${JSON.stringify(value)}`);
}

/** What is thrown. */
export async function thrown(action) {
  try {
    await action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

/** Listens while `action` runs, which is given a function that asks. */
export async function listening(handler, action) {
  const server = createServer(handler);
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  try {
    await action((path, options) => exchange(server.address().port, path, options), server.address().port);
  } finally {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
}

function exchange(port, path, { method = 'GET', headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    const asked = ask({ port, path, method, headers, agent: false }, async (response) => {
      let text = '';
      for await (const part of response) text += part;
      resolve({ status: response.statusCode, headers: response.headers, text });
    });
    asked.on('error', reject);
    asked.end(body);
  });
}
