// How the host serves the pages: types, compression, conditions, headers, and all that is not there.
import { readdir } from 'node:fs/promises';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { atEnd, check, equal, gatewit, provider, script, served, truly, visitor } from './harness.mjs';

const sources = fileURLToPath(new URL('../../../sdk-web/pages', import.meta.url));
const PAGES = ['login', 'reset-password', 'accept-invite', 'tfa-setup', 'logout', 'account', 'users', 'users/0f4a9cde-0000-4000-8000-000000000000', 'providers', 'components', 'sign-ins'];

/** What a page may do. It is written out here, so that nobody loosens it by accident. */
const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; img-src 'self' data:";

/** One request, without anything that a browser adds. */
const ask = (url, path, { method = 'GET', ...headers } = {}) =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const sent = request({ hostname, port, path, method, headers }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts) }));
    });
    sent.on('error', reject);
    sent.end();
  });

await script(async () => {
  const own = process.env.GATEWIT_PAGES ? { GATEWIT_PAGES: process.env.GATEWIT_PAGES } : {};
  const { url } = await gatewit(own);

  await check('every page is there, with a strict policy and nothing that tells where one came from', async () => {
    for (const name of PAGES) {
      const { status, headers, body } = await ask(url, `/admin/${name}`);
      equal([name, status, headers['content-type']], [name, 200, 'text/html; charset=utf-8']);
      equal(headers['content-security-policy'], POLICY);
      equal([headers['referrer-policy'], headers['x-content-type-options'], headers['cache-control']], ['no-referrer', 'nosniff', 'no-cache']);
      truly(headers.vary.includes('Accept-Encoding'), headers.vary);
      const html = body.toString();
      // What the policy would not let happen anyway.
      truly(!/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:/i.test(html), `${name} has something inline`);
      for (const [, address] of html.matchAll(/(?:href|src)="([^"]+\.(?:js|css|svg|wasm))"/g)) {
        const found = await ask(url, new URL(address, `http://x/admin/${name}`).pathname);
        equal([name, address, found.status], [name, address, 200]);
      }
    }
  });

  await check('files have their types and are compressed for who wants that', async () => {
    const types = { 'style.css': 'text/css; charset=utf-8', 'login.js': 'text/javascript; charset=utf-8', 'icon.svg': 'image/svg+xml', 'gatewit/gatewit.wasm': 'application/wasm', 'text/de.js': 'text/javascript; charset=utf-8' };
    for (const [name, type] of Object.entries(types)) {
      const path = `/admin/assets/${name}`;
      const plain = await ask(url, path);
      equal([plain.status, plain.headers['content-type'], plain.headers['content-encoding']], [200, type, undefined]);
      const small = await ask(url, path, { 'Accept-Encoding': 'br, gzip' });
      equal([small.status, small.headers['content-type'], small.headers['content-encoding']], [200, type, 'gzip']);
      truly(gunzipSync(small.body).equals(plain.body), `${name} is another file when it is compressed`);
      truly(small.headers.etag !== plain.headers.etag, 'two forms share a tag');
      equal((await ask(url, path, { 'Accept-Encoding': 'gzip;q=0' })).headers['content-encoding'], undefined);
      for (const [form, answer] of [[{}, plain], [{ 'Accept-Encoding': 'gzip' }, small]]) {
        const again = await ask(url, path, { ...form, 'If-None-Match': answer.headers.etag });
        equal([again.status, again.body.length], [304, 0]);
        const head = await ask(url, path, { ...form, method: 'HEAD' });
        equal([head.status, head.body.length, head.headers['content-length'], head.headers.etag], [200, 0, answer.headers['content-length'], answer.headers.etag]);
      }
    }
  });

  await check('every source is served, and nothing else', async () => {
    const names = (await readdir(sources, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(sources.length + 1));
    truly(names.length > 40, `${names.length} files`);
    for (const name of names.filter((name) => name.startsWith('assets/'))) equal([name, (await ask(url, `/admin/${name}`)).status], [name, 200]);
    for (const path of ['assets', 'assets/', 'assets/../login.html', 'assets/%2e%2e/login.html', 'assets//style.css', 'assets/style.css/', 'assets/README.md', 'assets/login.js.gz', 'assets/gatewit/package.json', 'assets/text']) {
      const { status } = await ask(url, `/admin/${path}`);
      truly([404, 302].includes(status) && (status !== 302 || path.endsWith('/')), `${path}: ${status}`);
    }
    for (const path of ['nothing', 'login.html', 'user.html', 'users/a/b', 'README', '%6Cogin', '..%2Fgatewit%2Fstatus']) {
      const { status, headers, body } = await ask(url, `/admin/${path}`);
      equal([path, status, headers['content-type']], [path, 404, 'text/html; charset=utf-8']);
      truly(body.includes('no such page'), path);
    }
  });

  await check('nothing but GET and HEAD leads to them', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'SEARCH']) {
      const { status, body } = await ask(url, '/admin/login', { method });
      equal([method, status, JSON.parse(body).errors[0].extensions.code], [method, 404, 'ROUTE_NOT_FOUND']);
    }
  });

  await check('the first page is the right one, also below a path and with a slash', async () => {
    const to = async (path, headers) => {
      const answer = await ask(url, path, headers);
      equal([answer.status, answer.headers['cache-control'] ?? 'no-store'], [302, 'no-store']);
      return new URL(answer.headers.location, `http://x${path}`).href;
    };
    equal(await to('/'), 'http://x/admin');
    equal(await to('/admin'), 'http://x/admin/login');
    equal(await to('/admin/'), 'http://x/admin/login');
    equal(await to('/admin', { Cookie: 'directus_session_token=anything' }), 'http://x/admin/account');
    equal(await to('/admin/login/?redirect=%2Fx'), 'http://x/admin/login?redirect=%2Fx');
    equal(await to('/admin/users/some-id/'), 'http://x/admin/users/some-id');
    for (const path of ['/admin//evil.example/', '/admin/%5Cevil.example/', '/admin///evil.example/']) {
      const { status, headers } = await ask(url, path);
      truly(status === 404 || new URL(headers.location, `http://x${path}`).host === 'x', `${path}: ${headers.location}`);
    }
  });

  await check('a token that is no good keeps nobody from the pages', async () => {
    for (const headers of [{ Authorization: 'Bearer nonsense' }, { Cookie: 'directus_session_token=nonsense' }]) {
      equal((await ask(url, '/admin/login', headers)).status, 200);
    }
  });

  await check('SERVE_APP=false leaves nothing of them', async () => {
    const { url: off } = await gatewit({ SERVE_APP: 'false' });
    for (const path of ['/admin', '/admin/', '/admin/login', '/admin/assets/style.css', '/admin/users/x', '/admin/nothing']) {
      for (const accept of ['text/html', 'application/json']) {
        const { status, headers, body } = await ask(off, path, { Accept: accept });
        equal([path, status, JSON.parse(body).errors[0].extensions.code], [path, 404, 'ROUTE_NOT_FOUND']);
        equal(headers['content-type'], 'application/json; charset=utf-8');
      }
    }
    // As a Directus does it: where `/` leads is a setting of its own.
    equal([(await ask(off, '/')).status, (await ask(off, '/')).headers.location], [302, './admin']);
    const { url: nowhere } = await gatewit({ SERVE_APP: 'false', ROOT_REDIRECT: 'false' });
    equal((await ask(nowhere, '/')).status, 404);
    const { url: elsewhere } = await gatewit({ SERVE_APP: 'false', ROOT_REDIRECT: 'https://app.example.com/' });
    equal((await ask(elsewhere, '/')).headers.location, 'https://app.example.com/');
    // The API is there, and its answers are for programs.
    equal((await ask(off, '/server/ping')).status, 200);
    const { status, body } = await ask(off, '/users/register/verify-email?token=nonsense', { Accept: 'text/html' });
    equal([status, JSON.parse(body).errors[0].extensions.code], [403, 'INVALID_TOKEN']);
  });

  await check('without pages a provider sends people to where the app wanted them, with what went wrong', async () => {
    const { at, idp } = await served({ SERVE_APP: 'false' }, async (address) => {
      const idp = await provider(address, ['company']);
      return { idp, settings: { company: idp.settings, lost: { ...idp.settings, ISSUER_URL: 'http://127.0.0.1:9/' } } };
    });
    const page = await visitor();
    const begin = (name, query) => page.goto(`${at.url}/auth/login/${name}${query}`);
    const choose = async (what) => {
      await page.waitForURL(`${idp.issuer}/interaction/**`);
      await page.goto(`${page.url()}?${what}`);
      return page.url();
    };
    const signedIn = async () => (await page.request.get(`${at.url}/users/me`)).status() === 200;
    await begin('company', '?redirect=/app/done');
    equal([await choose('deny=1'), await signedIn()], [`${at.url}/app/done?reason=INVALID_CREDENTIALS`, false]);
    await begin('company', '?redirect=/app/done');
    equal([await choose('login=alice'), await signedIn()], [`${at.url}/app/done`, true]);
    await page.context().clearCookies();
    // What fails before anybody left has no way back yet: the address is that of the page that is not there.
    const answer = await begin('lost', '?redirect=/app/done');
    equal([new URL(page.url()).pathname, new URL(page.url()).searchParams.get('reason'), answer.status()], ['/admin/login', 'SERVICE_UNAVAILABLE', 404]);
    equal((await answer.json()).errors[0].extensions.code, 'ROUTE_NOT_FOUND');
    await page.context().close();
  });

  await check('an operator’s files lie over ours, and may have pictures from elsewhere', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gatewit-pages-'));
    atEnd(() => rm(folder, { recursive: true, force: true }));
    await writeFile(join(folder, 'login.html'), '<title>ours</title>');
    await writeFile(join(folder, 'imprint.html'), '<title>imprint</title>');
    const { url: changed } = await gatewit({ GATEWIT_PAGES: folder, CONTENT_SECURITY_POLICY_DIRECTIVES__IMG_SRC: 'https://cdn.example.com' });
    const login = await ask(changed, '/admin/login');
    equal([login.status, login.body.toString()], [200, '<title>ours</title>']);
    equal(login.headers['content-security-policy'], `${POLICY} https://cdn.example.com`);
    equal((await ask(changed, '/admin/imprint')).body.toString(), '<title>imprint</title>');
    if (!process.env.GATEWIT_PAGES) equal((await ask(changed, '/admin/account')).status, 200);
  });

  await check('a letter’s link that is no good is a page for people, and JSON for programs', async () => {
    const path = '/users/register/verify-email?token=nonsense';
    const person = await ask(url, path, { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' });
    equal([person.status, person.headers.location], [302, '/admin/login?reason=INVALID_TOKEN&link=verification']);
    const program = await ask(url, path, { Accept: '*/*' });
    equal([program.status, JSON.parse(program.body).errors[0].extensions.code], [403, 'INVALID_TOKEN']);
  });
});
