// Requests of node:http, and of what sends them in odd ways.

import { connect } from 'node:net';
import { admin, check, equal, gatewit, listening, settings, thrown, truly } from './harness.mjs';

const JSON_BODY = { 'content-type': 'application/json' };

export async function requests() {
  const server = await gatewit.createGatewit(settings({ MAX_PAYLOAD_SIZE: '2kb' }));
  const login = { method: 'POST', headers: JSON_BODY, body: JSON.stringify({ ...admin, mode: 'session' }) };

  await check('a handler answers node:http', () => listening(server.handler, async (ask) => {
    equal((await ask('/server/ping')).text, 'pong');
    const signedIn = await ask('/auth/login', login);
    equal(signedIn.status, 200);
    const [cookie] = signedIn.headers['set-cookie'];
    const me = await ask('/users/me?fields=email', { headers: { cookie: cookie.split(';')[0] } });
    equal(JSON.parse(me.text), { data: { email: admin.email } });
    const unknown = await ask('/nowhere');
    equal([unknown.status, JSON.parse(unknown.text).errors[0].extensions.code], [404, 'ROUTE_NOT_FOUND']);
  }));
  await check('the address of the client is that of the connection', () => listening(server.handler, async (ask) => {
    const { data } = JSON.parse((await ask('/auth/login', { ...login, body: JSON.stringify(admin) })).text);
    const open = await server.sessions(data.access_token);
    truly(open.some(({ client }) => client.address === '127.0.0.1'), open);
  }));
  await check('with next, what is not ours goes on', async () => {
    const own = (request, response) => server.handler(request, response, () => response.end('of the application'));
    await listening(own, async (ask) => {
      for (const path of ['/', '/robots.txt', '/nowhere', '/auth/elsewhere']) {
        equal((await ask(path)).text, 'of the application');
      }
      equal((await ask('/server/ping?x=/')).text, 'pong');
      equal((await ask('/auth/login', login)).status, 200);
      equal((await ask('/auth/login')).text, 'of the application');
    });
  });
  await check('what next throws is thrown to whoever called', async () => {
    const broken = () => { throw new Error('of the application'); };
    const error = await thrown(async () => server.handler({ method: 'GET', url: '/notes' }, {}, broken));
    equal(error.message, 'of the application');
  });
  await check('a body that was read before is read again', async () => {
    // As a parser of Express leaves it.
    const parsed = async (request, response) => {
      let text = '';
      for await (const part of request) text += part;
      request.body = JSON.parse(text);
      server.handler(request, response, () => response.end('of the application'));
    };
    await listening(parsed, async (ask) => equal((await ask('/auth/login', login)).status, 200));
  });
  await check('a body that is too long is refused before its end', () => listening(server.handler, async (ask) => {
    const long = await ask('/auth/login', { ...login, body: JSON.stringify({ email: 'x'.repeat(3_000) }) });
    equal([long.status, long.headers.connection], [400, 'close']);
    truly(long.text.includes('request entity too large'), long.text);
    equal((await ask('/server/ping')).text, 'pong');
  }));
  await check('a client that goes away harms nobody', () => listening(server.handler, async (ask, port) => {
    const head = 'POST /auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n';
    const halves = [
      `${head}Content-Length: 500\r\n\r\n{"email"`,
      `${head}Content-Length: ${login.body.length}\r\n\r\n${login.body}`,
    ];
    for (const half of halves) {
      await new Promise((gone) => {
        const socket = connect(port, '127.0.0.1', () => socket.write(half, () => setImmediate(() => socket.destroy())));
        socket.on('close', gone);
      });
    }
    equal((await ask('/auth/login', login)).status, 200);
  }));
  await check('a response that somebody else has ended is left alone', () => listening((request, response) => {
    server.handler(request, response);
    response.end('first');
  }, async (ask) => {
    equal((await ask('/server/ping')).text, 'first');
    equal((await ask('/auth/login', login)).text, 'first');
  }));
  await check('requests to a server that is closed are refused', () => listening(server.handler, async (ask) => {
    await server.close();
    equal((await ask('/auth/login', login)).status, 503);
  }));
}
