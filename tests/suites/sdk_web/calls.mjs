// The calls about accounts, each with a refusal beside the success.
import { createHmac } from 'node:crypto';

import { admin, call, check, equal, gatewit, people, profile, script, site, tab, truly, user, who } from './harness.mjs';

const SECRET = 'a secret of the tests, longer than thirty-two bytes';
const part = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** A token such as letters carry. */
function token(claims) {
  const now = Math.floor(Date.now() / 1000);
  const body = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ ...claims, iat: now, exp: now + 600, iss: 'directus' })}`;
  return `${body}.${createHmac('sha256', SECRET).update(body).digest('base64url')}`;
}

/** The code of an authenticator now, or so many steps later. */
function code(secret, steps = 0) {
  const bits = [...secret].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const digest = createHmac('sha1', key).update(counter).digest();
  const at = digest[19] & 15;
  return String((digest.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

await script(async () => {
  const server = await gatewit({ EMAIL_TRANSPORT: 'log', USER_REGISTER_URL_ALLOW_LIST: 'https://app.example.com/verify' });
  const at = await site();
  at.target = server.url;
  const { send, role } = await people(server.url);
  await send('PATCH', '/settings', { public_registration: true, public_registration_role: role });
  const context = await profile();
  const page = await tab(context, at, { mode: 'json' });
  const status = async (email) => (await send('GET', `/users?filter[email][_eq]=${email}&fields=id,status,password`))[0]?.status;

  await check('register and verify', async () => {
    const person = { email: 'new@example.com', password: 'New-password1' };
    equal(await call(page, 'register', person.email, person.password, { first_name: 'New', verification_url: 'https://app.example.com/verify' }), null);
    equal(await status(person.email), 'unverified');
    equal(await call(page, 'login', person), 'error INVALID_CREDENTIALS');
    equal(await call(page, 'verify', 'nonsense'), 'error INVALID_TOKEN');
    equal(await call(page, 'verify', ''), 'error INVALID_TOKEN');
    equal(await call(page, 'verify', token({ email: person.email, scope: 'pending-registration' })), null);
    equal(await status(person.email), 'active');
    truly((await call(page, 'login', person)).expires, 'not signed in');
    await call(page, 'logout');
    equal(await call(page, 'register', 'x', 'y'), 'error INVALID_PAYLOAD');
    equal(await call(page, 'register', 'z@example.com', 'y', { verification_url: 'https://evil.example.com' }), 'error INVALID_PAYLOAD');
  });

  await check('an invitation is accepted', async () => {
    await send('POST', '/users/invite', { email: 'guest@example.com', role });
    equal(await call(page, 'acceptInvite', 'nonsense', 'Guest-password1'), 'error INVALID_TOKEN');
    const invitation = token({ email: 'guest@example.com', scope: 'invite' });
    equal(await call(page, 'acceptInvite', invitation, 'Guest-password1'), null);
    equal(await status('guest@example.com'), 'active');
    equal(await call(page, 'acceptInvite', invitation, 'Guest-password2'), 'error INVALID_INVITE');
  });

  await check('a password is reset', async () => {
    equal(await call(page, 'requestPasswordReset', user.email), null);
    equal(await call(page, 'requestPasswordReset', 'nobody@example.com'), null);
    equal(await call(page, 'requestPasswordReset', user.email, 'https://evil.example.com'), 'error INVALID_PAYLOAD');
    equal(await call(page, 'resetPassword', 'nonsense', 'x'), 'error INVALID_TOKEN');
    equal(await call(page, 'resetPassword', token({ email: user.email, scope: 'password-reset', hash: 'abc' }), 'x'), 'error FORBIDDEN');
  });

  await check('one reads and changes oneself', async () => {
    await call(page, 'login', user);
    equal((await call(page, 'updateMe', { title: 'Dr' }, { fields: ['title'] })).title, 'Dr');
    const me = await call(page, 'me', { fields: ['email', 'title'] });
    equal(me, { email: user.email, title: 'Dr' });
    equal(await call(page, 'updateMe', { nothing: 1 }), 'error FORBIDDEN');
    equal(await call(page, 'updateMe', { email: 'no address' }), 'error FAILED_VALIDATION');
  });

  await check('a second factor, from its secret to its end', async () => {
    equal(await call(page, 'generateTwoFactorSecret', 'wrong'), 'error INVALID_CREDENTIALS');
    const { secret, otpauth_url } = await call(page, 'generateTwoFactorSecret', user.password);
    truly(secret && otpauth_url.startsWith('otpauth://'), 'no secret');
    const picture = await call(page, 'twoFactorQrCode', otpauth_url);
    truly(picture.includes('<svg'), picture);
    equal(await call(page, 'twoFactorQrCode', 'https://example.com'), 'error INVALID_PAYLOAD');
    equal(await call(page, 'enableTwoFactor', secret, '000000'), 'error INVALID_PAYLOAD');
    equal(await call(page, 'enableTwoFactor', secret, code(secret)), null);
    await call(page, 'logout');
    equal(await call(page, 'login', user), 'error INVALID_OTP');
    equal(await call(page, 'loginWithOtp', user, '000000'), 'error INVALID_OTP');
    truly((await call(page, 'loginWithOtp', user, code(secret))).expires, 'not signed in');
    equal(await who(page), user.email);
    const codes = await call(page, 'recoveryCodes', code(secret));
    equal(codes.length, 10);
    const [first] = codes;
    await call(page, 'logout');
    truly((await call(page, 'loginWithOtp', user, first)).expires, 'no recovery');
    equal(await call(page, 'disableTwoFactor', '000000'), 'error INVALID_PAYLOAD');
    await call(page, 'logout');
    await send('POST', `/users/${(await send('GET', `/users?filter[email][_eq]=${user.email}&fields=id`))[0].id}/tfa/disable`);
    truly((await call(page, 'login', user)).expires, 'not signed in');
  });

  await check('nobody is told what is for somebody', async () => {
    await call(page, 'logout');
    for (const [name, ...given] of [['me'], ['updateMe', {}], ['generateTwoFactorSecret', 'x'], ['identities'], ['recoveryCodes', '1']]) {
      equal(await call(page, name, ...given), 'error INVALID_CREDENTIALS');
    }
  });

  await check('a provider of a name', async () => {
    equal(await call(page, 'login', admin, { provider: 'no such/thing' }), 'error ROUTE_NOT_FOUND');
    equal(await call(page, 'providers', { sessionOnly: true }), { providers: [], disableDefault: false });
  });
});
