// The pages of the server, as its browsers see them: they are served as `sdk-web/pages/README.md` says.
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import { atEnd, check, equal, gatewit, people, profile, provider, providers, script, site, truly, user } from './harness.mjs';

const sources = fileURLToPath(new URL('../../../sdk-web/pages', import.meta.url));
const { texts } = await import(join(sources, 'assets/text.js'));

/** All that a browser downloads for the page, compressed. */
const LIMIT = 120 * 1024;
/** From the start of the navigation to a form that can be used, in milliseconds. */
const USABLE = 300;

const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

await script(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gatewit-pages-'));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  await cp(sources, folder, { recursive: true });
  await cp(join(folder, 'login.html'), join(folder, 'login'));
  await cp(process.env.PACKAGE, join(folder, 'assets/gatewit'), { recursive: true });
  const at = await site({ '/admin/': folder }, { 'content-security-policy': POLICY });
  const idp = await provider(at.url, ['company']);
  const server = await gatewit({ EMAIL_TRANSPORT: 'log', PUBLIC_URL: at.url, ...providers({ company: { ...idp.settings, LABEL: 'Company' } }) });
  at.target = server.url;
  await people(server.url);

  const opened = async (options, query = '') => {
    const context = await profile({ locale: 'en-GB', ...options });
    const page = await context.newPage();
    page.wrong = [];
    page.on('pageerror', (error) => page.wrong.push(error.message));
    page.on('console', (message) => message.type() === 'error' && !/status of 40[01]/.test(message.text()) && page.wrong.push(message.text()));
    await page.goto(`${at.url}/admin/login${query}`);
    return { context, page };
  };

  await check('a person signs in with a password, and out again', async () => {
    const { context, page } = await opened();
    await page.getByLabel('E-mail').fill(user.email);
    await page.getByLabel('Password', { exact: true }).fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('That did not work.').waitFor();
    await page.getByLabel('Password', { exact: true }).fill(user.password);
    await page.keyboard.press('Enter');
    await page.getByText(`You are signed in as ${user.email}.`).waitFor();
    await page.reload();
    await page.getByText(`You are signed in as ${user.email}.`).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('E-mail').waitFor();
    equal(page.wrong, []);
    await context.close();
  });

  await check('a forgotten password has a letter sent, and tells nobody who has an account', async () => {
    const { context, page } = await opened();
    await page.getByRole('button', { name: 'Forgotten' }).click();
    equal([await page.getByRole('alert').textContent(), at.count('POST /auth/password/request')], ['', 0]);
    for (const address of [user.email, 'nobody@example.com']) {
      await page.getByLabel('E-mail').fill(address);
      await page.getByRole('button', { name: 'Forgotten' }).click();
      await page.getByRole('alert').getByText(texts.en.sent).waitFor();
      await page.evaluate(() => (document.getElementById('told').textContent = ''));
    }
    equal(at.count('POST /auth/password/request'), 2);
    await context.close();
  });

  await check('at a provider, and a refusal there', async () => {
    const { context, page } = await opened();
    await page.getByRole('button', { name: 'Continue with Company' }).click();
    await page.waitForURL(`${idp.issuer}/interaction/**`);
    await page.goto(`${page.url()}?deny=1`);
    await page.getByRole('alert').getByText('That did not work.').waitFor();
    await page.getByRole('button', { name: 'Continue with Company' }).click();
    await page.waitForURL(`${idp.issuer}/interaction/**`);
    await page.goto(`${page.url()}?login=alice`);
    await page.getByText('You are signed in as').waitFor();
    equal(page.url(), `${at.url}/admin/login`);
    await context.close();
  });

  await check('whoever came for a page goes on to it, and to no other origin', async () => {
    for (const [wanted, reached] of [['/pages/blank.html', `${at.url}/pages/blank.html`], ['https://evil.example.com/x', undefined], ['//evil.example.com', undefined]]) {
      const { context, page } = await opened({}, `?redirect=${encodeURIComponent(wanted)}`);
      await page.getByLabel('E-mail').fill(user.email);
      await page.getByLabel('Password', { exact: true }).fill(user.password);
      await page.keyboard.press('Enter');
      if (reached) await page.waitForURL(reached);
      else await page.getByText('You are signed in as').waitFor();
      await context.close();
    }
  });

  for (const reason of ['INVALID_CREDENTIALS', 'INVALID_OTP', 'INVALID_PROVIDER', 'INVALID_TOKEN', 'TOKEN_EXPIRED', 'USER_SUSPENDED', 'SERVICE_UNAVAILABLE', 'UNKNOWN_EXCEPTION']) {
    await check(`?reason=${reason} is explained`, async () => {
      const { context, page } = await opened({}, `?reason=${reason}`);
      await page.waitForFunction(() => document.getElementById('told').textContent);
      const told = await page.getByRole('alert').textContent();
      equal(told, texts.en[reason] ?? texts.en.other.replace('{}', reason));
      await context.close();
    });
  }

  await check('in four languages, with the same words', async () => {
    for (const [language, words] of Object.entries(texts)) {
      equal(Object.keys(words), Object.keys(texts.en));
      const { context, page } = await opened({ locale: language });
      await page.getByRole('button', { name: words.signIn }).waitFor();
      equal(await page.evaluate(() => document.documentElement.lang), language);
      await context.close();
    }
  });

  await check('on a narrow screen nothing is cut off', async () => {
    const { context, page } = await opened({ viewport: { width: 320, height: 568 } });
    await page.getByRole('button', { name: 'Continue with Company' }).waitFor();
    equal(await page.evaluate(() => document.documentElement.scrollWidth), 320);
    await context.close();
  });

  const axe = await readFile(createRequire(`${process.env.BUILDERS}/package.json`).resolve('axe-core/axe.min.js'), 'utf8');
  for (const colorScheme of ['light', 'dark']) {
    await check(`${colorScheme}: axe finds nothing`, async () => {
      const { context, page } = await opened({ colorScheme, bypassCSP: true }, '?reason=INVALID_OTP');
      await page.getByRole('button', { name: 'Continue with Company' }).waitFor();
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run());
      equal(violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`), []);
      await context.close();
    });
  }

  await check('small, quick, and nothing moves', async () => {
    // The best of some: other tests want the processor, too.
    let best = Infinity;
    for (let turn = 0; turn < 12 && best >= USABLE; turn += 1) {
      const { bytes, usable, moved } = await measured();
      process.stderr.write(`sign-in page: ${(bytes / 1024).toFixed(1)} KB, usable after ${usable.toFixed(0)} ms, moved ${moved}\n`);
      truly(bytes > 0 && bytes < LIMIT, `${bytes} B`);
      equal(moved, 0);
      best = Math.min(best, usable);
    }
    truly(best < USABLE, `${best} ms`);
  });

  async function measured() {
    const context = await profile({ locale: 'en-GB' });
    const page = await context.newPage();
    let bytes = 0;
    const sizes = [];
    page.on('response', (response) => sizes.push(response.body().then((body) => (bytes += gzipSync(body).length)).catch(() => {})));
    await page.addInitScript(() => {
      window.moved = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) window.moved += entry.value;
      }).observe({ type: 'layout-shift', buffered: true });
    });
    await page.goto(`${at.url}/admin/login`);
    await page.getByRole('button', { name: 'Continue with Company' }).waitFor();
    const { usable, moved } = await page.evaluate(() => ({
      usable: performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd,
      moved: window.moved,
    }));
    await Promise.all(sizes);
    await context.close();
    return { bytes, usable, moved };
  }
});
