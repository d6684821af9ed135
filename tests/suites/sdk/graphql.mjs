// What GraphQL has for accounts, by the client's composable.

import { admin, check, codeOf, equal, nobody, password, refused, sdk, signedIn, tokenFor, truly } from './harness.mjs';

const ask = (client, document, variables) => client.query(document, variables, 'system');

/** Tokens of a mode: in the answer, or in the jar. */
async function tokens(mode, client, account) {
  const document = `mutation ($email: String!, $password: String!, $mode: auth_mode) {
    auth_login(email: $email, password: $password, mode: $mode) { access_token refresh_token expires } }`;
  return (await ask(client, document, { ...account, mode })).auth_login;
}

export async function graphql(mode, client, people, of) {
  const account = { email: people.plain, password };
  const way = mode === 'static' ? 'json' : mode;
  const guest = nobody();
  let held;
  await check(of('graphql auth_login'), async () => {
    await refused(() => tokens(way, nobody(), { ...account, password: 'wrong' }), 'INVALID_CREDENTIALS');
    held = await tokens(way, guest, account);
    equal([Boolean(held.access_token), Boolean(held.refresh_token)], [way !== 'session', way === 'json']);
  });
  const document = `mutation ($token: String, $mode: auth_mode) {
    auth_refresh(refresh_token: $token, mode: $mode) { access_token refresh_token expires } }`;
  await check(of('graphql auth_refresh'), async () => {
    held = (await ask(guest, document, { token: held.refresh_token, mode: way })).auth_refresh;
    equal(typeof held.expires, 'string');
  });
  await check(of('graphql auth_logout'), async () => {
    const logout = 'mutation ($token: String, $mode: auth_mode) { auth_logout(refresh_token: $token, mode: $mode) }';
    equal(await ask(guest, logout, { token: held.refresh_token, mode: way }), { auth_logout: true });
  });
  await check(of('graphql users_me'), async () =>
    equal(await ask(client, '{ users_me { email role { name } } }'), {
      users_me: { email: admin.email, role: { name: 'Administrator' } },
    }));
  await check(of('graphql update_users_me'), async () =>
    equal(await ask(client, 'mutation { update_users_me(data: { location: "here" }) { location } }'), {
      update_users_me: { location: 'here' },
    }));
  await check(of('graphql users, roles and policies'), async () => {
    const answer = await ask(client, '{ users(limit: 2) { id } roles(sort: ["name"]) { name } policies { name } }');
    equal(answer.users.length, 2);
    truly(answer.roles.some((role) => role.name === 'Administrator') && answer.policies.length > 0, 'too few');
  });
  await check(of('graphql server_ping, server_info and server_health'), async () => {
    const answer = await ask(client, '{ server_ping server_info { project { project_name } } server_health }');
    equal([answer.server_ping, answer.server_info.project.project_name, answer.server_health.status], ['pong', 'Directus', 'ok']);
  });
  await letters(mode, client, people, of);
  await secondFactor(mode, client, people, of);
}

async function letters(mode, client, people, of) {
  const name = (who) => `${mode}-graphql-${who}@example.com`;
  await client.request(sdk.createUser({ email: name('forgets'), password }));
  const forgot = await check(of('graphql auth_password_request'), async () => {
    const document = 'mutation ($email: String!) { auth_password_request(email: $email) }';
    equal(await ask(nobody(), document, { email: name('forgets') }), { auth_password_request: true });
    return tokenFor(name('forgets'));
  });
  await check(of('graphql auth_password_reset'), async () => {
    const document = 'mutation ($token: String!) { auth_password_reset(token: $token, password: "Another-password1") }';
    equal(await ask(nobody(), document, { token: forgot }), { auth_password_reset: true });
    await signedIn('json', { email: name('forgets'), password: 'Another-password1' });
  });
  const invited = await check(of('graphql users_invite'), async () => {
    const document = 'mutation ($email: String!, $role: String!) { users_invite(email: $email, role: $role) }';
    equal(await ask(client, document, { email: name('invited'), role: people.role }), { users_invite: true });
    return tokenFor(name('invited'));
  });
  await check(of('graphql users_invite_accept'), async () => {
    const document = 'mutation ($token: String!, $password: String!) { users_invite_accept(token: $token, password: $password) }';
    equal(await ask(nobody(), document, { token: invited, password }), { users_invite_accept: true });
    await signedIn('json', { email: name('invited'), password });
  });
  const registered = await check(of('graphql users_register'), async () => {
    const document = 'mutation ($email: String!, $password: String!) { users_register(email: $email, password: $password) }';
    equal(await ask(nobody(), document, { email: name('registers'), password }), { users_register: true });
    return tokenFor(name('registers'));
  });
  await check(of('graphql users_register_verify'), async () => {
    const document = 'mutation ($token: String!) { users_register_verify(token: $token) }';
    equal(await ask(nobody(), document, { token: registered }), { users_register_verify: true });
    await signedIn('json', { email: name('registers'), password });
  });
}

async function secondFactor(mode, client, people, of) {
  const email = `${mode}-graphql-factor@example.com`;
  const token = `${mode}-graphql-factor-token`;
  await client.request(sdk.createUser({ email, password, role: people.selfRole, token }));
  const who = await signedIn(mode, { email, password }, token);
  const made = await check(of('graphql users_me_tfa_generate'), async () => {
    const document = 'mutation ($password: String!) { users_me_tfa_generate(password: $password) { secret otpauth_url } }';
    return (await ask(who, document, { password })).users_me_tfa_generate;
  });
  await check(of('graphql users_me_tfa_enable'), async () => {
    const document = 'mutation ($otp: String!, $secret: String!) { users_me_tfa_enable(otp: $otp, secret: $secret) }';
    const variables = { secret: made.secret, otp: await codeOf(made.secret) };
    equal(await ask(who, document, variables), { users_me_tfa_enable: true });
    await refused(() => signedIn('json', { email, password }), 'INVALID_OTP');
  });
  await check(of('graphql auth_login with a code'), async () => {
    const document = `mutation ($email: String!, $password: String!, $otp: String) {
      auth_login(email: $email, password: $password, otp: $otp) { access_token } }`;
    const answer = await ask(nobody(), document, { email, password, otp: await codeOf(made.secret) });
    truly(answer.auth_login.access_token, 'no token');
  });
  await check(of('graphql users_me_tfa_disable'), async () => {
    const document = 'mutation ($otp: String!) { users_me_tfa_disable(otp: $otp) }';
    equal(await ask(who, document, { otp: await codeOf(made.secret) }), { users_me_tfa_disable: true });
    await signedIn('json', { email, password });
  });
}
