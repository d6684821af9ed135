// Sign-in on the page with the password of a real directory (`slapd`). DIRECTORY has the settings of a provider for it.
import { check, equal, people, picture, ready, script, served, signIn, truly, user, visitor } from './harness.mjs';

const { default: texts } = await import('../../../sdk-web/pages/assets/text/en.js');
const at = (page, name) => page.getByRole('heading', { level: 1, name });

await script(async () => {
  const corp = { ...JSON.parse(process.env.DIRECTORY), LABEL: 'Directory', ICON: 'account_circle' };
  // Nobody listens on the port of `discard`.
  const gone = { ...corp, LABEL: 'Branch', CLIENT_URL: 'ldap://127.0.0.1:9' };
  const { at: { url }, server } = await served({}, () => ({ settings: { corp, gone } }));
  const { send } = await people(server.url);

  /** Asks for a directory's password and enters these. */
  async function enter(page, button, name, password, query = '') {
    await page.goto(`${url}/admin/login${query}`);
    await page.getByRole('button', { name: button }).click();
    await page.getByRole('textbox', { name: 'User name' }).fill(name);
    await page.locator('#password').fill(password);
    await page.keyboard.press('Enter');
  }

  await check('a person of the directory signs in and gets to where they wanted to go', async () => {
    const page = await visitor();
    await page.goto(`${url}/admin/login`);
    await page.getByRole('button', { name: 'Continue with Directory' }).click();
    await at(page, 'Sign in with Directory').waitFor();
    await picture(page, 'sign-in-directory');
    await enter(page, 'Continue with Directory', 'alice', 'alice-pw', `?redirect=${encodeURIComponent('/admin/account?from=there')}`);
    await at(page, 'Your account').waitFor();
    await ready(page);
    equal(new URL(page.url()).search, '?from=there');
    // Their password is the directory's: there is none to change here.
    equal(await page.getByLabel('New password').count(), 0);
    await page.getByText(texts.through.replace('{}', 'corp')).waitFor();
    const found = await send('GET', '/users?filter={"provider":{"_eq":"corp"}}&fields=email,external_identifier,first_name');
    equal(found, [{ email: 'alice@ldap.example.com', external_identifier: 'cn=alice,ou=people,dc=ldap,dc=example,dc=com', first_name: 'Alice' }]);
    equal(page.wrong, []);
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.getByText('You have signed out.').waitFor();
    await page.context().close();
  });

  await check('a wrong password, somebody unknown and a disabled account are refused alike, and the name stays', async () => {
    const page = await visitor();
    for (const [name, password] of [['alice', 'not hers'], ['nobody', 'alice-pw'], ['disabled', 'disabled-pw'], ['*', 'alice-pw']]) {
      await enter(page, 'Continue with Directory', name, password);
      await page.getByRole('alert').getByText(texts.INVALID_CREDENTIALS).waitFor();
      equal(await page.getByRole('textbox', { name: 'User name' }).inputValue(), name);
    }
    equal((await page.context().cookies()).filter(({ name, value }) => name.startsWith('directus_') && value), []);
    await page.locator('#password').fill('bob-pw');
    await page.getByRole('textbox', { name: 'User name' }).fill('bob');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await at(page, 'Your account').waitFor();
    equal(page.wrong, []);
    await page.context().close();
  });

  await check('a directory that is away is told apart from a wrong password, and another way is open', async () => {
    const page = await visitor();
    await enter(page, 'Continue with Branch', 'alice', 'alice-pw');
    await page.getByRole('alert').getByText(texts.SERVICE_UNAVAILABLE).waitFor();
    await page.getByRole('button', { name: 'Sign in another way' }).click();
    truly(await page.getByRole('button', { name: 'Continue with Directory' }).isVisible(), 'no other way');
    await signIn(page, url, user);
    await at(page, 'Your account').waitFor();
    equal(page.wrong, []);
    await page.context().close();
  });

  await check('where only the directory has passwords, the page asks for no others', async () => {
    const { at: only } = await served({ AUTH_DISABLE_DEFAULT: 'true' }, () => ({ settings: { corp } }));
    const page = await visitor();
    await page.goto(`${only.url}/admin/login`);
    await page.getByRole('button', { name: 'Continue with Directory' }).waitFor();
    equal(await page.locator('#password').isVisible(), false);
    await page.getByRole('button', { name: 'Continue with Directory' }).click();
    await page.getByRole('textbox', { name: 'User name' }).fill('alice');
    await page.locator('#password').fill('alice-pw');
    await page.keyboard.press('Enter');
    await at(page, 'Your account').waitFor();
    equal(page.wrong, []);
    await page.context().close();
  });
});
