// Many tabs with one session: one refresh for all, one sign-out for all, and nobody signed out by accident.
import { call, changes, check, equal, gatewit, people, profile, script, site, tab, truly, until, user, who } from './harness.mjs';

/** As many as the promise is about. */
const TABS = 8;
/** How far the clocks of all tabs are moved at a time, in seconds: within as much, tabs would not hear of each other in time. */
const STEP = 1;
/** The same while all tabs have nothing to do. */
const STRIDE = 30;

await script(async () => {
  const server = await gatewit({ REFRESH_TOKEN_TTL: '7d' });
  await people(server.url);
  const shorter = await gatewit({ SESSION_COOKIE_TTL: '30m' });
  await people(shorter.url);

  // An hour of virtual time: the clocks of all pages are ours; the server's is not, so its tokens stay good. A token lives fifteen minutes
  // and is renewed when it has 45 to 30 seconds left, the cookie of the mode `session` when a quarter to a half of its half hour has passed:
  // each tab has a moment of its own, and the first one spares all others theirs.
  for (const [mode, storage, soonest, latest] of [['json', 'local', 855, 870], ['cookie', 'memory', 855, 870], ['session', 'local', 450, 900]]) {
    await check(`${mode}: eight tabs in an hour refresh once for a token, and nobody is signed out`, async () => {
      const at = await site();
      at.target = mode === 'session' ? shorter.url : server.url;
      const context = await profile();
      await context.clock.install();
      const tabs = [await tab(context, at, { mode, storage })];
      await call(tabs[0], 'login', user);
      const began = await tabs[0].evaluate(() => Date.now() / 1000);
      while (tabs.length < TABS) tabs.push(await tab(context, at, { mode, storage }));
      for (const page of tabs) equal(await who(page), user.email);
      const before = at.count('POST /auth/refresh');
      let count = before;
      const renewals = [];
      for (let [second, last, step] = [0, 0, STEP]; second < 3600; second += step) {
        // In greater steps while nothing is due.
        step = second - last < soonest - 2 * STRIDE ? STRIDE : STEP;
        await context.clock.runFor(step * 1000);
        const asked = at.count('POST /auth/refresh') - count;
        if (asked) {
          count += asked;
          last = second;
          // By the clock of the pages, which goes on by itself, too, while a machine is busy.
          const moment = await tabs[0].evaluate(() => Date.now() / 1000);
          if (moment - (renewals.at(-1) ?? began) > 2 * STRIDE) renewals.push(moment);
        } else if (!at.waiting) continue;
        // The network takes real time: virtual time waits for it, and for what tabs tell each other.
        await until('all is answered', () => !at.waiting);
        await until('all have heard', async () => {
          const told = await Promise.all(tabs.map((page) => page.evaluate(async () => (await client.session())?.expires_at)));
          return told.every((at) => at === told[0]);
        });
      }
      const gaps = renewals.map((moment, index) => moment - (renewals[index - 1] ?? began));
      truly(gaps.length >= Math.floor(3600 / (latest + STRIDE)) && gaps.every((gap) => gap >= soonest - STRIDE && gap <= latest + STRIDE), `renewed after ${gaps} seconds`);
      // Two tabs whose moments are less than a step apart may both ask before either has heard; the server gives them the same token.
      const asked = count - before;
      truly(asked <= 2 * renewals.length, `${asked} requests for ${renewals.length} renewals`);
      for (const page of tabs) {
        equal(await who(page), user.email);
        truly(!(await changes(page)).slice(1).includes('signed-out'), 'somebody was signed out');
      }
      await context.close();
    });
  }

  for (const [mode, storage] of [['json', 'local'], ['cookie', 'memory']]) {
    await check(`${mode}: a tab that is closed while the server answers it takes nobody along`, async () => {
      const at = await site();
      at.target = server.url;
      const context = await profile();
      const [leaving, staying] = [await tab(context, at, { mode, storage }), await tab(context, at, { mode, storage })];
      await call(leaving, 'login', user);
      await until('it has heard', async () => (await who(staying)) === user.email);
      let spent;
      const heard = new Promise((resolve) => {
        spent = resolve;
      });
      at.meddle = async (request, response, path) => {
        if (path !== '/auth/refresh') return false;
        at.meddle = undefined;
        let body = '';
        for await (const part of request) body += part;
        // The server has spent the token, and its answer reaches nobody.
        await fetch(server.url + path, { method: 'POST', headers: { 'content-type': 'application/json', cookie: request.headers.cookie ?? '' }, body });
        spent();
        return true;
      };
      void leaving.evaluate(() => void client.refresh()).catch(() => {});
      await heard;
      await leaving.close();
      // Whoever comes with that token after ten seconds is taken for a thief. With cookies this tab does not know of it until it asks.
      if (mode === 'json') await until('the other asks as well', async () => (await changes(staying)).at(-1) === 'renewed', 9_000);
      truly((await call(staying, 'refresh'))?.expires, 'not renewed');
      equal(await who(staying), user.email);
      await context.close();
    });
  }

  for (const [mode, storage] of [['json', 'local'], ['cookie', 'memory'], ['session', 'local']]) {
    const of = (name) => `${mode}: ${name}`;
    const at = await site();
    at.target = server.url;
    const context = await profile();
    const tabs = await Promise.all(Array.from({ length: TABS }, () => tab(context, at, { mode, storage })));
    await check(of('a sign-in in one tab is one in all'), async () => {
      // All have loaded the module and know that there is nobody; before that a tab hears nothing of others.
      for (const page of tabs) equal(await call(page, 'session'), null);
      await call(tabs[0], 'login', user);
      for (const page of tabs) {
        await until('it has heard', async () => (await changes(page)).includes('signed-in'));
        equal(await who(page), user.email);
      }
    });
    await check(of('eight refreshes at the same moment'), async () => {
      const before = at.count('POST /auth/refresh');
      const renewed = await Promise.all(tabs.map((page) => call(page, 'refresh')));
      truly(renewed.every((session) => session?.expires), JSON.stringify(renewed));
      for (const page of tabs) equal(await who(page), user.email);
      truly(at.count('POST /auth/refresh') - before <= TABS, 'more than one each');
    });
    await check(of('a tab whose token is old goes on with the new one of another'), async () => {
      // Not heard: the tab was frozen. In the storage, or in the cookie, it finds what the others have.
      const frozen = await context.newCDPSession(tabs[1]);
      await frozen.send('Page.setWebLifecycleState', { state: 'frozen' }).catch(() => {});
      await call(tabs[0], 'refresh');
      await call(tabs[0], 'refresh');
      await frozen.send('Page.setWebLifecycleState', { state: 'active' }).catch(() => {});
      truly((await call(tabs[1], 'refresh'))?.expires, 'it was signed out');
      for (const page of tabs) equal(await who(page), user.email);
    });
    await check(of('a sign-out is one in all tabs, and wins over a refresh in flight'), async () => {
      let go;
      const held = new Promise((resolve) => {
        go = resolve;
      });
      at.meddle = async (request, response, path) => {
        if (path === '/auth/refresh') await held;
        return false;
      };
      const refreshing = call(tabs[2], 'refresh');
      const asked = at.count('POST /auth/refresh');
      await until('it is asked', () => at.count('POST /auth/refresh') >= asked && at.asked.at(-1) === 'POST /auth/refresh');
      const leaving = call(tabs[0], 'logout');
      await until('the others have heard', async () => (await changes(tabs[2])).at(-1) === 'signed-out');
      go();
      equal([await leaving, await refreshing], [null, 'error SIGNED_OUT']);
      at.meddle = undefined;
      for (const page of tabs) {
        await until('it has heard', async () => (await changes(page)).at(-1) === 'signed-out');
        equal(await call(page, 'session'), null);
      }
      await until('nobody is signed in', async () => (await who(tabs[3])) === 'error INVALID_CREDENTIALS');
      const kept = await tabs[0].evaluate(() => Object.keys(localStorage).length);
      equal(kept, 0);
    });
    await check(of('a sign-out in the tab whose refresh is in flight'), async () => {
      await call(tabs[0], 'login', user);
      let go;
      const held = new Promise((resolve) => {
        go = resolve;
      });
      at.meddle = async (request, response, path) => {
        if (path === '/auth/refresh') await held;
        return false;
      };
      const before = at.count('POST /auth/refresh');
      const refreshing = call(tabs[0], 'refresh');
      await until('it is asked', () => at.count('POST /auth/refresh') > before);
      const leaving = call(tabs[0], 'logout');
      equal(await refreshing, 'error SIGNED_OUT');
      go();
      equal(await leaving, null);
      at.meddle = undefined;
      const later = await tab(context, at, { mode, storage });
      equal(await who(later), 'error INVALID_CREDENTIALS');
      await later.close();
    });
    await check(of('somebody else signs in in another tab'), async () => {
      await call(tabs[0], 'login', user);
      await until('it has heard', async () => (await who(tabs[5])) === user.email);
      await call(tabs[4], 'login', { email: 'admin@example.com', password: 'Adm1n-password' });
      await until('it has heard', async () => (await who(tabs[5])) === 'admin@example.com');
    });
    await context.close();
  }
});
