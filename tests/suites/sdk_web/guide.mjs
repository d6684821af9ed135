// The code of docs/sdk.md, taken from the page and run in the browser.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { atEnd, check, equal, gatewit, people, profile, provider, providers, script, site, truly, until, user } from './harness.mjs';

const guide = await readFile(new URL('../../../docs/sdk.md', import.meta.url), 'utf8');

await script(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gatewit-guide-'));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  const at = await site({ '/guide/': folder });
  const idp = await provider(at.url, ['company']);
  const server = await gatewit({ PUBLIC_URL: at.url, ...providers({ company: { ...idp.settings, LABEL: 'Company' } }) });
  at.target = server.url;
  await people(server.url);

  const files = [];
  for (const [, code] of guide.matchAll(/^```js\n([^]*?)^```$/gm)) {
    const name = /^\/\/ (\w+\.js)\n/.exec(code)?.[1];
    truly(name, `a piece of code without a name: ${code.slice(0, 60)}`);
    files.push(name);
    const here = code.replaceAll(`'gatewit'`, `'/gatewit/index.js'`).replaceAll('https://auth.example.com', at.url);
    await writeFile(join(folder, name), here);
  }
  const context = await profile();
  const page = await context.newPage();
  await page.goto(`${at.url}/pages/blank.html`);
  const used = new Set(['client.js']);
  const use = (name, work, given) => {
    used.add(name);
    return page.evaluate(
      async ([name, work, given]) => (0, await import(`/guide/${name}`))[work](given),
      [name, work, given],
    );
  };

  await check('who is there is told, and told again', async () => {
    used.add('person.js');
    await page.evaluate(async () => {
      window.shown = [];
      (await import('/guide/person.js')).watch((session) => window.shown.push(Boolean(session)));
    });
    await until('it is known', () => page.evaluate(() => window.shown.length === 1));
    equal(await use('session.js', 'signIn', { ...user, password: 'wrong' }), 'wrong password');
    equal(await use('session.js', 'signIn', user), 'welcome');
    equal(await page.evaluate(() => window.shown), [false, true]);
    equal((await use('person.js', 'person')).email, user.email);
  });
  await check('requests in their name', async () => {
    equal(await use('requests.js', 'rename', 'Ada'), true);
    equal((await use('person.js', 'person')).first_name, 'Ada');
  });
  await check('a second factor begins', async () => {
    const { secret, picture } = await use('factor.js', 'begin', user.password);
    truly(secret.length >= 16 && picture.includes('<svg'), picture);
    equal(await page.evaluate(async () => (await import('/guide/factor.js')).finish('x', '1').catch(({ code }) => code)), 'INVALID_PAYLOAD');
  });
  await check('the network is cut', async () => {
    await use('session.js', 'signOut');
    equal(await page.evaluate(() => window.shown.at(-1)), false);
    await context.setOffline(true);
    equal(await use('session.js', 'signIn', user), 'try again');
    await context.setOffline(false);
  });
  await check('buttons of providers', async () => {
    used.add('providers.js');
    const shown = await page.evaluate(async () => {
      const { entries, passwords } = await (await import('/guide/providers.js')).buttons();
      return [entries.map(({ label }) => label), passwords];
    });
    equal(shown, [['Company'], true]);
    equal(await use('providers.js', 'comeBack'), null);
  });
  await check('in a window of its own, which comes back to this very page', async () => {
    const opened = page.waitForEvent('popup');
    const signing = use('providers.js', 'inWindow', 'company');
    const popup = await opened;
    await popup.waitForURL(`${idp.issuer}/interaction/**`);
    // The page that it comes back to is this one, which goes on as the guide says.
    await popup.goto(`${popup.url()}?login=alice`);
    await popup.evaluate(() => void import('/guide/providers.js').then(({ comeBack }) => comeBack())).catch(() => {});
    truly((await signing).expires, 'no session');
  });
  await check('a storage of one’s own', async () => {
    used.add('storage.js');
    const kept = await page.evaluate(async (user) => {
      const { client } = await import('/guide/storage.js');
      return Boolean((await client.login(user)).refresh_token);
    }, user);
    equal(kept, true);
  });
  await check('every piece of code was run', async () => equal(files.filter((name) => !used.has(name)), []));
});
