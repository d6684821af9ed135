// A real OpenID provider, for tests: `oidc-provider` on 127.0.0.1. It prints {"kind":"listening","port":1}, then one line for
// each request that it gets: {"kind":"asked","method":"…","path":"…"}.
// Whoever comes to its sign-in page is asked nothing: ?login=<account> signs in, ?deny=1 refuses. ACCOUNTS, CLIENTS and
// SETTINGS are JSON. It ends when the standard input does.
import { createServer as plain } from 'node:http';
import { createServer as secure } from 'node:https';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const { MODULES, PORT, ISSUER, KEY, CERTIFICATE, ACCOUNTS, CLIENTS, SETTINGS } = process.env;
// What it says of itself goes to the error output.
console.info = console.warn = console.error;
const require = createRequire(`${MODULES}/package.json`);
const { Provider } = await import(pathToFileURL(require.resolve('oidc-provider')));
const accounts = JSON.parse(ACCOUNTS);
const say = (kind, facts) => process.stdout.write(JSON.stringify({ kind, ...facts }) + '\n');

// What OAuth 2.0 leaves open: who it is that a token was given for.
const profile = async (provider, request, response) => {
  const token = await provider.AccessToken.find((request.headers.authorization ?? '').replace('Bearer ', ''));
  const facts = token && { id: token.accountId, ...accounts[token.accountId] };
  response.writeHead(facts ? 200 : 401, { 'content-type': 'application/json' }).end(JSON.stringify(facts ?? {}));
};

const answer = (port) => {
  const issuer = ISSUER ?? `${KEY ? 'https' : 'http'}://127.0.0.1:${port}`;
  const provider = new Provider(issuer, {
    clients: JSON.parse(CLIENTS),
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['given_name', 'family_name', 'groups'] },
    scopes: ['openid', 'profile', 'email', 'offline_access'],
    findAccount: (context, id) => accounts[id] && { accountId: id, claims: () => ({ sub: id, ...accounts[id] }) },
    interactions: { url: (context, interaction) => `/interaction/${interaction.uid}` },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: true },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: { enabled: true },
    },
    pkce: { required: () => true },
    issueRefreshToken: async (context, client) => client.grantTypeAllowed('refresh_token'),
    // It calls clients back on this machine, which it would not do by itself.
    fetch: (url, options) => globalThis.fetch(url, { ...options, dispatcher: undefined }),
    cookies: { keys: ['a key of the tests'] },
    ...JSON.parse(SETTINGS ?? '{}'),
  });
  const serve = provider.callback();
  return async (request, response) => {
    const url = new URL(request.url, issuer);
    say('asked', { method: request.method, path: url.pathname });
    if (url.pathname === '/profile') return profile(provider, request, response);
    if (!url.pathname.startsWith('/interaction/')) return serve(request, response);
    const details = await provider.interactionDetails(request, response);
    if (url.searchParams.has('deny')) {
      const result = { error: 'access_denied', error_description: 'End-User aborted interaction' };
      return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
    }
    if (details.prompt.name === 'login' && !url.searchParams.has('login')) return response.end('who?');
    if (details.prompt.name === 'login') {
      const login = { accountId: url.searchParams.get('login') };
      return provider.interactionFinished(request, response, { login }, { mergeWithLastSubmission: false });
    }
    const { missingOIDCScope, missingOIDCClaims } = details.prompt.details;
    const grant = details.grantId
      ? await provider.Grant.find(details.grantId)
      : new provider.Grant({ accountId: details.session.accountId, clientId: details.params.client_id });
    if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '));
    if (missingOIDCClaims) grant.addOIDCClaims(missingOIDCClaims);
    const consent = { grantId: await grant.save() };
    return provider.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true });
  };
};

let handler;
const listener = (request, response) =>
  handler(request, response).catch((error) => {
    console.error(error);
    response.statusCode = 500;
    response.end(String(error));
  });
const server = KEY ? secure({ key: readFileSync(KEY), cert: readFileSync(CERTIFICATE) }, listener) : plain(listener);
server.listen(Number(PORT), '127.0.0.1', () => {
  handler = answer(server.address().port);
  say('listening', { port: server.address().port });
});
process.stdin.resume().on('end', () => process.exit());
