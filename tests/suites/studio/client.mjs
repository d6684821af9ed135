// The official client of Directus through the server in front of one: sign-in calls are the server's, records the Directus's.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { check, equal, script, truly } from '../sdk_web/harness.mjs';

const { SDK, SERVER, PASSWORD } = process.env;
const sdk = createRequire(pathToFileURL(join(SDK, 'package.json')))('@directus/sdk');
const account = { email: 'plain@example.com', password: PASSWORD };

/** A client with a jar of its own. */
function connect(mode) {
  const jar = new Map();
  const globals = {
    fetch: async (input, init = {}) => {
      const headers = new Headers(init.headers);
      const cookies = [...jar].filter(([, value]) => value).map(([name, value]) => `${name}=${value}`);
      if (cookies.length > 0) headers.set('Cookie', cookies.join('; '));
      const answer = await fetch(input, { ...init, headers });
      for (const cookie of answer.headers.getSetCookie()) {
        const [pair] = cookie.split(';');
        jar.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
      }
      return answer;
    },
  };
  const who = sdk.authentication(mode, { credentials: 'include', autoRefresh: false });
  const client = sdk.createDirectus(SERVER, { globals }).with(who).with(sdk.rest({ credentials: 'include' }));
  return Object.assign(client, { jar });
}

const refused = async (action) => {
  const answer = await action().then(() => 'accepted', (error) => error.errors?.[0]?.extensions?.code ?? String(error));
  truly(answer === 'INVALID_CREDENTIALS' || answer === 'FORBIDDEN' || answer === 'INVALID_TOKEN', answer);
};

await script(async () => {
  for (const mode of ['json', 'cookie', 'session']) {
    const client = connect(mode);
    const me = () => client.request(sdk.readMe({ fields: ['email'] }));
    await check(`a wrong password is refused (${mode})`, () =>
      refused(() => client.login({ ...account, password: 'wrong' }, { mode })));
    await check(`sign-in (${mode})`, async () => {
      await client.login({ ...account }, { mode });
      equal((await me()).email, account.email);
    });
    await check(`records of the Directus (${mode})`, async () => {
      const notes = await client.request(sdk.readItems('notes', { fields: ['text'] }));
      equal(notes[0].text, 'a note of the tests');
      const made = await client.request(sdk.createItem('notes', { text: mode }));
      equal(made.text, mode);
      truly((await client.request(sdk.readCollections())).length > 1, 'no collections');
    });
    await check(`refresh (${mode})`, async () => {
      await client.refresh({ mode });
      equal((await me()).email, account.email);
    });
    await check(`the providers are the server's (${mode})`, async () => {
      const providers = await client.request(sdk.readProviders());
      equal(providers.map(({ name }) => name), ['oid']);
    });
    await check(`sign-out (${mode})`, async () => {
      await client.logout({ mode });
      await refused(me);
    });
  }
});
