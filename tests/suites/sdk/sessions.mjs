// Signing in, going on and signing out, by the composables and by the commands of the same names.

import { admin, check, connect, cookieOf, equal, nobody, password, refused, sdk, signedIn, truly } from './harness.mjs';

/** What belongs to the session of one mode. Static tokens have none. */
export async function sessions(mode, people) {
  const account = { email: people.plain, password };
  const client = connect(mode);
  const of = (name) => `${name} (${mode})`;
  const me = () => client.request(sdk.readMe({ fields: ['email'] }));

  await check(of('authentication().login: a wrong password'), () =>
    refused(() => client.login({ ...account, password: 'wrong' }, { mode }), 'INVALID_CREDENTIALS'));
  await check(of('authentication().login'), async () => {
    const answer = await client.login({ ...account }, { mode });
    equal(typeof answer.expires, 'number');
    equal(Boolean(answer.refresh_token), mode === 'json');
    if (cookieOf[mode]) equal(client.jar.has(cookieOf[mode]), true);
    equal((await me()).email, people.plain);
  });
  await check(of('authentication().refresh'), async () => {
    const before = cookieOf[mode] ? client.jar.get(cookieOf[mode]) : (await client.refresh()).refresh_token;
    await client.refresh({ mode });
    const after = cookieOf[mode] ? client.jar.get(cookieOf[mode]) : (await client.refresh()).refresh_token;
    equal(before !== after && Boolean(after), true);
    equal((await me()).email, people.plain);
  });
  await check(of('authentication().getToken and setToken'), async () => {
    const token = await client.getToken();
    equal(Boolean(token), mode !== 'session');
    if (!token) return;
    const other = connect(mode);
    await other.setToken(token);
    equal((await other.request(sdk.readMe({ fields: ['email'] }))).email, people.plain);
  });
  await check(of('authentication() with memoryStorage and its own refreshing'), async () => {
    const storage = sdk.memoryStorage();
    const own = sdk.createDirectus(process.env.SERVER).with(sdk.authentication('json', { storage })).with(sdk.rest());
    await own.login({ ...account }, { mode: 'json' });
    const first = (await storage.get()).refresh_token;
    // As if it had nearly expired: the next call refreshes by itself.
    await storage.set({ ...(await storage.get()), expires_at: Date.now() + 1 });
    await own.request(sdk.readMe());
    truly(first && (await storage.get()).refresh_token !== first, 'not refreshed');
    own.stopRefreshing();
  });
  await check(of('authentication().login with a local provider of a name'), async () => {
    const other = connect(mode);
    await other.login({ email: people.staff, password }, { mode, provider: 'staff' });
    equal((await other.request(sdk.readMe({ fields: ['provider'] }))).provider, 'staff');
    await refused(() => connect(mode).login({ email: people.staff, password }, { mode }), 'INVALID_CREDENTIALS');
  });
  await check(of('authentication().logout'), async () => {
    await client.logout({ mode });
    if (cookieOf[mode]) equal(client.jar.get(cookieOf[mode]), '');
    await refused(me, 'INVALID_CREDENTIALS');
  });
  await commands(mode, account, of);
}

/** The commands do what the composable does, and leave it to the caller to keep the tokens. */
async function commands(mode, account, of) {
  const client = nobody(mode);
  let held = {};
  const read = () => client.request(sdk.withToken(held.access_token, sdk.readMe({ fields: ['email'] })));
  await check(of('login'), async () => {
    held = (await client.request(sdk.login({ ...account }, { mode }))) ?? {};
    equal((await read()).email, account.email);
  });
  await check(of('login with a provider and a wrong password'), () =>
    refused(
      () => nobody().request(sdk.login({ ...account, password: 'wrong' }, { mode, provider: 'staff' })),
      'INVALID_CREDENTIALS',
    ));
  await check(of('refresh'), async () => {
    held = await client.request(sdk.refresh({ mode, refresh_token: held.refresh_token }));
    equal((await read()).email, account.email);
  });
  await check(of('logout'), async () => {
    await client.request(sdk.logout({ mode, refresh_token: held.refresh_token }));
    const again = () => client.request(sdk.refresh({ mode, refresh_token: held.refresh_token }));
    await refused(again, mode === 'json' ? 'INVALID_CREDENTIALS' : 'INVALID_PAYLOAD');
  });
}

/** Helpers that change a request. */
export async function helpers(mode, client, people, of) {
  await check(of('readMe'), async () => equal((await client.request(sdk.readMe())).email, admin.email));
  await check(of('staticToken'), async () => {
    const fixed = connect('static', people.token);
    equal((await fixed.request(sdk.readMe({ fields: ['email'] }))).email, admin.email);
    await refused(() => connect('static', 'nobody').request(sdk.readMe()), 'INVALID_CREDENTIALS');
  });
  await check(of('withToken'), async () => {
    const json = await signedIn('json', admin);
    const read = sdk.withToken(await json.getToken(), sdk.readMe({ fields: ['email'] }));
    equal((await nobody().request(read)).email, admin.email);
  });
  await check(of('withOptions'), async () => {
    const read = sdk.withOptions(sdk.readMe({ fields: ['email'] }), { headers: { Authorization: 'Bearer nobody' } });
    await refused(() => nobody().request(read), 'INVALID_CREDENTIALS');
  });
  await check(of('withSearch'), async () => {
    const found = await client.request(
      sdk.withSearch(sdk.readUsers({ filter: { email: { _eq: admin.email } }, fields: ['email'] })),
    );
    equal(found, [{ email: admin.email }]);
  });
  await check(of('customEndpoint'), async () => {
    const read = sdk.customEndpoint({ path: '/users/me', params: { fields: 'email' }, method: 'GET' });
    equal((await client.request(read)).email, admin.email);
  });
  await check(of('isDirectusError'), async () => {
    const error = await nobody().request(sdk.readMe()).catch((error) => error);
    equal(sdk.isDirectusError(error), true);
    equal(sdk.isDirectusError(new Error('another')), false);
  });
}
