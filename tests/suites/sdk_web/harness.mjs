// What the scripts of this folder share: a server, a site in front of it, a browser, and checks that are told one a line.
//
// GATEWIT_BIN is the server, PACKAGE the folder of the npm package, MODULES that of `playwright-core` (and OIDC_MODULES that of
// `oidc-provider`), CHROMIUM the browser with LIBRARIES beside it, CODE_CACHE the compiled components.
import { spawn } from 'node:child_process';
import { readFile, mkdtemp, rm } from 'node:fs/promises';
import { createServer, request as ask } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';

const { GATEWIT_BIN, PACKAGE, MODULES, OIDC_MODULES, CHROMIUM, LIBRARIES, CODE_CACHE } = process.env;
const folder = fileURLToPath(new URL('.', import.meta.url));

export const admin = { email: 'admin@example.com', password: 'Adm1n-password' };
export const user = { email: 'user@example.com', password: 'User-password1' };

/** How long something may take on a busy machine, in milliseconds. */
const PATIENCE = 120_000;

const ending = [];
let failures = 0;

/** What is to be ended with the script. */
export const atEnd = (work) => void ending.unshift(work);

export function equal(found, expected) {
  const [one, two] = [found, expected].map((value) => JSON.stringify(value));
  if (one !== two) throw new Error(`${one} instead of ${two}`);
}

export function truly(value, why) {
  if (!value) throw new Error(why);
}

/** One check. What it throws is told, and the script goes on. */
export async function check(name, work) {
  let failure = null;
  try {
    await Promise.race([work(), patience(name)]);
  } catch (error) {
    failure = String(error?.stack ?? error).split('\n').slice(0, 4).join(' | ');
    failures += 1;
  }
  process.stdout.write(`${JSON.stringify({ name, failure })}\n`);
}

const patience = (what) =>
  new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`${what} takes too long`)), PATIENCE).unref();
  });

/** Runs a script to its end, whatever happens in it. */
export async function script(work) {
  try {
    await work();
  } catch (error) {
    failures += 1;
    process.stdout.write(`${JSON.stringify({ name: 'the script', failure: String(error?.stack ?? error) })}\n`);
  }
  for (const end of ending) await Promise.resolve(end()).catch(() => {});
  process.stdout.write(`${JSON.stringify({ finished: failures })}\n`);
  process.exit(0);
}

/** Waits until something is so. */
export async function until(what, holds, limit = PATIENCE) {
  const deadline = Date.now() + limit;
  for (;;) {
    const value = await holds();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`it never came to be that ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function line(child, of) {
  return new Promise((resolve, reject) => {
    let told = '';
    for (const pipe of [child.stdout, child.stderr]) {
      createInterface({ input: pipe }).on('line', (text) => {
        told += `${text}\n`;
        const found = of(text);
        if (found) resolve(found);
      });
    }
    child.on('exit', () => reject(new Error(`it ended:\n${told}`)));
  });
}

const ended = (child) =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', resolve);
  });

/** A server with these settings. It can be stopped and started again, and keeps its port and its data. */
export async function gatewit(settings = {}) {
  const data = await mkdtemp(join(tmpdir(), 'gatewit-sdk-'));
  let port = 0;
  let child;
  const start = async () => {
    const env = {
      GATEWIT_DATA: data,
      HOST: '127.0.0.1',
      PORT: String(port),
      SECRET: 'a secret of the tests, longer than thirty-two bytes',
      ...(CODE_CACHE && { GATEWIT_CODE_CACHE: CODE_CACHE }),
      ADMIN_EMAIL: admin.email,
      ADMIN_PASSWORD: admin.password,
      LOGIN_STALL_TIME: '0',
      REGISTER_STALL_TIME: '0',
      HASH_MEMORY_COST: '1024',
      HASH_TIME_COST: '1',
      HASH_PARALLELISM: '1',
      RATE_LIMITER_REGISTRATION_ENABLED: 'false',
      ...settings,
    };
    child = spawn(GATEWIT_BIN, { env, cwd: data, stdio: ['ignore', 'pipe', 'pipe'] });
    port = Number(await line(child, (text) => /http:\/\/127\.0\.0\.1:([1-9]\d*)/.exec(text)?.[1]));
  };
  const stop = () => {
    child.kill('SIGTERM');
    return ended(child);
  };
  await start();
  atEnd(async () => {
    await stop();
    await rm(data, { recursive: true, force: true });
  });
  return { get url() { return `http://127.0.0.1:${port}`; }, start, stop };
}

const types = { '': 'text/html', '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.wasm': 'application/wasm', '.svg': 'image/svg+xml' };

/** What pages may do: the strictest policy under which the SDK has to work. */
const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src *; style-src 'self'; base-uri 'none'";

/**
 * A site: pages, the package under /gatewit/, and in front of all other paths the server. A folder that is `null` is the server's, too.
 * `asked` lists the requests that went to the server, and `waiting` is how many of them have no answer yet; `meddle(request, response)` may
 * answer in its place, or wait.
 */
export async function site(folders = {}, headers = {}) {
  const own = { target: undefined, asked: [], waiting: 0, meddle: undefined, url: '', headers };
  const files = { '/gatewit/': PACKAGE, '/pages/': join(folder, 'pages'), ...folders };
  const served = createServer(async (request, response) => {
    const path = new URL(request.url, 'http://x').pathname;
    const place = Object.keys(files).find((prefix) => files[prefix] && path.startsWith(prefix));
    if (place) return file(join(files[place], path.slice(place.length) || 'index.html'), response, own.headers);
    if (!own.target) return response.writeHead(404).end();
    own.asked.push(`${request.method} ${path}`);
    own.waiting += 1;
    response.on('close', () => (own.waiting -= 1));
    if (await own.meddle?.(request, response, path)) return;
    pass(own.target, request, response);
  });
  await new Promise((resolve) => served.listen(0, '127.0.0.1', resolve));
  atEnd(() => served.closeAllConnections());
  own.url = `http://127.0.0.1:${served.address().port}`;
  own.count = (path) => own.asked.filter((asked) => asked === path).length;
  return own;
}

async function file(path, response, headers) {
  try {
    const body = await readFile(path);
    response.writeHead(200, { 'content-type': types[extname(path)] ?? 'text/plain', 'content-security-policy': POLICY, ...headers });
    response.end(body);
  } catch {
    response.writeHead(404).end();
  }
}

function pass(target, request, response) {
  const url = new URL(request.url, target);
  const onward = ask(url, { method: request.method, headers: request.headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.rawHeaders);
    answer.pipe(response);
  });
  // As if nobody were there.
  onward.on('error', () => response.destroy());
  request.pipe(onward);
}

/** A real OpenID provider that knows clients of the servers at these addresses. */
export async function provider(public_url, names) {
  const person = (name) => ({ email: `${name}@idp.example.com`, email_verified: true, given_name: name, family_name: 'Idp', groups: [] });
  const client = {
    client_id: 'gatewit',
    client_secret: 'a secret that both know, long enough for HS256',
    redirect_uris: names.map((name) => `${public_url}/auth/login/${name}/callback`),
    grant_types: ['authorization_code', 'refresh_token'],
  };
  const env = {
    ...process.env,
    MODULES: OIDC_MODULES,
    PORT: '0',
    CLIENTS: JSON.stringify([client]),
    ACCOUNTS: JSON.stringify(Object.fromEntries(['alice', 'bob', 'carol'].map((name) => [name, person(name)]))),
    SETTINGS: '{}',
  };
  const child = spawn(process.execPath, [join(folder, '../../support/oidc.mjs')], { env, stdio: ['pipe', 'pipe', 'ignore'] });
  atEnd(() => child.kill());
  const port = await new Promise((resolve, reject) => {
    child.on('exit', () => reject(new Error('the provider ended')));
    createInterface({ input: child.stdout }).on('line', (text) => {
      const event = JSON.parse(text);
      if (event.kind === 'listening') resolve(event.port);
    });
  });
  const issuer = `http://127.0.0.1:${port}`;
  const settings = {
    DRIVER: 'openid',
    CLIENT_ID: client.client_id,
    CLIENT_SECRET: client.client_secret,
    ISSUER_URL: issuer,
    ALLOW_PUBLIC_REGISTRATION: 'true',
  };
  return { issuer, settings };
}

/** Settings of providers for a server. */
export const providers = (all) =>
  Object.fromEntries([
    ['AUTH_PROVIDERS', Object.keys(all).join(',')],
    ...Object.entries(all).flatMap(([name, settings]) =>
      Object.entries(settings).map(([key, value]) => [`AUTH_${name.toUpperCase()}_${key}`, value])),
  ]);

/** The people of the tests, made by the administrator. */
export async function people(url, { app = true } = {}) {
  const send = async (method, path, body, token) => {
    const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
    const response = await fetch(url + path, { method, headers, body: body && JSON.stringify(body) });
    const text = await response.text();
    truly(response.ok, `${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text).data : undefined;
  };
  const { access_token: token } = await send('POST', '/auth/login', admin);
  const role = await send('POST', '/roles', { name: 'People' }, token);
  const policy = await send('POST', '/policies', { name: 'People', app_access: app }, token);
  await send('POST', '/access', { role: role.id, policy: policy.id }, token);
  const own = { permissions: { id: { _eq: '$CURRENT_USER' } }, fields: ['*'] };
  await send('POST', '/permissions', { policy: policy.id, collection: 'directus_users', action: 'update', ...own }, token);
  await send('POST', '/users', { ...user, role: role.id, status: 'active' }, token);
  return { role: role.id, send: (method, path, body) => send(method, path, body, token) };
}

let browser;

/** The browser, started once. */
export async function chromium() {
  const require = createRequire(`${MODULES}/package.json`);
  const playwright = await import(pathToFileURL(require.resolve('playwright-core')));
  browser ??= await (playwright.chromium ?? playwright.default.chromium).launch({
    executablePath: CHROMIUM,
    chromiumSandbox: false,
    env: { ...process.env, ...(LIBRARIES && { LD_LIBRARY_PATH: LIBRARIES }) },
  });
  atEnd(() => browser.close());
  return browser;
}

/** A browser with an empty profile. */
export async function profile(options) {
  const context = await (await chromium()).newContext(options);
  context.setDefaultTimeout(PATIENCE);
  return context;
}

/** A tab in which `client` is a client of the SDK, and `changes` what it was told. */
export async function tab(context, at, options = {}, server = at.url) {
  const page = await context.newPage();
  page.on('pageerror', (error) => process.stderr.write(`page: ${error.stack}\n`));
  if (process.env.VERBOSE) page.on('console', (message) => process.stderr.write(`console: ${message.text()}\n`));
  await open(page, at, options, server);
  return page;
}

/** Opens the page of the tests (again) and makes a client. */
export async function open(page, at, options = {}, server = at.url, query = '') {
  await page.goto(`${at.url}/pages/blank.html${query}`);
  await client(page, options, server);
}

export async function client(page, options, server) {
  await page.evaluate(async ([url, options]) => {
    const sdk = await window.sdk;
    window.changes = [];
    window.client = sdk.createClient(url, options);
    window.client.onChange(({ type, error, session }) => {
      window.changes.push(error ? `${type} ${error.code}` : type);
      window.held = session;
    });
  }, [server, options]);
}

/** What a call on the client gives: its value, or the code of its error. */
export const call = (page, name, ...given) =>
  page.evaluate(async ([name, given]) => {
    try {
      return (await window.client[name](...given)) ?? null;
    } catch (error) {
      return error.constructor.name === window.AuthErrorName ? `error ${error.code}` : `stray ${error?.stack ?? error}`;
    }
  }, [name, given]);

/** Who the server says that this tab is. */
export const who = async (page) => {
  const me = await call(page, 'me', { fields: 'email' });
  return me?.email ?? me;
};

export const changes = (page) => page.evaluate(() => window.changes);
