// The typed calls, and what is thrown.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { admin, check, equal, gatewit, settings, thrown, truly } from './harness.mjs';

const { createGatewit, ConfigurationError, RefusedError, StartError, ClosedError, GatewitError } = gatewit;

export async function calls() {
  await check('settings that cannot be used are named', async () => {
    const error = await thrown(() => createGatewit(settings({ ACCESS_TOKEN_TTL: 'soon', GATEWIT_CALS: 5 })));
    truly(error instanceof ConfigurationError && error instanceof GatewitError && error instanceof Error, 'its class');
    equal([error.name, error.code], ['ConfigurationError', 'INVALID_CONFIGURATION']);
    equal(error.problems.map(({ setting }) => setting).sort(), ['ACCESS_TOKEN_TTL', 'GATEWIT_CALS']);
    equal(error.setting, error.problems[0].setting);
    truly(error.problems.every(({ setting, message }) => error.message.includes(message) && message.startsWith(setting)),
      error.message);
  });
  await check('a setting for a server by itself is named', async () => {
    const error = await thrown(() => createGatewit(settings({ GATEWIT_UPSTREAM: 'http://127.0.0.1:1' })));
    equal([error.name, error.setting], ['ConfigurationError', 'GATEWIT_UPSTREAM']);
  });
  await check('what keeps a server from starting is told', async () => {
    const bad = settings();
    writeFileSync(join(bad.GATEWIT_DATA, 'file'), '');
    const error = await thrown(() => createGatewit({ ...bad, GATEWIT_DATA: join(bad.GATEWIT_DATA, 'file') }));
    truly(error instanceof StartError && error.code === 'CANNOT_START', String(error));
    truly(await thrown(() => createGatewit(null)) instanceof TypeError, 'settings that are none');
  });

  const one = await createGatewit(settings());
  const two = await createGatewit(settings({ SECRET: 'another secret, longer than thirty-two bytes, too' }));
  let tokens;
  await check('login', async () => {
    tokens = await one.login({ ...admin, client: { address: '192.0.2.7', userAgent: 'a test' } });
    equal(Object.keys(tokens), ['accessToken', 'refreshToken', 'expiresInMs']);
    equal(tokens.expiresInMs, 900_000);
  });
  await check('a refusal has the code of the wire', async () => {
    const wrong = () => one.login({ ...admin, password: 'wrong' });
    const error = await thrown(wrong);
    truly(error instanceof RefusedError, String(error));
    equal([error.code, error.status, error.name], ['INVALID_CREDENTIALS', 401, 'RefusedError']);
    equal((await thrown(() => one.verify('nonsense'))).status, 401);
  });
  await check('a call that is none is a mistake in the program', async () => {
    for (const call of [
      () => one.login({ ...admin, client: { address: 'nowhere' } }),
      () => one.login({ email: 5 }),
      () => one.refresh({}),
      () => one.verify(undefined),
    ]) {
      const error = await thrown(call);
      truly(error instanceof TypeError && error.code === 'INVALID_ARGUMENT', String(error));
    }
  });
  await check('verify, me and sessions', async () => {
    const person = await one.verify(tokens.accessToken);
    truly(person.admin && person.user && person.policies.length > 0, 'the person');
    const me = await one.me(tokens.accessToken, { fields: ['email', 'last_page'] });
    equal(me, { email: admin.email, last_page: null });
    const [session, ...others] = await one.sessions(tokens.accessToken);
    equal(others, []);
    truly(session.expires > new Date() && session.id.length > 10, 'the session');
    equal(session.client, { address: '192.0.2.7', userAgent: 'a test' });
  });
  await check('refresh, and the end of other sessions', async () => {
    const next = await one.refresh({ refreshToken: tokens.refreshToken });
    truly(next.refreshToken !== tokens.refreshToken, 'the same token');
    const single = await one.login({ ...admin, oneToken: true });
    equal(single.refreshToken, undefined);
    equal((await one.sessions(single.accessToken)).length, 2);
    equal(await one.endOtherSessions(single.accessToken), 1);
    equal((await thrown(() => one.refresh({ refreshToken: next.refreshToken }))).code, 'INVALID_CREDENTIALS');
    equal((await one.sessions(single.accessToken)).map(({ current }) => current), [true]);
    equal(await one.logout({ sessionToken: single.accessToken }), undefined);
    equal((await thrown(() => one.verify(single.accessToken))).code, 'INVALID_CREDENTIALS');
  });
  await check('two servers have nothing in common', async () => {
    const [here, there] = await Promise.all([one.login(admin), two.login(admin)]);
    await one.verify(here.accessToken);
    await two.verify(there.accessToken);
    equal((await thrown(() => two.verify(here.accessToken))).code, 'INVALID_TOKEN');
    equal((await thrown(() => two.refresh({ refreshToken: here.refreshToken }))).code, 'INVALID_CREDENTIALS');
    equal(await one.providers(), []);
  });
  await check('a call that is aborted rejects with the reason', async () => {
    const abort = new AbortController();
    const called = one.login({ ...admin, signal: abort.signal });
    abort.abort(new Error('enough'));
    equal((await thrown(() => called)).message, 'enough');
    equal((await thrown(() => one.verify('x', { signal: AbortSignal.abort() }))).name, 'AbortError');
    await one.login(admin);
  });
  await check('what is under way is finished when a server is closed, and nothing begins', async () => {
    const late = two.login(admin);
    const closed = two.close();
    truly((await late).accessToken, 'a call that was under way');
    equal((await thrown(() => two.login(admin))).code, 'CLOSED');
    truly((await thrown(() => two.sessions('x'))) instanceof ClosedError, 'its class');
    await closed;
    await two.close();
    await one.login(admin);
  });
  await one.close();
}

export async function letters() {
  await check('a function that throws sends no letter and harms nobody', async () => {
    const told = [];
    const sendMail = (letter) => {
      told.push(letter);
      throw new Error('the mailer is broken');
    };
    const server = await createGatewit(settings({ PUBLIC_URL: 'https://auth.example.com' }), { sendMail });
    await server.requestPasswordReset(admin.email);
    for (let wait = 0; told.length === 0 && wait < 400; wait += 1) await new Promise((next) => setTimeout(next, 25));
    equal(told[0]?.recipient, admin.email);
    truly(told[0].message.includes('token=') && told[0].subject && told[0].id, 'the letter');
    await server.login(admin);
    await server.close();
  });
}
