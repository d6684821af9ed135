// What people do on the pages, from the first letter to the last sign-out, with real mails.
import { admin, check, code, equal, inside, people, picture, post, ready, script, served, signIn, truly, until, user, visitor } from './harness.mjs';

const ada = { email: 'ada@example.com', password: 'Ada-password-1' };
const at = (page, name) => page.getByRole('heading', { level: 1, name });

await script(async () => {
  const mail = await post();
  const { at: { url }, server } = await served(mail.settings);
  const { send, role } = await people(server.url);
  await send('PATCH', '/settings', { public_registration: true, public_registration_role: role });

  const page = await visitor();
  let secret;
  let recovery;

  await check('a stranger registers, proves the address and signs in', async () => {
    await page.goto(`${url}/`);
    await at(page, 'Sign in').waitFor();
    equal(new URL(page.url()).pathname, '/admin/login');
    await page.getByRole('button', { name: 'Create an account' }).click();
    await page.getByLabel('First name').fill('Ada');
    await page.getByLabel('Last name').fill('Lovelace');
    await page.getByRole('textbox', { name: 'E-mail' }).fill(ada.email);
    await page.locator('#new-password').fill(ada.password);
    await picture(page, 'registration');
    await page.getByRole('button', { name: 'Create an account' }).click();
    await at(page, 'Look into your mailbox').waitFor();
    await picture(page, 'letter-sent');
    const { to, link } = await mail.letter();
    equal(to, ada.email);
    await page.goto(link);
    await at(page, 'Your address is confirmed').waitFor();
    truly(/\/admin\/users\/[0-9a-f-]{36}$/.test(page.url()), page.url());
    await picture(page, 'verified');
    await page.goto(link);
    await page.getByRole('alert').getByText('This link was used already').waitFor();
    await signIn(page, url, ada);
    await at(page, 'Your account').waitFor();
    equal(page.wrong, []);
  });

  await check('they change their name, their language and how the pages look', async () => {
    await ready(page);
    await page.getByLabel('First name').fill('Augusta');
    await page.getByLabel('Appearance').selectOption('dark');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('Saved.').waitFor();
    equal(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme), 'dark');
    await page.reload();
    await ready(page);
    equal(await page.getByLabel('First name').inputValue(), 'Augusta');
    equal(await page.evaluate(() => document.documentElement.dataset.appearance), 'dark');
    await page.locator('main').getByLabel('Language').selectOption('de');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await at(page, 'Ihr Konto').waitFor();
    await ready(page);
    await page.locator('main').getByLabel('Sprache').selectOption('en');
    await page.getByLabel('Aussehen').selectOption('auto');
    await page.getByRole('button', { name: 'Speichern', exact: true }).click();
    await at(page, 'Your account').waitFor();
    await ready(page);
  });

  await check('they set up a second factor and keep their recovery codes', async () => {
    await page.getByRole('button', { name: 'Set it up' }).click();
    await page.getByLabel('Your password').fill('not mine');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('That is not your password.').waitFor();
    await page.getByLabel('Your password').fill(ada.password);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByAltText('The secret as a QR code').waitFor();
    await page.getByText('I cannot scan it').click();
    secret = (await page.locator('details .code').textContent()).replaceAll(' ', '');
    await picture(page, 'second-factor');
    await page.getByLabel('Six-digit code').fill((await code(secret)) === '000000' ? '000001' : '000000');
    await page.getByRole('button', { name: 'Turn it on' }).click();
    await page.getByText('That code is not right.').waitFor();
    await page.getByLabel('Six-digit code').fill(await code(secret));
    await page.getByRole('button', { name: 'Turn it on' }).click();
    await page.getByRole('heading', { name: 'Your recovery codes' }).waitFor();
    recovery = await page.locator('.codes li').allTextContents();
    equal(recovery.length, 10);
    await picture(page, 'recovery-codes');
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download' }).click()]);
    equal(download.suggestedFilename(), 'recovery-codes.txt');
    await page.getByRole('button', { name: 'I have kept them' }).click();
    await page.getByText('When you sign in, you are asked for a code.').waitFor();
    equal(page.wrong, []);
  });

  await check('they sign out, and in again with a recovery code, which is good once', async () => {
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.getByText('You have signed out.').waitFor();
    await signIn(page, url, ada);
    await at(page, 'One more step').waitFor();
    await picture(page, 'sign-in-code');
    await page.getByLabel('Code', { exact: true }).fill(recovery[0]);
    await page.getByRole('button', { name: 'Continue' }).click();
    await at(page, 'Your account').waitFor();
    const other = await visitor();
    await signIn(other, url, ada);
    await other.getByLabel('Code', { exact: true }).fill(recovery[0]);
    await other.getByRole('button', { name: 'Continue' }).click();
    await other.getByText('That code is not right.').waitFor();
    await other.getByLabel('Code', { exact: true }).fill(recovery[1]);
    await other.getByRole('button', { name: 'Continue' }).click();
    await at(other, 'Your account').waitFor();
    await other.context().close();
  });

  await check('a code of six digits is sent by itself', async () => {
    const other = await visitor();
    await signIn(other, url, ada);
    // Keys go to whatever has the focus, and do not wait for a field.
    await at(other, 'One more step').waitFor();
    await other.getByLabel('Code', { exact: true }).pressSequentially(await code(secret));
    await at(other, 'Your account').waitFor();
    await other.context().close();
  });

  await check('a forgotten password is replaced by a letter, and its token leaves the address', async () => {
    const other = await visitor();
    await other.goto(`${url}/admin/login`);
    await other.getByRole('button', { name: 'Forgotten?' }).click();
    await other.getByRole('textbox', { name: 'E-mail' }).fill(ada.email);
    await picture(other, 'forgotten');
    await other.getByRole('button', { name: 'Send the letter' }).click();
    await at(other, 'Look into your mailbox').waitFor();
    const { link } = await mail.letter();
    await other.goto(link);
    await at(other, 'Choose a new password').waitFor();
    await until('the token is gone', () => !other.url().includes('token'));
    await picture(other, 'reset-password');
    ada.password = 'Ada-password-2';
    await other.getByLabel('New password').fill(ada.password);
    await other.getByRole('button', { name: 'Save the password' }).click();
    await at(other, 'Your password is new').waitFor();
    await other.goto(link);
    await other.getByLabel('New password').fill('Ada-password-3');
    await other.getByRole('button', { name: 'Save the password' }).click();
    await other.getByText('This link was used already').waitFor();
    await other.goto(`${url}/admin/reset-password`);
    await other.getByText('This link is not complete.').waitFor();
    equal(other.wrong, []);
    await other.context().close();
  });

  await check('whoever was signed in with the old password is out, and comes back to where they were', async () => {
    await page.reload();
    await page.getByText('Your session has ended').waitFor();
    await page.getByRole('textbox', { name: 'E-mail' }).fill(ada.email);
    await page.locator('#password').fill(ada.password);
    await page.keyboard.press('Enter');
    await page.getByLabel('Code', { exact: true }).fill(recovery[2]);
    await page.keyboard.press('Enter');
    await at(page, 'Your account').waitFor();
    await ready(page);
  });

  await check('sessions elsewhere are seen, and end: one, and all others', async () => {
    const agent = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1';
    const [first, second] = [await visitor({ userAgent: agent }), await visitor()];
    for (const [index, each] of [first, second].entries()) {
      await signIn(each, url, ada);
      await each.getByLabel('Code', { exact: true }).fill(recovery[3 + index]);
      await each.keyboard.press('Enter');
      await at(each, 'Your account').waitFor();
      await ready(each);
    }
    await page.reload();
    await ready(page);
    equal(await page.locator('.list li').filter({ hasText: 'ends' }).count(), 3);
    await picture(page, 'sessions');
    await page.getByRole('button', { name: 'End: Safari on iPhone' }).click();
    await page.getByText('That session has ended.').waitFor();
    await first.reload();
    await at(first, 'Sign in').waitFor();
    await page.getByRole('button', { name: 'Sign out everywhere else' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Sign out everywhere else' }).click();
    await page.getByText('You are signed out everywhere else.').waitFor();
    await second.reload();
    await at(second, 'Sign in').waitFor();
    await page.reload();
    await at(page, 'Your account').waitFor();
    for (const each of [first, second]) await each.context().close();
  });

  await check('they change their password here, and turn the second factor off', async () => {
    await ready(page);
    ada.password = 'Ada-password-4';
    await page.getByLabel('New password').fill(ada.password);
    await page.getByRole('button', { name: 'Change the password' }).click();
    await page.getByText('Your password is new.').waitFor();
    await page.getByRole('button', { name: 'Turn it off' }).click();
    await page.getByRole('dialog').getByLabel('Code').fill('nonsense');
    await page.getByRole('dialog').getByRole('button', { name: 'Turn it off' }).click();
    await page.getByRole('dialog').getByText('That code is not right.').waitFor();
    await page.getByRole('dialog').getByLabel('Code').fill(recovery[5]);
    await page.getByRole('dialog').getByRole('button', { name: 'Turn it off' }).click();
    await page.getByText('Your second factor is off.').waitFor();
    equal(page.wrong, []);
  });

  await check('an invitation is accepted', async () => {
    await send('POST', '/users/invite', { email: 'grace@example.com', role });
    const { link } = await mail.letter();
    const other = await visitor();
    await other.goto(link);
    await at(other, 'Welcome').waitFor();
    await picture(other, 'accept-invite');
    await other.getByLabel('New password').fill('Grace-password-1');
    await other.getByRole('button', { name: 'Create my account' }).click();
    await at(other, 'Your account is ready').waitFor();
    await signIn(other, url, { email: 'grace@example.com', password: 'Grace-password-1' });
    await at(other, 'Your account').waitFor();
    equal(other.wrong, []);
    await other.context().close();
  });

  await check('who has to have a second factor gets to nothing else', async () => {
    const policy = await send('POST', '/policies', { name: 'Strict', app_access: true, enforce_tfa: true });
    const strict = await send('POST', '/roles', { name: 'Strict' });
    await send('POST', '/access', { role: strict.id, policy: policy.id });
    await send('POST', '/users', { email: 'strict@example.com', password: 'Strict-password-1', role: strict.id, status: 'active' });
    const other = await visitor();
    await signIn(other, url, { email: 'strict@example.com', password: 'Strict-password-1' });
    await at(other, 'Set up your second factor').waitFor();
    await picture(other, 'tfa-setup');
    await other.goto(`${url}/admin/account`);
    await at(other, 'Set up your second factor').waitFor();
    await other.getByLabel('Your password').fill('Strict-password-1');
    await other.getByRole('button', { name: 'Continue' }).click();
    await other.getByText('I cannot scan it').click();
    const own = (await other.locator('details .code').textContent()).replaceAll(' ', '');
    await other.getByLabel('Six-digit code').fill(await code(own));
    await other.getByRole('button', { name: 'Turn it on' }).click();
    await other.getByRole('button', { name: 'I have kept them' }).click();
    await at(other, 'Your account').waitFor();
    equal(other.wrong, []);
    await other.context().close();
  });

  await check('who may not change their account is told so, and is in all the same', async () => {
    const reader = await send('POST', '/policies', { name: 'Reader', app_access: true });
    const readers = await send('POST', '/roles', { name: 'Readers' });
    await send('POST', '/access', { role: readers.id, policy: reader.id });
    await send('POST', '/users', { email: 'reader@example.com', password: 'Reader-password-1', role: readers.id, status: 'active' });
    const other = await inside(url, { email: 'reader@example.com', password: 'Reader-password-1' });
    await other.getByText('Your account may not change these.').waitFor();
    await other.getByText('Your account may not change this. An administrator can help.').waitFor();
    await other.getByLabel('Appearance').selectOption('dark');
    await other.getByRole('button', { name: 'Save', exact: true }).click();
    await other.getByText('Saved.').waitFor();
    await other.reload();
    await ready(other);
    equal(await other.evaluate(() => document.documentElement.dataset.appearance), 'dark');
    equal(other.wrong, []);
    await other.context().close();
  });

  await check('the address of the way out signs out', async () => {
    const other = await inside(url, user);
    await other.goto(`${url}/admin/logout`);
    await other.getByText('You have signed out.').waitFor();
    await other.goto(`${url}/admin/account`);
    await at(other, 'Sign in').waitFor();
    await other.context().close();
  });

  await check('what is typed before a page listens is sent nowhere, and can be sent when it does', async () => {
    const other = await visitor();
    const asked = [];
    let go;
    const may = new Promise((resolve) => { go = resolve; });
    other.on('request', (request) => asked.push(request.url()));
    // The words come last: without them nothing listens yet, though the browser takes the page for loaded.
    await other.route('**/text/en.js', (route) => may.then(() => route.continue()));
    await other.goto(`${url}/admin/login`);
    await other.locator('#name').fill(user.email);
    await other.locator('#password').fill(user.password);
    await other.locator('#password').press('Enter');
    await other.getByRole('button', { name: 'Sign in', exact: true }).click({ force: true });
    // As some password managers do, past whatever listens.
    await other.evaluate(() => HTMLFormElement.prototype.submit.call(document.getElementById('passwords'))).catch(() => {});
    go();
    equal(asked.filter((address) => address.includes('password=')), []);
    equal(new URL(other.url()).search, '');
    await other.getByRole('button', { name: 'Sign in', exact: true }).click();
    await at(other, 'Your account').waitFor();
    equal(other.wrong, []);
    await other.context().close();
  });

  await check('a person who is in is led on, and nobody to another origin', async () => {
    const other = await inside(url, admin);
    for (const [wanted, reached] of [['/admin/users', 'People'], ['https://evil.example.com/x', 'Your account'], ['//evil.example.com', 'Your account'], ['javascript:alert(1)', 'Your account'], ['/admin/login', 'Your account']]) {
      await other.goto(`${url}/admin/login?redirect=${encodeURIComponent(wanted)}`);
      await at(other, reached).waitFor();
    }
    equal(other.wrong, []);
    await other.context().close();
  });
});
