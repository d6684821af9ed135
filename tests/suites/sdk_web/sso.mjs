// Sign-in at a real OpenID provider: by redirect and in a window of its own, in every mode, and what goes wrong.
import { call, changes, check, equal, gatewit, people, profile, provider, providers, script, site, tab, truly, until } from './harness.mjs';

await script(async () => {
  const at = await site();
  const idp = await provider(at.url, ['oid', 'held', 'closed']);
  const server = await gatewit({
    PUBLIC_URL: at.url,
    ...providers({
      oid: idp.settings,
      held: { ...idp.settings, MODE: 'cookie', IDENTIFIER_KEY: 'email' },
      closed: { ...idp.settings, ALLOW_PUBLIC_REGISTRATION: 'false', IDENTIFIER_KEY: 'email' },
    }),
  });
  at.target = server.url;
  await people(server.url);

  /** Waits until a page is at the provider, and says there who it is. */
  const there = async (page, query) => {
    await page.waitForURL(`${idp.issuer}/interaction/**`);
    // A window may be closed before it has come to rest.
    await page.goto(`${page.url()}?${query}`).catch((error) => {
      if (!page.isClosed()) throw error;
    });
  };
  /** Leaves for a provider; resolves when the page is there. */
  const leave = (page, name, options) => page.evaluate(([name, options]) => void client.signInWith(name, options), [name, options]);
  /** What came of coming back. */
  const outcome = async (page) => {
    await page.waitForURL(`${at.url}/pages/back.html**`);
    await page.waitForFunction(() => window.outcome);
    return page.evaluate(() => window.outcome);
  };

  await check('the providers are listed', async () => {
    const context = await profile();
    const page = await tab(context, at);
    const { providers: listed, disableDefault } = await call(page, 'providers');
    equal([listed.map(({ name, driver }) => `${name} ${driver}`), disableDefault], [['oid openid', 'held openid', 'closed openid'], false]);
    await context.close();
  });

  // Which cookie the session comes in is the provider's matter; every mode finds it.
  for (const [mode, name] of [['session', 'oid'], ['session', 'held'], ['cookie', 'held'], ['cookie', 'oid'], ['json', 'oid'], ['json', 'held']]) {
    await check(`mode ${mode}, provider ${name}: there and back again`, async () => {
      const context = await profile();
      const page = await tab(context, at, { mode });
      await leave(page, name, { redirect: `/pages/back.html?mode=${mode}&kept=a%20b#part` });
      // One person for each provider: the same address twice would be refused.
      await there(page, name === 'oid' ? 'login=alice' : 'login=bob');
      const session = await outcome(page);
      truly(session.expires, JSON.stringify(session));
      equal(page.url(), `${at.url}/pages/back.html?mode=${mode}&kept=a+b#part`);
      const me = await page.evaluate(async () => (await client.me()).id);
      truly(me, 'nobody');
      equal(await page.evaluate(async () => Boolean((await client.refresh()).expires)), true);
      equal(await page.evaluate(async () => (await (await client.fetch('/users/me')).json()).data.id), me);
      await page.evaluate(() => client.logout());
      equal(await page.evaluate(() => client.session()), null);
      equal((await context.cookies(at.url)).filter(({ name, value }) => name.startsWith('directus') && value).length, 0);
      await context.close();
    });
  }

  await check('a window of its own', async () => {
    const context = await profile();
    const page = await tab(context, at, { mode: 'session' });
    const opened = page.waitForEvent('popup');
    const signing = page.evaluate(async () => (await client.signInWith('oid', { popup: true, redirect: '/pages/back.html' })).mode);
    const popup = await opened;
    const closed = popup.waitForEvent('close');
    await there(popup, 'login=alice');
    equal(await signing, 'session');
    await closed;
    truly((await call(page, 'me')).id, 'nobody');
    equal((await changes(page)).at(-1), 'signed-in');
    await context.close();
  });

  await check('a window of its own under Cross-Origin-Opener-Policy', async () => {
    const context = await profile();
    at.headers = { 'cross-origin-opener-policy': 'same-origin' };
    const own = await tab(context, at, { mode: 'session' });
    const opened = own.waitForEvent('popup');
    const signing = own.evaluate(async () => {
      const result = await client.signInWith('oid', { popup: true, redirect: '/pages/back.html', msClosed: 30_000 });
      return result.mode;
    });
    const popup = await opened;
    await there(popup, 'login=alice');
    equal(await signing, 'session');
    truly((await call(own, 'me')).id, 'nobody');
    at.headers = {};
    await context.close();
  });

  await check('two windows at once do not mix', async () => {
    const context = await profile();
    const [one, two] = [await tab(context, at, { mode: 'session' }), await tab(context, at, { mode: 'session' })];
    const start = async (page, name) => {
      const opened = page.waitForEvent('popup');
      const signing = page.evaluate(async (name) => {
        try {
          return (await client.signInWith(name, { popup: true, redirect: '/pages/back.html' })).mode;
        } catch (error) {
          return error.code;
        }
      }, name);
      return [await opened, signing];
    };
    const [first, signingFirst] = await start(one, 'oid');
    const [second, signingSecond] = await start(two, 'closed');
    await there(second, 'deny=1');
    equal(await signingSecond, 'INVALID_CREDENTIALS');
    await there(first, 'login=alice');
    equal(await signingFirst, 'session');
    await context.close();
  });

  await check('the window is closed', async () => {
    const context = await profile();
    const page = await tab(context, at, { mode: 'session' });
    const opened = page.waitForEvent('popup');
    const signing = call(page, 'signInWith', 'oid', { popup: true, redirect: '/pages/back.html', msClosed: 300 });
    await (await opened).close();
    equal(await signing, 'error POPUP_CLOSED');
    await context.close();
  });

  await check('the browser lets no window open', async () => {
    const context = await profile();
    const page = await tab(context, at, { mode: 'session' });
    await page.evaluate(() => {
      window.open = () => null;
    });
    equal(await call(page, 'signInWith', 'oid', { popup: true }), 'error POPUP_BLOCKED');
    await context.close();
  });

  await check('what the provider refuses is a typed error', async () => {
    const context = await profile();
    const page = await tab(context, at, { mode: 'session' });
    await leave(page, 'oid', { redirect: '/pages/back.html?kept=1' });
    await there(page, 'deny=1');
    equal(await outcome(page), { code: 'INVALID_CREDENTIALS', reason: 'INVALID_CREDENTIALS', name: await page.evaluate(async () => (await import('/gatewit/index.js')).AuthError.name) });
    equal(page.url(), `${at.url}/pages/back.html?kept=1`);
    equal(await page.evaluate(() => client.session()), null);
    await context.close();
  });

  for (const reason of ['INVALID_CREDENTIALS', 'INVALID_PROVIDER', 'INVALID_OTP', 'INVALID_TOKEN', 'USER_SUSPENDED', 'SERVICE_UNAVAILABLE', 'UNKNOWN_EXCEPTION', 'SOMETHING_NEW']) {
    await check(`?reason=${reason}`, async () => {
      const context = await profile();
      const page = await context.newPage();
      const before = at.asked.length;
      await page.goto(`${at.url}/pages/back.html?reason=${reason}`);
      const { code, reason: given } = await outcome(page);
      equal([code, given], [reason === 'SOMETHING_NEW' ? 'UNKNOWN' : reason, reason]);
      equal([page.url(), at.asked.length - before], [`${at.url}/pages/back.html`, 0]);
      await context.close();
    });
  }

  await check('a parameter of the app that is called reason is left alone', async () => {
    const context = await profile();
    const page = await context.newPage();
    await page.goto(`${at.url}/pages/back.html?reason=late`);
    equal([await outcome(page), page.url()], ['nothing', `${at.url}/pages/back.html?reason=late`]);
    await context.close();
  });

  await check('somebody without an account', async () => {
    const context = await profile();
    const page = await tab(context, at, { mode: 'session' });
    await leave(page, 'closed', { redirect: '/pages/back.html' });
    await there(page, 'login=bob');
    equal((await outcome(page)).code, 'INVALID_CREDENTIALS');
    await context.close();
  });

  await check('a page that was opened otherwise goes on with nothing, and asks nobody', async () => {
    const context = await profile();
    const page = await context.newPage();
    const before = at.asked.length;
    await page.goto(`${at.url}/pages/back.html?mode=session`);
    equal([await outcome(page), at.asked.length - before], ['nothing', 0]);
    await context.close();
  });

  await check('an identity is linked and unlinked', async () => {
    const context = await profile();
    const page = await tab(context, at, { mode: 'session' });
    await call(page, 'login', { email: 'user@example.com', password: 'User-password1' });
    await page.evaluate(() => void client.linkIdentity('held', { redirect: '/pages/back.html' }));
    await there(page, 'login=carol');
    await page.waitForURL(`${at.url}/pages/back.html**`);
    const linked = await page.evaluate(() => client.identities());
    truly(linked.some(({ provider }) => provider === 'held'), JSON.stringify(linked));
    const { id } = linked.find(({ provider }) => provider === 'held');
    await page.evaluate((id) => client.unlinkIdentity(id), id);
    await until('it is gone', async () => !(await page.evaluate(() => client.identities())).some((identity) => identity.id === id));
    await context.close();
  });
});
