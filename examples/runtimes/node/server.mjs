// Signs people in over HTTP, the JSON way of Directus's protocol: bodies to operations of the rules, answers to bodies.
// `PORT`, `SECRET`, and `EMAIL` with `PASSWORD` for the one account there is.

import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import argon2 from '@node-rs/argon2';
import { call } from './host.mjs';
import { Store } from './store.mjs';

const { PORT = '8055', SECRET, EMAIL, PASSWORD } = process.env;
if (!SECRET || !EMAIL || !PASSWORD) throw new Error('set SECRET, EMAIL and PASSWORD');
const store = new Store();
const password = argon2.hashSync(PASSWORD);
store.tables.directus_users.push({ id: randomUUID(), email: EMAIL, password, status: 'active', provider: 'default' });

/** A body is at most this long: a sign-in is some hundred bytes. */
const MOST_LETTERS = 16_384;
const STATUS = {
  'invalid-payload': 400, forbidden: 403, 'invalid-token': 403, internal: 500, overloaded: 503, unavailable: 503,
};
const tokens = ({ accessToken: access_token, refreshToken: refresh_token, expiresInMs }) =>
  ({ expires: Number(expiresInMs), refresh_token, access_token });
const held = ({ refresh_token }) => ({ tag: 'refresh-token', val: String(refresh_token) });
const attempt = ({ email, password, otp }) => ({
  provider: 'default', values: [String(email), String(password)], account: String(email), otp, form: 'tokens',
});
const ROUTES = {
  'POST /auth/login': (rules, body, client) => tokens(rules.sessions.login(attempt(body), client)),
  'POST /auth/refresh': (rules, body, client) => tokens(rules.sessions.refresh(held(body), 'tokens', client)),
  'POST /auth/logout': (rules, body, client) => rules.sessions.logout(held(body), client),
  'POST /auth/password/request': (rules, body, client) => rules.recovery.request(String(body.email), undefined, client),
  'POST /auth/password/reset': (rules, body, client) =>
    rules.recovery.reset(String(body.token), String(body.password), client),
  'GET /users/me': (rules, _, client, token) =>
    JSON.parse(rules.profile.me(rules.access.authenticate(token, client), [])),
};

async function answer({ method, url, headers, socket }, text) {
  const route = ROUTES[`${method} ${url}`];
  if (!route) return [404];
  const client = { address: socket.remoteAddress, userAgent: headers['user-agent'], origin: headers.origin };
  const token = headers.authorization?.replace(/^Bearer /, '') ?? '';
  try {
    const data = await call(store, SECRET, (rules) => route(rules, JSON.parse(text || '{}'), client, token));
    return data === undefined ? [204] : [200, { data }];
  } catch (error) {
    const code = error.payload?.tag ?? (error instanceof SyntaxError ? 'invalid-payload' : 'internal');
    if (code === 'internal') console.error(error);
    const extensions = { code: code.toUpperCase().replaceAll('-', '_') };
    return [STATUS[code] ?? 401, { errors: [{ message: code, extensions }] }];
  }
}

const server = createServer(async (request, response) => {
  let text = '';
  for await (const part of request) if ((text += part).length > MOST_LETTERS) return request.destroy();
  const [status, body] = await answer(request, text);
  response.writeHead(status, { 'content-type': 'application/json' }).end(body && JSON.stringify(body));
});
server.listen(Number(PORT), '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
