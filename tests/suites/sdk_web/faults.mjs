// What goes wrong around an app: each ends in a state that the guide names, and none signs anybody out by accident.
import { call, changes, check, equal, gatewit, open, people, profile, script, site, tab, truly, until, user, who } from './harness.mjs';

const HOUR = 3_600_000;

await script(async () => {
  const server = await gatewit();
  const at = await site();
  at.target = server.url;
  await people(server.url);
  const signedIn = async (options, server_url) => {
    const context = await profile();
    const page = await tab(context, at, options, server_url);
    await call(page, 'login', user);
    return { context, page };
  };

  for (const mode of ['json', 'cookie', 'session']) {
    const of = (name) => `${mode}: ${name}`;
    await check(of('the network is cut, and comes back'), async () => {
      const { context, page } = await signedIn({ mode, storage: 'local' });
      await context.setOffline(true);
      equal(await call(page, 'refresh'), 'error NETWORK');
      equal((await changes(page)).at(-1), 'unreachable NETWORK');
      truly((await call(page, 'session'))?.expires, 'the session is gone');
      await context.setOffline(false);
      truly((await call(page, 'refresh'))?.expires, 'not renewed');
      equal(await who(page), user.email);
      await context.close();
    });
    await check(of('the server is started again'), async () => {
      const { context, page } = await signedIn({ mode });
      await server.stop();
      equal(await call(page, 'refresh'), 'error NETWORK');
      await server.start();
      at.target = server.url;
      truly((await call(page, 'refresh'))?.expires, 'not renewed');
      equal(await who(page), user.email);
      await context.close();
    });
    await check(of('the answer to a refresh is lost'), async () => {
      const { context, page } = await signedIn({ mode });
      let lost = 0;
      at.meddle = async (request, response, path) => {
        if (path !== '/auth/refresh' || lost) return false;
        lost += 1;
        const body = await new Promise((resolve) => {
          let text = '';
          request.on('data', (part) => (text += part)).on('end', () => resolve(text));
        });
        // The server has renewed it, and nobody hears.
        await fetch(server.url + path, { method: 'POST', headers: { 'content-type': 'application/json', cookie: request.headers.cookie ?? '' }, body });
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1000 });
        response.write('{"data":', () => response.destroy());
        return true;
      };
      equal(await call(page, 'refresh'), 'error NETWORK');
      at.meddle = undefined;
      truly((await call(page, 'refresh'))?.expires, 'not renewed');
      equal(await who(page), user.email);
      await context.close();
    });
    for (const [name, status, type, body, code] of [
      ['a portal answers in its place', 200, 'text/html', '<h1>Welcome to our wireless network</h1>', 'INVALID_ANSWER'],
      ['a proxy refuses', 403, 'text/html', '<h1>Blocked</h1>', 'INVALID_ANSWER'],
      ['a proxy finds nobody', 502, 'text/html', '<h1>Bad gateway</h1>', 'SERVICE_UNAVAILABLE'],
      ['the server is overloaded', 503, 'application/json', '{"errors":[{"message":"x","extensions":{"code":"SERVICE_UNAVAILABLE"}}]}', 'SERVICE_UNAVAILABLE'],
      ['the provider is away', 503, 'application/json', '{"errors":[{"message":"x","extensions":{"code":"INVALID_PROVIDER_CONFIG"}}]}', 'INVALID_PROVIDER_CONFIG'],
    ]) {
      await check(of(name), async () => {
        const { context, page } = await signedIn({ mode });
        at.meddle = (request, response, path) => {
          if (path !== '/auth/refresh') return false;
          response.writeHead(status, { 'content-type': type }).end(body);
          return true;
        };
        equal(await call(page, 'refresh'), `error ${code}`);
        at.meddle = undefined;
        equal((await changes(page)).at(-1), `unreachable ${code}`);
        equal(await who(page), user.email);
        await context.close();
      });
    }
    await check(of('the session is ended by the server'), async () => {
      const { context, page } = await signedIn({ mode, storage: 'local' });
      at.meddle = (request, response, path) => {
        if (path !== '/auth/refresh') return false;
        response.writeHead(401, { 'content-type': 'application/json' });
        response.end('{"errors":[{"message":"User suspended.","extensions":{"code":"USER_SUSPENDED"}}]}');
        return true;
      };
      equal(await call(page, 'refresh'), 'error USER_SUSPENDED');
      at.meddle = undefined;
      equal((await changes(page)).at(-1), 'signed-out USER_SUSPENDED');
      equal([await call(page, 'session'), await page.evaluate(() => localStorage.length)], [null, 0]);
      await context.close();
    });
  }

  await check('a refresh that hangs is given up, and the session stays', async () => {
    const { context, page } = await signedIn({ mode: 'json', msTimeout: 300 });
    at.meddle = (request, response, path) => path === '/auth/refresh' && new Promise(() => {});
    equal(await call(page, 'refresh'), 'error TIMEOUT');
    at.meddle = undefined;
    equal(await who(page), user.email);
    await context.close();
  });

  await check('too many requests: the server says when to come back', async () => {
    const { context, page } = await signedIn({ mode: 'json' });
    at.meddle = (request, response, path) => {
      if (path !== '/auth/login') return false;
      response.writeHead(429, { 'content-type': 'application/json', 'retry-after': '7' });
      response.end('{"errors":[{"message":"x","extensions":{"code":"REQUESTS_EXCEEDED"}}]}');
      return true;
    };
    const error = await page.evaluate(async (user) => {
      try {
        await client.login(user);
      } catch ({ code, status, retryAfter }) {
        return { code, status, retryAfter };
      }
    }, user);
    at.meddle = undefined;
    equal(error, { code: 'REQUESTS_EXCEEDED', status: 429, retryAfter: 7000 });
    await context.close();
  });

  for (const hours of [1, -1]) {
    await check(`the clock is wrong by ${hours} h from the start`, async () => {
      const context = await profile();
      await context.clock.install({ time: Date.now() + hours * HOUR });
      const page = await tab(context, at, { mode: 'json', storage: 'local' });
      const session = await call(page, 'login', user);
      const now = await page.evaluate(() => Date.now());
      truly(Math.abs(session.expires_at - now - session.expires) < 5000, 'not by this clock');
      equal(await who(page), user.email);
      const before = at.count('POST /auth/refresh');
      await page.clock.runFor(14 * 60_000);
      equal(at.count('POST /auth/refresh') - before, 0);
      await page.clock.runFor(60_000);
      await until('it is renewed', () => at.count('POST /auth/refresh') - before === 1);
      await context.close();
    });
    await check(`the clock is moved by ${hours} h while somebody is signed in`, async () => {
      const context = await profile();
      await context.clock.install();
      const page = await tab(context, at, { mode: 'json', storage: 'local' });
      await call(page, 'login', user);
      await page.clock.setSystemTime(Date.now() + hours * HOUR);
      equal(await who(page), user.email);
      equal((await changes(page)).at(-1), 'renewed');
      await context.close();
    });
  }

  await check('a tab is frozen for a day', async () => {
    const context = await profile();
    await context.clock.install();
    const page = await tab(context, at, { mode: 'json', storage: 'local' });
    await call(page, 'login', user);
    // Not `runFor`: no timer fires meanwhile.
    await page.clock.fastForward(24 * HOUR);
    await until('it is renewed', async () => (await changes(page)).includes('renewed'));
    equal(await who(page), user.email);
    await context.close();
  });

  await check('cookies are blocked', async () => {
    // Another site than the server's: cookies with SameSite=Lax are neither taken nor sent.
    const open_server = await gatewit({ CORS_ENABLED: 'true', CORS_ORIGIN: 'true' });
    await people(open_server.url);
    const context = await profile();
    const elsewhere = { ...at, url: at.url.replace('127.0.0.1', 'localhost') };
    for (const mode of ['cookie', 'session']) {
      const page = await tab(context, elsewhere, { mode }, open_server.url);
      truly((await call(page, 'login', user))?.expires, 'no session');
      // The mode `cookie` has its access token for a while, the mode `session` has nothing.
      equal(await who(page), mode === 'cookie' ? user.email : 'error INVALID_CREDENTIALS');
      const refreshed = await call(page, 'refresh');
      equal(refreshed, mode === 'cookie' ? 'error INVALID_PAYLOAD' : 'error SIGNED_OUT');
      equal(await call(page, 'session'), null);
    }
    const page = await tab(context, elsewhere, { mode: 'json' }, open_server.url);
    await call(page, 'login', user);
    truly((await call(page, 'refresh'))?.expires, 'json needs no cookies');
    equal(await who(page), user.email);
    await context.close();
  });

  await check('the storage is full', async () => {
    const context = await profile();
    const page = await tab(context, at, { mode: 'json', storage: 'local' });
    await page.evaluate(() => {
      for (let size = 1 << 20; size; size >>= 1) {
        try {
          for (let index = 0; ; index += 1) localStorage.setItem(`${size} ${index}`, 'x'.repeat(size));
        } catch {
          // Less, then.
        }
      }
    });
    truly((await call(page, 'login', user))?.expires, 'no session');
    equal((await changes(page)).slice(-2).sort(), ['signed-in', 'unsaved STORAGE_FAILED']);
    equal(await who(page), user.email);
    truly((await call(page, 'refresh'))?.expires, 'not renewed');
    equal(await who(page), user.email);
    // Nothing old is left that would end the session later.
    equal(await page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith('gatewit')).length), 0);
    await open(page, at, { mode: 'json', storage: 'local' });
    equal(await call(page, 'session'), null);
    await context.close();
  });

  await check('the storage is blocked', async () => {
    const context = await profile();
    await context.addInitScript(() => {
      Object.defineProperty(window, 'localStorage', {
        get() {
          throw new DOMException('Access is denied for this document.', 'SecurityError');
        },
      });
    });
    const page = await tab(context, at, { mode: 'json', storage: 'local' });
    truly((await call(page, 'login', user))?.expires, 'no session');
    equal(await who(page), user.email);
    await context.close();
  });

  await check('the storage holds what is no session', async () => {
    const context = await profile();
    await context.addInitScript((url) => localStorage.setItem(`gatewit:${url}`, '{"access_token": 1'), at.url);
    const page = await tab(context, at, { mode: 'json', storage: 'local' });
    equal(await call(page, 'session'), null);
    truly((await call(page, 'login', user))?.expires, 'no session');
    await context.close();
  });

  await check('a listener that throws ends nothing', async () => {
    const context = await profile();
    const page = await tab(context, at, { mode: 'json' });
    page.removeAllListeners('pageerror');
    const thrown = page.waitForEvent('pageerror');
    await page.evaluate(() => client.onChange(() => {
      throw new Error('of the app');
    }));
    truly((await call(page, 'login', user))?.expires, 'no session');
    equal((await thrown).message, 'of the app');
    equal((await changes(page)).at(-1), 'signed-in');
    await context.close();
  });

  await check('the module cannot be loaded: each call says so, and the next client tries again', async () => {
    const context = await profile();
    const page = await context.newPage();
    await page.route('**/gatewit.wasm', (route) => route.abort());
    await open(page, at, { mode: 'json' });
    equal(await call(page, 'login', user), 'error NETWORK');
    await page.unroute('**/gatewit.wasm');
    await page.evaluate(async (url) => {
      window.client = (await sdk).createClient(url, { mode: 'json' });
    }, at.url);
    truly((await call(page, 'login', user))?.expires, 'no session');
    await context.close();
  });
});
