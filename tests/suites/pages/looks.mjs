// How the pages look, and to whom: every page in light and dark, on a telephone, for a screen reader, and in figures. Pictures of all of
// them are kept in a report.
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { admin, atEnd, check, equal, inside, people, picture, provider, ready, script, served, truly, until, violations, visitor } from './harness.mjs';

/** All that a browser downloads for the sign-in page, as it comes over the wire. */
const LIMIT = 120 * 1024;
/** From the start of the navigation to a form that can be used, in milliseconds. */
const USABLE = 300;
/** How often the page is opened at least, and at most: other tests want the processor, too, and one quiet moment is enough. */
const TURNS = [5, 25];

const OUTSIDE = [
  ['login', '/admin/login'],
  ['login-told', '/admin/login?reason=INVALID_CREDENTIALS'],
  ['reset', '/admin/reset-password?token=x'],
  ['invite', '/admin/accept-invite?token=x'],
  ['lost-page', '/admin/nothing'],
];
const INSIDE = ['account', 'users', 'providers', 'components', 'sign-ins', 'logout'];

await script(async () => {
  const { at: front, server } = await served({}, async (address) => {
    const idp = await provider(address, ['company']);
    return { settings: { company: { ...idp.settings, LABEL: 'Company', ICON: 'building' } } };
  });
  const { url } = front;
  const { send, role } = await people(server.url);
  await send('PATCH', '/settings', { public_registration: true, public_note: 'For people of the company.\nAsk the desk for help.' });
  await send('POST', '/users', { email: 'a.person.with.quite.a.long.address@a-department.example.com', first_name: 'Wolfeschlegelsteinhausenbergerdorff', last_name: 'Featherstonehaugh', role, status: 'suspended' });
  await fetch(`${url}/auth/login`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ email: admin.email, password: 'no' }) });
  const [{ id }] = await send('GET', '/users?filter={"status":{"_eq":"suspended"}}&fields=id');

  /** Everything that a page has to be, whatever it shows. */
  async function judge(page, name) {
    await picture(page, name);
    const { width, wide } = await page.evaluate(() => ({ width: innerWidth, wide: document.documentElement.scrollWidth }));
    truly(wide <= width, `it is ${wide} pixels wide, on a screen of ${width}`);
    equal(await page.locator('h1:visible').count(), 1);
    truly(await page.title(), 'it has no title');
    equal(page.wrong, []);
  }

  const kinds = [['light', { colorScheme: 'light' }], ['dark', { colorScheme: 'dark' }], ['narrow', { viewport: { width: 320, height: 640 }, colorScheme: 'light' }], ['narrow-dark', { viewport: { width: 320, height: 640 }, colorScheme: 'dark', locale: 'de-DE' }]];
  for (const [kind, options] of kinds) {
    await check(`${kind}: the pages outside`, async () => {
      const page = await visitor(options);
      for (const [name, path] of OUTSIDE) {
        await page.goto(url + path, { waitUntil: 'networkidle' });
        await judge(page, `${name}-${kind}`);
      }
      await page.context().close();
    });

    await check(`${kind}: the pages inside`, async () => {
      const page = await inside(url, admin, { ...options, locale: 'en-GB' });
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
        const page = await visitor({ colorScheme });
        await page.goto(`${url}/admin/login`, { waitUntil: 'networkidle' });
        await page.getByText(`Colour ${index}`, { exact: true }).waitFor();
        await picture(page, `colour-${colour.slice(1)}-${colorScheme}`);
        await page.context().close();
      }
    }
    await send('PATCH', '/settings', { project_color: '#6644FF', project_name: 'Acme', project_descriptor: null });
  });

  const LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8" width="8" height="8"><circle cx="4" cy="4" r="4" fill="#e91e63"/></svg>';
  const [PICTURE, MISSING] = ['5b2a1d9e-1f1c-4f5e-9d63-2f4f8f5b5a10', '5b2a1d9e-1f1c-4f5e-9d63-2f4f8f5b5a11'];

  /** What a page shows of a project whose pictures are all this one. */
  async function pictured(url, address) {
    const page = await visitor();
    await page.goto(`${url}/admin/login`);
    const logo = page.locator('#mark.pictured img');
    await logo.waitFor();
    truly(await logo.evaluate((image) => image.complete && image.naturalWidth > 0), 'the logo is no picture');
    equal(await logo.getAttribute('src'), address);
    await until('it is everywhere', async () => (await page.locator('link[rel=icon]').getAttribute('href')) === address && (await page.evaluate(() => getComputedStyle(document.body).backgroundImage)).includes(address));
    equal([await page.title(), await page.locator('#descriptor').textContent()], ['Sign in · Pictured', 'with pictures']);
    return page;
  }
  const branding = { project_logo: PICTURE, public_favicon: PICTURE, public_background: PICTURE, project_name: 'Pictured', project_descriptor: 'with pictures' };

  await check('logo, favicon and background are files of the Directus at this origin', async () => {
    front.meddle = (request, response, path) => {
      if (path !== `/assets/${PICTURE}`) return false;
      response.writeHead(200, { 'content-type': 'image/svg+xml' }).end(LOGO);
      return true;
    };
    await send('PATCH', '/settings', branding);
    const page = await pictured(url, `${url}/assets/${PICTURE}`);
    await judge(page, 'pictured-light');
    // One that is nowhere leaves the first letter.
    await send('PATCH', '/settings', { ...branding, project_logo: MISSING });
    await page.reload({ waitUntil: 'networkidle' });
    equal([await page.locator('#mark').textContent(), await page.locator('#mark img').count()], ['P', 0]);
    await page.context().close();
    front.meddle = undefined;
    await send('PATCH', '/settings', { project_logo: null, public_favicon: null, public_background: null, project_name: 'Acme', project_descriptor: null });
  });

  await check('logo, favicon and background are files of the operator’s pages', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gatewit-brand-'));
    atEnd(() => rm(folder, { recursive: true, force: true }));
    if (process.env.GATEWIT_PAGES) await cp(process.env.GATEWIT_PAGES, folder, { recursive: true });
    await mkdir(join(folder, 'assets'), { recursive: true });
    await writeFile(join(folder, 'assets', `${PICTURE}.svg`), LOGO);
    const own = await served({ GATEWIT_PAGES: folder });
    await (await people(own.server.url)).send('PATCH', '/settings', branding);
    const page = await pictured(own.at.url, `${own.at.url}/admin/assets/${PICTURE}.svg`);
    await page.context().close();
  });

  await check('what is wrong would be found', async () => {
    const page = await visitor();
    await page.goto(`${url}/admin/login`, { waitUntil: 'networkidle' });
    await page.evaluate(() => document.querySelector('main').append(Object.assign(document.createElement('img'), { src: 'assets/icon.svg' }), document.createElement('input')));
    const found = await violations(page);
    truly(found.some((each) => each.startsWith('image-alt')) && found.some((each) => each.startsWith('label')), JSON.stringify(found));
    await page.evaluate(() => document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.smuggled = true' })));
    equal(await page.evaluate(() => window.smuggled), undefined);
    truly(page.wrong.some((each) => each.includes('Content Security Policy')), JSON.stringify(page.wrong));
    await page.context().close();
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

  await check('small, soon usable, and nothing moves', async () => {
    const figures = [];
    while (figures.length < TURNS[0] || (Math.min(...figures.map(({ usable }) => usable)) >= USABLE && figures.length < TURNS[1])) figures.push(await measured());
    figures.sort((one, other) => one.usable - other.usable);
    const [best, middle] = [figures[0], figures[figures.length >> 1]];
    process.stderr.write(`sign-in page: ${(best.bytes / 1024).toFixed(1)} KB in ${best.files} files, usable after ${best.usable.toFixed(0)} ms at best and ${middle.usable.toFixed(0)} ms in the middle of ${figures.length} loads, ${best.busy.toFixed(0)} ms of processor time in its thread\n`);
    for (const { bytes, moved } of figures) {
      truly(bytes > 10_000 && bytes < LIMIT, `${bytes} B`);
      equal(moved, 0);
    }
    truly(best.usable < USABLE, `${best.usable} ms`);
    if (process.env.REPORT) await writeFile(join(process.env.REPORT, 'figures.json'), JSON.stringify(figures));
  });

  /**
   * Opens the page in a new profile: nothing is cached, and the browser starts a process for it. `usable` is when its script has run
   * and put the keyboard into the first field, by the page's own clock since the navigation began; `busy` is what the thread of the page has
   * computed until everything is there, which does not grow when others want the processor.
   */
  async function measured() {
    const page = await visitor();
    const wire = await page.context().newCDPSession(page);
    await wire.send('Network.enable');
    await wire.send('Performance.enable', { timeDomain: 'threadTicks' });
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
    const { metrics } = await wire.send('Performance.getMetrics');
    const busy = metrics.find(({ name }) => name === 'TaskDuration').value * 1000;
    await page.context().close();
    return { bytes, files, usable, moved, busy };
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
