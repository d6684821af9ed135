// The example apps, built as a reader builds them, and used by a person.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { check, equal, gatewit, people, profile, provider, providers, script, site, truly, user } from './harness.mjs';
import { built, developed } from './builders.mjs';

const root = fileURLToPath(new URL('../../../examples/web', import.meta.url));

await script(async () => {
  const folders = {};
  for (const name of ['react', 'vue']) {
    await check(`${name}: builds`, async () => {
      folders[`/${name}/`] = await built(join(root, name), `/${name}/`);
    });
  }
  folders['/html/gatewit/'] = process.env.PACKAGE;
  folders['/html/'] = join(root, 'html');
  const at = await site(folders);
  const idp = await provider(at.url, ['company']);
  const server = await gatewit({ PUBLIC_URL: at.url, ...providers({ company: { ...idp.settings, LABEL: 'Company' } }) });
  at.target = server.url;
  await people(server.url);

  for (const name of ['html', 'react', 'vue']) {
    await check(`${name}: signs in and out`, async () => {
      const context = await profile();
      const page = await context.newPage();
      const errors = [];
      page.on('pageerror', (error) => errors.push(error.message));
      await page.goto(`${at.url}/${name}/`);
      await page.getByLabel('E-mail').fill(user.email);
      await page.getByLabel('Password').fill('wrong');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByText('INVALID_CREDENTIALS').waitFor();
      await page.getByLabel('Password').fill(user.password);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByText(`Hello, ${user.email}`).waitFor();
      // The session is in a cookie: a page that is opened again finds it.
      await page.reload();
      await page.getByText(`Hello, ${user.email}`).waitFor();
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByLabel('E-mail').waitFor();
      await page.reload();
      await page.getByLabel('E-mail').waitFor();
      equal(errors, []);
      await context.close();
    });
    await check(`${name}: signs in at a provider`, async () => {
      const context = await profile();
      const page = await context.newPage();
      await page.goto(`${at.url}/${name}/`);
      await page.getByRole('button', { name: 'Company' }).click();
      await page.waitForURL(`${idp.issuer}/interaction/**`);
      await page.goto(`${page.url()}?deny=1`);
      await page.getByText('INVALID_CREDENTIALS').waitFor();
      await page.getByRole('button', { name: 'Company' }).click();
      await page.waitForURL(`${idp.issuer}/interaction/**`);
      await page.goto(`${page.url()}?login=alice`);
      await page.getByText('Hello, ').waitFor();
      equal(page.url(), `${at.url}/${name}/`);
      await context.close();
    });
  }

  for (const name of ['react', 'vue']) {
    await check(`${name}: runs while it is developed`, async () => {
      const address = await developed(join(root, name), { GATEWIT: server.url });
      const context = await profile();
      const page = await context.newPage();
      await page.goto(address);
      await page.getByLabel('E-mail').fill(user.email);
      await page.getByLabel('Password').fill(user.password);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByText(`Hello, ${user.email}`).waitFor();
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByLabel('E-mail').waitFor();
      await context.close();
    });
  }

  await check('the apps bring the module in its own file, and load it once', async () => {
    const context = await profile();
    const page = await context.newPage();
    const loaded = [];
    page.on('response', (response) => response.url().includes('.wasm') && loaded.push(response));
    await page.goto(`${at.url}/react/`);
    await page.getByLabel('E-mail').waitFor();
    equal(loaded.length, 1);
    truly(/\/react\/assets\/gatewit-.*\.wasm$/.test(loaded[0].url()), loaded[0].url());
    await context.close();
  });
});
