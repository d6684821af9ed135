// How the pages look, and to whom: every page in light and dark, on a telephone, for a screen reader, and in figures. Pictures of all of
// them are kept in a report.
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { admin, check, equal, inside, people, picture, provider, ready, script, served, truly, visitor, violations } from './harness.mjs';

/** All that a browser downloads for the sign-in page, as it comes over the wire. */
const LIMIT = 120 * 1024;
/** From the start of the navigation to a form that can be used, in milliseconds, on a machine that does other things as well. */
const USABLE = 3_000;

const OUTSIDE = [
  ['login', '/admin/login'],
  ['login-told', '/admin/login?reason=INVALID_CREDENTIALS'],
  ['reset', '/admin/reset-password?token=x'],
  ['invite', '/admin/accept-invite?token=x'],
  ['lost-page', '/admin/nothing'],
];
const INSIDE = ['account', 'users', 'providers', 'components', 'sign-ins', 'logout'];

await script(async () => {
  const { at: { url }, server } = await served({}, async (address) => {
    const idp = await provider(address, ['company']);
    return { settings: { company: { ...idp.settings, LABEL: 'Company', ICON: 'building' } } };
  });
  const { send, role } = await people(server.url);
  await send('PATCH', '/settings', { public_registration: true, public_note: 'For people of the company.\nAsk the desk for help.' });
  await send('POST', '/users', { email: 'a.person.with.quite.a.long.address@a-department.example.com', first_name: 'Wolfeschlegelsteinhausenbergerdorff', last_name: 'Featherstonehaugh', role, status: 'suspended' });
  await fetch(`${url}/auth/login`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ email: admin.email, password: 'no' }) });
  const [{ id }] = await send('GET', '/users?filter={"status":{"_eq":"suspended"}}&fields=id');

  /** Everything that a page has to be, whatever it shows. */
  async function judge(page, name) {
    await picture(page, name);
    equal(await violations(page), []);
    const { width, wide } = await page.evaluate(() => ({ width: innerWidth, wide: document.documentElement.scrollWidth }));
    truly(wide <= width, `it is ${wide} pixels wide, on a screen of ${width}`);
    equal(await page.locator('h1:visible').count(), 1);
    truly(await page.title(), 'it has no title');
    equal(page.wrong, []);
  }

  // Without the policy only for the one script that looks for violations; all other scripts run with it.
  const kinds = [['light', { colorScheme: 'light' }], ['dark', { colorScheme: 'dark' }], ['narrow', { viewport: { width: 320, height: 640 }, colorScheme: 'light' }], ['narrow-dark', { viewport: { width: 320, height: 640 }, colorScheme: 'dark', locale: 'de-DE' }]];
  for (const [kind, options] of kinds) {
    await check(`${kind}: the pages outside`, async () => {
      const page = await visitor({ bypassCSP: true, ...options });
      for (const [name, path] of OUTSIDE) {
        await page.goto(url + path, { waitUntil: 'networkidle' });
        await judge(page, `${name}-${kind}`);
      }
      await page.context().close();
    });

    await check(`${kind}: the pages inside`, async () => {
      const page = await inside(url, admin, { bypassCSP: true, ...options, locale: 'en-GB' });
      for (const name of INSIDE) {
        await page.goto(`${url}/admin/${name}`, { waitUntil: 'networkidle' });
        if (name !== 'logout') await ready(page);
        await judge(page, `${name}-${kind}`);
        if (name === 'users') {
          await page.goto(`${url}/admin/users/${id}`, { waitUntil: 'networkidle' });
          await ready(page);
          await judge(page, `user-${kind}`);
        }
        if (name === 'providers') {
          await page.getByRole('button', { name: 'Add a provider' }).click();
          await page.getByRole('dialog').waitFor();
          await judge(page, `provider-form-${kind}`);
          await page.keyboard.press('Escape');
        }
      }
      await page.context().close();
    });
  }

  await check('whatever colour a project has, its pages can be read', async () => {
    for (const [index, colour] of ['#ffff00', '#000000', '#ffffff', '#ff6a00', '#00c2a8', '#777777', '#e91e63'].entries()) {
      await send('PATCH', '/settings', { project_color: colour, project_name: `Colour ${index}`, project_descriptor: colour });
      for (const colorScheme of ['light', 'dark']) {
        const page = await visitor({ bypassCSP: true, colorScheme });
        await page.goto(`${url}/admin/login`, { waitUntil: 'networkidle' });
        await page.getByText(`Colour ${index}`, { exact: true }).waitFor();
        equal(await violations(page), []);
        await picture(page, `colour-${colour.slice(1)}-${colorScheme}`);
        await page.context().close();
      }
    }
    await send('PATCH', '/settings', { project_color: '#6644FF', project_name: 'Acme', project_descriptor: null });
  });

  await check('what is wrong would be found', async () => {
    const page = await visitor({ bypassCSP: true });
    await page.goto(`${url}/admin/login`, { waitUntil: 'networkidle' });
    await page.evaluate(() => document.querySelector('main').append(Object.assign(document.createElement('img'), { src: 'assets/icon.svg' }), document.createElement('input')));
    const found = await violations(page);
    truly(found.some((each) => each.startsWith('image-alt')) && found.some((each) => each.startsWith('label')), JSON.stringify(found));
    await page.context().close();
    const strict = await visitor();
    await strict.goto(`${url}/admin/login`, { waitUntil: 'networkidle' });
    await strict.evaluate(() => document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.smuggled = true' })));
    equal(await strict.evaluate(() => window.smuggled), undefined);
    truly(strict.wrong.some((each) => each.includes('Content Security Policy')), JSON.stringify(strict.wrong));
    await strict.context().close();
  });

  await check('with the keyboard alone', async () => {
    const page = await visitor();
    await page.goto(`${url}/admin/login`, { waitUntil: 'networkidle' });
    const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.textContent.trim());
    equal(await focused(), 'name');
    await page.keyboard.type(admin.email);
    await page.keyboard.press('Tab');
    equal(await focused(), 'forgotten');
    await page.keyboard.press('Tab');
    equal(await focused(), 'password');
    await page.keyboard.type(admin.password);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Your account' }).waitFor();
    await ready(page);
    await page.keyboard.press('Tab');
    equal(await focused(), 'Skip to the content');
    await page.keyboard.press('Enter');
    equal(new URL(page.url()).hash, '#main');
    await page.goto(`${url}/admin/providers`);
    await ready(page);
    const button = page.getByRole('button', { name: 'Add a provider' });
    await button.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    truly(await page.evaluate(() => document.querySelector('dialog').contains(document.activeElement)), 'the dialog has not the keyboard');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    equal(await focused(), 'Add a provider');
    await page.context().close();
  });

  await check('small, and nothing moves', async () => {
    const figures = [];
    for (let turn = 0; turn < 5; turn += 1) figures.push(await measured());
    figures.sort((one, other) => one.usable - other.usable);
    const [best] = figures;
    process.stderr.write(`sign-in page: ${(best.bytes / 1024).toFixed(1)} KB in ${best.files} files, usable after ${best.usable.toFixed(0)} ms at best, ${figures.at(-1).usable.toFixed(0)} ms at worst\n`);
    for (const { bytes, moved } of figures) {
      truly(bytes > 10_000 && bytes < LIMIT, `${bytes} B`);
      equal(moved, 0);
    }
    truly(best.usable < USABLE, `${best.usable} ms`);
    if (process.env.REPORT) await writeFile(join(process.env.REPORT, 'figures.json'), JSON.stringify(best));
  });

  async function measured() {
    const page = await visitor();
    const wire = await page.context().newCDPSession(page);
    await wire.send('Network.enable');
    let [bytes, files] = [0, 0];
    wire.on('Network.loadingFinished', ({ encodedDataLength }) => {
      bytes += encodedDataLength;
      files += 1;
    });
    await page.addInitScript(() => {
      window.moved = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) window.moved += entry.value;
      }).observe({ type: 'layout-shift', buffered: true });
      // Usable is what listens and has the keyboard.
      document.addEventListener('focusin', ({ target }) => {
        if (target.id === 'name') window.usable ??= performance.now();
      });
    });
    await page.goto(`${url}/admin/login`, { waitUntil: 'networkidle' });
    await page.getByRole('button', { name: 'Continue with Company' }).waitFor();
    const { usable, moved } = await page.evaluate(() => ({ usable: window.usable ?? Infinity, moved: window.moved }));
    await page.context().close();
    return { bytes, files, usable, moved };
  }

  await report();

  /** A page with all pictures, for people. */
  async function report() {
    if (!process.env.REPORT) return;
    const names = (await readdir(process.env.REPORT)).filter((name) => name.endsWith('.png')).sort();
    const figure = (name) => `<figure><a href="${name}"><img src="${name}" alt="" loading="lazy"></a><figcaption>${name.slice(0, -4)}</figcaption></figure>`;
    const style = 'body{font:16px system-ui;margin:2rem;background:#eef}main{display:grid;gap:1.5rem;grid-template-columns:repeat(auto-fill,minmax(20rem,1fr))}figure{margin:0}img{max-width:100%;max-height:24rem;border:1px solid #99a;border-radius:8px;object-fit:cover;object-position:top}';
    await writeFile(join(process.env.REPORT, 'index.html'), `<!doctype html><html lang="en"><meta charset="utf-8"><title>Pages</title><style>${style}</style><h1>Pages</h1><main>${names.map(figure).join('')}</main>`);
    process.stderr.write(`pictures of the pages: ${join(process.env.REPORT, 'index.html')}\n`);
  }
});
