// What administrators do on their pages: people, providers, components, and sign-ins that failed.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { admin, check, equal, inside, people, picture, post, provider, ready, script, served, signIn, truly, user, visitor } from './harness.mjs';

/** A component that can be served in place of one that is built in: the same, as a file. */
const component = (name) => readFile(join(process.env.GATEWIT_WASM, `${name}.wasm`));

await script(async () => {
  const mail = await post();
  let issuer;
  const { at: { url }, server, idp } = await served({ ...mail.settings, GATEWIT_REQUIRE_SIGNED: 'false' }, async (address) => {
    const idp = await provider(address, ['company', 'acme']);
    issuer = idp.issuer;
    return { idp, settings: { company: { ...idp.settings, LABEL: 'Company' } } };
  });
  const { send } = await people(server.url);

  const page = await inside(url, admin);
  const open = async (name) => {
    await page.getByRole('link', { name, exact: true }).click();
    await page.getByRole('heading', { level: 1, name }).waitFor();
    await ready(page);
  };
  const dialog = page.getByRole('dialog');

  await check('nobody else gets in, by whatever address', async () => {
    const other = await inside(url, user);
    equal(await other.getByRole('link', { name: 'People' }).count(), 0);
    for (const name of ['users', 'providers', 'components', 'sign-ins']) {
      await other.goto(`${url}/admin/${name}`);
      await other.getByRole('alert').getByText('This page is for administrators.').waitFor();
    }
    await other.context().close();
    const stranger = await visitor();
    await stranger.goto(`${url}/admin/providers`);
    await signIn(stranger, url, admin, new URL(await landed(stranger)).search);
    await stranger.getByRole('heading', { level: 1, name: 'Providers' }).waitFor();
    await stranger.context().close();
  });

  /** Where a stranger is sent to. */
  async function landed(stranger) {
    await stranger.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor();
    return stranger.url();
  }

  await check('people are found, made and invited', async () => {
    await open('People');
    await page.getByText('2 found').waitFor();
    await page.getByRole('button', { name: 'Add somebody' }).click();
    await dialog.getByLabel('E-mail').fill('linus@example.com');
    await dialog.getByLabel('Role').selectOption({ label: 'People' });
    await dialog.getByRole('button', { name: 'Add' }).click();
    await page.getByText('An invitation is on its way to linus@example.com.').waitFor();
    equal((await mail.letter()).to, 'linus@example.com');
    await page.getByRole('button', { name: 'Add somebody' }).click();
    await dialog.getByLabel('E-mail').fill('grace@example.com');
    await dialog.getByLabel('Role').selectOption({ label: 'People' });
    await dialog.getByLabel('How they begin').selectOption('password');
    await dialog.getByLabel('First name').fill('Grace');
    await dialog.locator('input[name=password]').fill('Grace-password-1');
    await picture(page, 'add-person');
    await dialog.getByRole('button', { name: 'Add' }).click();
    await page.getByText('grace@example.com can sign in now.').waitFor();
    await page.getByRole('button', { name: 'Add somebody' }).click();
    await dialog.getByLabel('E-mail').fill('grace@example.com');
    await dialog.getByLabel('Role').selectOption({ label: 'People' });
    await dialog.getByLabel('How they begin').selectOption('password');
    await dialog.locator('input[name=password]').fill('Grace-password-1');
    await dialog.getByRole('button', { name: 'Add' }).click();
    await dialog.getByText('That is taken already.').waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('searchbox', { name: 'Search' }).fill('grace');
    await page.getByText('1 found').waitFor();
    await page.getByRole('searchbox', { name: 'Search' }).fill('nobody at all');
    await page.getByText('Nobody fits that.').waitFor();
    await page.getByRole('searchbox', { name: 'Search' }).fill('');
    await page.getByLabel('Status').selectOption('invited');
    await page.getByText('1 found').waitFor();
    await page.getByRole('link', { name: 'linus@example.com' }).waitFor();
    await picture(page, 'people-invited');
    equal(page.wrong, []);
  });

  await check('a person is changed, signed out, suspended and deleted', async () => {
    const other = await inside(url, { email: 'grace@example.com', password: 'Grace-password-1' });
    await open('People');
    await page.getByRole('link', { name: 'Grace' }).click();
    await page.getByRole('heading', { level: 1, name: 'Grace' }).waitFor();
    await ready(page);
    await page.getByLabel('Last name').fill('Hopper');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { level: 1, name: 'Grace Hopper' }).waitFor();
    await picture(page, 'person');
    await page.getByRole('button', { name: 'End all sessions' }).click();
    await dialog.getByRole('button', { name: 'End all sessions' }).click();
    await page.getByText('Not signed in anywhere.').waitFor();
    await other.reload();
    await other.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor();
    await page.getByLabel('Status').selectOption('suspended');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Suspended', { exact: true }).first().waitFor();
    await signIn(other, url, { email: 'grace@example.com', password: 'Grace-password-1' });
    await other.getByRole('alert').filter({ hasText: /suspended|did not work/ }).waitFor();
    await other.context().close();
    await page.getByRole('button', { name: 'Delete the account' }).click();
    await dialog.getByRole('button', { name: 'Delete the account' }).click();
    await page.getByRole('heading', { level: 1, name: 'People' }).waitFor();
    await ready(page);
    await page.getByText('3 found').waitFor();
    equal(page.wrong, []);
  });

  await check('a provider is made with its driver’s own form, tested, used, changed and removed', async () => {
    await open('Providers');
    await page.getByText('Set in the configuration').waitFor();
    equal(await page.getByRole('button', { name: 'Change: Company' }).count(), 0);
    await page.getByRole('button', { name: 'Add a provider' }).click();
    await dialog.waitFor();
    const kinds = await dialog.getByLabel('Kind').locator('option').allTextContents();
    equal(kinds.sort(), ['Directory (LDAP)', 'OAuth 2.0', 'OpenID Connect', 'SAML 2.0']);
    await dialog.getByLabel('Kind').selectOption('ldap');
    await dialog.getByLabel(/^Client URL/).waitFor();
    await dialog.getByLabel('Kind').selectOption('openid');
    await picture(page, 'provider-form');
    await dialog.getByLabel('Name *', { exact: true }).fill('acme');
    await dialog.getByLabel('Address of the issuer *').fill('http://127.0.0.1:9/');
    await dialog.getByLabel('Client ID *').fill('gatewit');
    await dialog.locator('input[type=password]').fill(idp.settings.CLIENT_SECRET);
    await dialog.getByLabel('Label', { exact: true }).fill('Acme');
    await dialog.getByText('Accounts of people who sign in').click();
    await dialog.getByLabel('People without an account get one').check();
    await dialog.getByLabel('Role of new accounts').selectOption({ label: 'People' });
    await dialog.getByRole('button', { name: 'Add' }).click();
    await page.getByText('acme is saved.').waitFor();
    await page.getByRole('button', { name: 'Test: Acme' }).click();
    await dialog.getByText('It does not work').waitFor();
    await picture(page, 'provider-test-failed');
    await dialog.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('button', { name: 'Change: Acme' }).click();
    equal(await dialog.locator('input[type=password]').inputValue(), '');
    truly(await dialog.getByLabel('People without an account get one').isChecked(), 'what was set is not shown');
    await dialog.getByLabel('Address of the issuer *').fill(issuer);
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByText('acme is saved.').waitFor();
    await page.getByRole('button', { name: 'Test: Acme' }).click();
    await dialog.getByText('It works').waitFor();
    await picture(page, 'provider-test');
    await dialog.getByRole('button', { name: 'Close' }).click();
    const other = await visitor();
    await other.goto(`${url}/admin/login`);
    await other.getByRole('button', { name: 'Continue with Acme' }).click();
    await other.waitForURL(`${issuer}/interaction/**`);
    await other.goto(`${other.url()}?login=bob`);
    await other.getByRole('heading', { level: 1, name: 'Your account' }).waitFor();
    await other.context().close();
    await page.getByRole('button', { name: 'Switch off: Acme' }).click();
    await page.getByText('Off', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Remove: Acme' }).click();
    await dialog.getByRole('button', { name: 'Remove' }).click();
    await page.getByText('acme is gone.').waitFor();
    equal((await send('GET', '/gatewit/providers')).map(({ name }) => name), ['company']);
    equal(page.wrong, []);
  });

  await check('a provider that lacks something is not taken, and the form stays', async () => {
    await page.getByRole('button', { name: 'Add a provider' }).click();
    await dialog.getByLabel('Name *', { exact: true }).fill('company');
    await dialog.getByLabel('Address of the issuer *').fill(issuer);
    await dialog.getByLabel('Client ID *').fill('gatewit');
    await dialog.getByRole('button', { name: 'Add' }).click();
    await dialog.getByRole('alert').getByText(/there is a provider/i).waitFor();
    equal(await dialog.getByLabel('Client ID *').inputValue(), 'gatewit');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  });

  await check('a component is tried out, promoted, rolled back and withdrawn', async () => {
    await open('Components');
    const card = page.getByRole('region', { name: 'openid' });
    const file = { name: 'openid.wasm', mimeType: 'application/wasm', buffer: await component('openid') };
    const swap = async (mode) => {
      await page.getByRole('button', { name: 'Swap: openid' }).click();
      await dialog.getByLabel('Component').setInputFiles(file);
      await dialog.getByLabel('How it begins').selectOption(mode);
    };
    await swap('swap');
    await dialog.getByLabel('Only see whether it would be taken').check();
    await picture(page, 'swap');
    await dialog.getByRole('button', { name: 'Send' }).click();
    await page.getByText('openid would be taken.').waitFor();
    await swap('canary');
    await dialog.getByLabel('Share in percent').fill('20');
    await dialog.getByRole('button', { name: 'Send' }).click();
    await page.getByText('openid is taken.').waitFor();
    await card.getByText('20 % of the calls').waitFor();
    await picture(page, 'canary');
    await card.getByRole('button', { name: 'Serve everybody with it' }).click();
    await page.getByText('the one on trial serves everybody now').waitFor();
    await card.getByText('an operator').first().waitFor();
    await page.getByRole('button', { name: 'Roll back: openid' }).click();
    await dialog.getByRole('button', { name: 'Roll back' }).click();
    await page.getByText('the generation before serves again').waitFor();
    await swap('shadow');
    await dialog.getByRole('button', { name: 'Send' }).click();
    await card.getByText('answers were the same').waitFor();
    await card.getByRole('button', { name: 'End the trial' }).click();
    await page.getByText('the trial has ended').waitFor();
    await swap('swap');
    await dialog.getByRole('button', { name: 'Send' }).click();
    await page.getByText('openid is taken.').waitFor();
    await page.getByRole('button', { name: 'Back to built in: openid' }).click();
    await dialog.getByRole('button', { name: 'Back to built in' }).click();
    await page.getByText('what came with this server serves again').waitFor();
    equal(page.wrong, []);
  });

  await check('what is no component is not taken, and the server says why', async () => {
    await page.getByRole('button', { name: 'Swap: openid' }).click();
    await dialog.getByLabel('Component').setInputFiles({ name: 'x.wasm', mimeType: 'application/wasm', buffer: Buffer.from('nothing of the kind') });
    await dialog.getByRole('button', { name: 'Send' }).click();
    await dialog.getByRole('alert').filter({ hasText: /Check what you entered\. .+/ }).waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
  });

  await check('a sign-in that failed is found, with what happened in it', async () => {
    const other = await visitor();
    await signIn(other, url, { email: user.email, password: 'wrong' });
    await other.getByRole('alert').getByText('That did not work.').waitFor();
    await other.context().close();
    await open('Failed sign-ins');
    await page.getByRole('button', { name: /^What happened/ }).first().click();
    await dialog.getByText('INVALID_CREDENTIALS').waitFor();
    truly(!(await dialog.textContent()).includes('wrong'), 'the password is told');
    await picture(page, 'trace');
    await dialog.getByRole('button', { name: 'Close' }).click();
    equal(page.wrong, []);
  });

  await check('an administrator who is one no more is told so', async () => {
    await send('POST', '/users', { email: 'second@example.com', password: 'Second-password-1', status: 'active', role: (await send('GET', '/roles')).find(({ name }) => name === 'Administrator').id });
    const other = await inside(url, { email: 'second@example.com', password: 'Second-password-1' });
    await other.goto(`${url}/admin/providers`);
    await ready(other);
    const [{ id }] = await send('GET', `/users?filter=${encodeURIComponent(JSON.stringify({ email: { _eq: 'second@example.com' } }))}`);
    await send('PATCH', `/users/${id}`, { role: null });
    await other.getByRole('button', { name: 'Test: Company' }).click();
    await other.getByRole('alert').getByText('You may not do that.').waitFor();
    await other.context().close();
  });
});
