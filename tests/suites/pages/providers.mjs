// Sign-in at providers from the sign-in page, linking them to an account, and everything that can be refused on the way.
import { check, code, equal, inside, people, picture, provider, ready, script, served, signIn, truly, user, visitor } from './harness.mjs';

const { default: texts } = await import('../../../sdk-web/pages/assets/text/en.js');
const at = (page, name) => page.getByRole('heading', { level: 1, name });

/** What the sign-in page says of each reason that a redirect may bring. */
const REASONS = {
  INVALID_CREDENTIALS: texts.INVALID_CREDENTIALS,
  INVALID_OTP: texts.INVALID_OTP,
  INVALID_PROVIDER: texts.INVALID_PROVIDER,
  INVALID_TOKEN: texts.signInExpired,
  TOKEN_EXPIRED: texts.TOKEN_EXPIRED,
  USER_SUSPENDED: texts.USER_SUSPENDED,
  INVALID_IP: texts.INVALID_IP,
  FORBIDDEN: texts.FORBIDDEN,
  INVALID_PAYLOAD: texts.INVALID_PAYLOAD,
  INVALID_PROVIDER_CONFIG: texts.SERVICE_UNAVAILABLE,
  SERVICE_UNAVAILABLE: texts.SERVICE_UNAVAILABLE,
  REQUESTS_EXCEEDED: texts.REQUESTS_EXCEEDED,
  INTERNAL_SERVER_ERROR: texts.SERVICE_UNAVAILABLE,
  UNKNOWN_EXCEPTION: texts.UNKNOWN_EXCEPTION,
};

await script(async () => {
  const { at: { url }, server, idp } = await served({}, async (address) => {
    const idp = await provider(address, ['company', 'other']);
    const { settings } = idp;
    return { idp, settings: { company: { ...settings, LABEL: 'Company', ICON: 'building' }, other: settings, staff: { DRIVER: 'local', LABEL: 'Staff' } } };
  });
  const { send, role } = await people(server.url);

  /** Goes to the provider by a button and does something there. */
  async function leave(page, button, what) {
    await page.getByRole('button', { name: button }).click();
    await page.waitForURL(`${idp.issuer}/interaction/**`);
    await page.goto(`${page.url()}?${what}`);
  }

  await check('by redirect, and back to where one wanted to go', async () => {
    const page = await visitor();
    await page.goto(`${url}/admin/login?redirect=${encodeURIComponent('/admin/account?from=there')}`);
    await leave(page, 'Continue with Company', 'login=alice');
    await at(page, 'Your account').waitFor();
    equal(new URL(page.url()).search, '?from=there');
    await ready(page);
    // People of a provider have no password here.
    equal(await page.getByLabel('New password').count(), 0);
    equal(page.wrong, []);
    await page.context().close();
  });

  await check('a refusal at the provider is told, and the page can be used', async () => {
    const page = await visitor();
    await page.goto(`${url}/admin/login`);
    await leave(page, 'Continue with Company', 'deny=1');
    await page.getByRole('alert').getByText(texts.INVALID_CREDENTIALS).waitFor();
    equal(new URL(page.url()).search, '');
    await page.getByRole('button', { name: 'Continue with Other' }).waitFor();
    equal(page.wrong, []);
    await page.context().close();
  });

  for (const [reason, text] of Object.entries(REASONS)) {
    await check(`?reason=${reason} is explained`, async () => {
      const page = await visitor();
      await page.goto(`${url}/admin/login?reason=${reason}`);
      await page.getByRole('alert').getByText(text).waitFor();
      equal(new URL(page.url()).search, '');
      await page.context().close();
    });
  }

  await check('a reason that nobody knows is named, and nothing of it is markup', async () => {
    const page = await visitor();
    await page.goto(`${url}/admin/login?reason=SOMETHING_NEW`);
    await page.getByRole('alert').getByText('SOMETHING_NEW').waitFor();
    await page.goto(`${url}/admin/login?reason=${encodeURIComponent('<img src=x onerror=alert(1)>')}`);
    await page.getByRole('button', { name: 'Continue with Company' }).waitFor();
    equal([await page.getByRole('alert').textContent(), page.wrong], ['', []]);
    await page.context().close();
  });

  await check('an account is linked, signs in, and is unlinked', async () => {
    const page = await inside(url, user);
    await leave(page, 'Link Company', 'login=bob');
    await page.getByText('It is linked.').waitFor();
    equal(new URL(page.url()).search, '');
    await ready(page);
    await page.getByRole('button', { name: 'Unlink: Company' }).waitFor();
    await picture(page, 'linked');
    const other = await visitor();
    await other.goto(`${url}/admin/login`);
    await leave(other, 'Continue with Company', 'login=bob');
    await at(other, 'Your account').waitFor();
    await ready(other);
    equal(await other.getByRole('textbox', { name: 'E-mail' }).inputValue(), user.email);
    await other.context().close();
    await page.getByRole('button', { name: 'Unlink: Company' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Unlink' }).click();
    await page.getByText('It is not linked any more.').waitFor();
    await page.getByText('None is linked yet.').waitFor();
    equal(page.wrong, []);
    await page.context().close();
  });

  await check('an account that is somebody else’s is not linked', async () => {
    const page = await inside(url, user);
    await leave(page, 'Link Company', 'login=alice');
    await page.getByRole('alert').filter({ hasText: /linked to somebody else|not linked/ }).waitFor();
    await ready(page);
    await page.getByText('None is linked yet.').waitFor();
    await page.context().close();
  });

  await check('a second factor is asked for after a provider', async () => {
    const page = await visitor();
    await page.goto(`${url}/admin/login`);
    await leave(page, 'Continue with Company', 'login=carol');
    await at(page, 'Your account').waitFor();
    await ready(page);
    const secret = await page.evaluate(async () => {
      const { ask } = await import('/admin/assets/server.js');
      return (await ask('POST', '/users/me/tfa/generate', {})).secret;
    });
    // Whoever was made by a provider has no role, and may change nothing.
    const [{ id }] = await send('GET', `/users?filter=${encodeURIComponent(JSON.stringify({ email: { _eq: 'carol@idp.example.com' } }))}&fields=id`);
    await send('PATCH', `/users/${id}`, { role });
    await page.evaluate(async ([secret, otp]) => {
      const { client } = await import('/admin/assets/server.js');
      await client.enableTwoFactor(secret, otp);
    }, [secret, await code(secret)]);
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.getByText('You have signed out.').waitFor();
    await page.goto(`${url}/admin/login`);
    await page.getByRole('button', { name: 'Continue with Company' }).click();
    // The provider knows her still, and sends her straight back.
    await at(page, 'One more step').waitFor();
    await page.getByLabel('Code', { exact: true }).fill(await code(secret));
    await at(page, 'Your account').waitFor();
    equal(page.wrong, []);
    await page.context().close();
  });

  await check('a provider with passwords of its own asks for them here', async () => {
    const page = await visitor();
    await page.goto(`${url}/admin/login`);
    await page.getByRole('button', { name: 'Continue with Staff' }).click();
    await at(page, 'Sign in with Staff').waitFor();
    await picture(page, 'sign-in-staff');
    await page.getByRole('textbox', { name: 'E-mail' }).fill('nobody@example.com');
    await page.locator('#password').fill('nothing');
    const [asked] = await Promise.all([page.waitForRequest('**/auth/login/staff'), page.keyboard.press('Enter')]);
    equal(asked.postDataJSON(), { email: 'nobody@example.com', password: 'nothing', mode: 'session' });
    await page.getByRole('alert').getByText(texts.INVALID_CREDENTIALS).waitFor();
    await page.getByRole('button', { name: 'Sign in another way' }).click();
    await page.getByRole('button', { name: 'Continue with Company' }).waitFor();
    await page.context().close();
  });

  await check('no network, too many tries and an overloaded server are told, and what was typed stays', async () => {
    const page = await visitor();
    await page.goto(`${url}/admin/login`);
    await page.getByRole('button', { name: 'Continue with Company' }).waitFor();
    const answers = [
      [(route) => route.abort('internetdisconnected'), texts.NETWORK],
      [(route) => route.fulfill({ status: 429, headers: { 'retry-after': '17' }, json: { errors: [{ message: 'x', extensions: { code: 'REQUESTS_EXCEEDED' } }] } }), texts.REQUESTS_EXCEEDED_IN.replace('{}', '17')],
      [(route) => route.fulfill({ status: 503, headers: { 'retry-after': '2' }, json: { errors: [{ message: 'x', extensions: { code: 'SERVICE_UNAVAILABLE' } }] } }), texts.SERVICE_UNAVAILABLE_IN.replace('{}', '2')],
      [(route) => route.fulfill({ status: 502, body: '<h1>Bad gateway</h1>' }), texts.SERVICE_UNAVAILABLE],
    ];
    for (const [answer, text] of answers) {
      await page.route('**/auth/login', answer);
      await page.getByRole('textbox', { name: 'E-mail' }).fill(user.email);
      await page.locator('#password').fill(user.password);
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await page.getByRole('alert').getByText(text).waitFor();
      equal(await page.locator('#password').inputValue(), user.password);
      await page.unroute('**/auth/login');
    }
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await at(page, 'Your account').waitFor();
    equal(page.wrong, []);
    await page.context().close();
  });

  await check('a browser without cookies is told so', async () => {
    const page = await visitor();
    // As a browser that keeps none: they are taken out of every answer.
    await page.route('**/auth/**', async (route) => {
      const answer = await route.fetch({ maxRedirects: 0 });
      const { 'set-cookie': kept, ...headers } = answer.headers();
      void kept;
      await page.context().clearCookies();
      await route.fulfill({ response: answer, headers });
    });
    await signIn(page, url, user);
    await page.getByRole('alert').getByText(texts.cookiesBlocked).waitFor();
    await page.context().close();
  });

  await check('every language has the words of English, and says them', async () => {
    const of = async (language, part) => (await import(`../../../sdk-web/pages/assets/text/${language}${part}.js`)).default;
    for (const part of ['', '-admin']) {
      const english = await of('en', part);
      for (const language of ['de', 'fr', 'es']) {
        const words = await of(language, part);
        equal(Object.keys(words), Object.keys(english));
        const holes = (text) => text.split('{}').length;
        for (const [name, text] of Object.entries(words)) truly(text && holes(text) === holes(english[name]), `${language}: ${name}`);
        if (part) continue;
        const page = await visitor({ locale: language });
        await page.goto(`${url}/admin/login`);
        await page.getByRole('button', { name: words.signIn, exact: true }).waitFor();
        equal(await page.evaluate(() => document.documentElement.lang), language);
        await page.context().close();
      }
    }
    const page = await visitor();
    await page.goto(`${url}/admin/login`);
    await page.getByLabel('Language').selectOption('fr');
    await page.getByRole('button', { name: 'Se connecter', exact: true }).waitFor();
    await page.reload();
    await page.getByRole('button', { name: 'Se connecter', exact: true }).waitFor();
    await page.context().close();
  });
});
