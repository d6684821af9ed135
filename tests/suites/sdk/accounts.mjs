// Accounts: made, changed, invited, registered, with forgotten passwords and with second factors.

import { admin, check, codeOf, connect, equal, nobody, password, refused, sdk, signedIn, tokenFor, truly } from './harness.mjs';

const isThere = (client, email) => client.request(sdk.readUsers({ filter: { email: { _eq: email } }, fields: ['status'] }));

/** An account of this mode, made by an administrator. */
async function made(client, email, more = {}) {
  return (await client.request(sdk.createUser({ email, password, ...more }))).id;
}

export async function accounts(mode, client, people, of) {
  const name = (who) => `${mode}-${who}@example.com`;
  const first = await check(of('createUser'), async () => {
    const user = await client.request(sdk.createUser({ email: name('first'), password, first_name: 'One' }));
    equal([user.first_name, user.status, user.password], ['One', 'active', '**********']);
    return user.id;
  });
  const others = await check(of('createUsers'), async () => {
    const users = await client.request(
      sdk.createUsers([{ email: name('second'), password }, { email: name('third'), password }], { fields: ['id'] }),
    );
    equal(users.length, 2);
    return users.map((user) => user.id);
  });
  await check(of('readUser'), async () => {
    equal(await client.request(sdk.readUser(first, { fields: ['email'] })), { email: name('first') });
    await refused(() => client.request(sdk.readUser('00000000-0000-4000-8000-000000000000')), 'FORBIDDEN');
  });
  await check(of('readUsers'), async () => {
    const query = { fields: ['email'], sort: ['-email'], limit: 2, filter: { email: { _starts_with: `${mode}-`, _ends_with: '@example.com' } } };
    equal(await client.request(sdk.readUsers(query)), [{ email: name('third') }, { email: name('second') }]);
    await refused(() => nobody().request(sdk.readUsers()), 'FORBIDDEN');
  });
  await check(of('updateUser'), async () =>
    equal((await client.request(sdk.updateUser(first, { last_name: 'Two' }))).last_name, 'Two'));
  await check(of('updateUsers'), async () => {
    const changed = await client.request(sdk.updateUsers(others, { title: 'T' }, { fields: ['title'] }));
    equal(changed, [{ title: 'T' }, { title: 'T' }]);
  });
  await check(of('updateUsersBatch'), async () => {
    const batch = others.map((id, index) => ({ id, location: `L${index}` }));
    const changed = await client.request(sdk.updateUsersBatch(batch, { fields: ['location'] }));
    equal(changed, [{ location: 'L0' }, { location: 'L1' }]);
  });
  await check(of('updateMe'), async () => {
    equal((await client.request(sdk.updateMe({ title: mode }))).title, mode);
    const own = await signedIn('json', { email: people.plain, password });
    await refused(() => own.request(sdk.updateMe({ title: 'x' })), 'FORBIDDEN');
  });
  await check(of('deleteUser'), async () => {
    await client.request(sdk.deleteUser(first));
    equal(await isThere(client, name('first')), []);
  });
  await check(of('deleteUsers'), async () => {
    await client.request(sdk.deleteUsers(others));
    equal(await isThere(client, name('second')), []);
  });
  await letters(mode, client, name, people, of);
  await secondFactor(mode, client, name('factor'), people, of);
}

async function letters(mode, client, name, people, of) {
  await made(client, name('forgets'));
  const forgot = await check(of('passwordRequest'), async () => {
    await nobody().request(sdk.passwordRequest(name('forgets')));
    return tokenFor(name('forgets'));
  });
  await check(of('passwordReset'), async () => {
    await nobody().request(sdk.passwordReset(forgot, 'Another-password1'));
    await refused(() => nobody().request(sdk.passwordReset(forgot, 'Third-password1')), 'FORBIDDEN');
    await signedIn('json', { email: name('forgets'), password: 'Another-password1' });
  });
  const registered = await check(of('registerUser'), async () => {
    await nobody().request(sdk.registerUser(name('registers'), password, { first_name: 'New' }));
    equal(await isThere(client, name('registers')), [{ status: 'unverified' }]);
    return tokenFor(name('registers'));
  });
  await check(of('registerUserVerify'), async () => {
    // The answer leads to a page of Directus's app; the client follows, and there is none.
    await nobody().request(sdk.registerUserVerify(registered)).catch((error) => equal(error.response.status, 404));
    equal(await isThere(client, name('registers')), [{ status: 'active' }]);
    await signedIn('json', { email: name('registers'), password });
  });
  const invited = await check(of('inviteUser'), async () => {
    await client.request(sdk.inviteUser(name('invited'), people.role, 'https://app.example.com/welcome'));
    equal(await isThere(client, name('invited')), [{ status: 'invited' }]);
    return tokenFor(name('invited'));
  });
  await check(of('acceptUserInvite'), async () => {
    await nobody().request(sdk.acceptUserInvite(invited, password));
    await refused(() => nobody().request(sdk.acceptUserInvite(invited, password)), 'INVALID_INVITE');
    await signedIn('json', { email: name('invited'), password });
  });
}

async function secondFactor(mode, client, email, people, of) {
  const id = await made(client, email, { role: people.selfRole, token: `${mode}-factor-token` });
  const who = await signedIn(mode, { email, password }, `${mode}-factor-token`);
  const secret = await check(of('generateTwoFactorSecret'), async () => {
    await refused(() => who.request(sdk.generateTwoFactorSecret('wrong')), 'INVALID_CREDENTIALS');
    const answer = await who.request(sdk.generateTwoFactorSecret(password));
    truly(answer.otpauth_url.includes(answer.secret), 'no secret in the address');
    return answer.secret;
  });
  await check(of('enableTwoFactor'), async () => {
    await refused(() => who.request(sdk.enableTwoFactor(secret, '000000')), 'INVALID_PAYLOAD');
    await who.request(sdk.enableTwoFactor(secret, await codeOf(secret)));
    equal((await client.request(sdk.readUser(id))).tfa_secret, '**********');
  });
  if (mode !== 'static') {
    await check(of('authentication().login with a code'), async () => {
      await refused(() => connect(mode).login({ email, password }, { mode }), 'INVALID_OTP');
      const again = connect(mode);
      await again.login({ email, password }, { mode, otp: await codeOf(secret) });
      equal((await again.request(sdk.readMe({ fields: ['email'] }))).email, email);
    });
  }
  await check(of('login with a code that is wrong'), () =>
    refused(() => nobody().request(sdk.login({ email, password }, { mode: 'json', otp: '000000' })), 'INVALID_OTP'));
  await check(of('disableTwoFactor'), async () => {
    await refused(() => who.request(sdk.disableTwoFactor('000000')), 'INVALID_PAYLOAD');
    await who.request(sdk.disableTwoFactor(await codeOf(secret)));
    await signedIn('json', { email, password });
  });
}

/** What the checks need that no check is about. */
export async function prepare(mode) {
  const json = await signedIn('json', admin);
  const token = `${mode}-administrator-token`;
  await json.request(sdk.updateMe({ token }));
  await json.request(sdk.updateSettings({ public_registration: true }));
  const plain = `${mode}-plain@example.org`;
  const staff = `${mode}-staff@example.org`;
  const roles = await json.request(sdk.readRoles({ fields: ['id', 'name'] }));
  const role = (name) => roles.find((role) => role.name === name).id;
  await made(json, plain, { role: role('Editor') });
  const id = await made(json, staff, { role: role('Editor') });
  await json.request(sdk.updateUser(id, { provider: 'staff', external_identifier: staff }));
  return { plain, staff, token, role: role('ApiOnly'), selfRole: role('SelfService'), editorRole: role('Editor') };
}
