// Where those are sent who have to set up a second factor before they may do anything else.
import { at } from './dom.js';
import { enter, told } from './gate.js';
import { setUp } from './factor-setup.js';
import { explain } from './notice.js';
import { ask, client, destination, page } from './server.js';
import { say } from './text.js';

enter();
const away = () => location.replace(`${page('login')}?redirect=${encodeURIComponent(location.href)}`);

try {
  const session = await client.session();
  if (!session) away();
  else {
    const me = await client.me();
    if (me.tfa_secret) location.replace(destination());
    // The address names the provider of a person who has no password here.
    const elsewhere = new URLSearchParams(location.search).has('provider');
    const { enforce_tfa: demanded } = await ask('GET', '/policies/me/globals');
    if (demanded) told(say('factorDemanded'));
    at('told').classList.add('good');
    await setUp(at('setup'), { needsPassword: !elsewhere, done: () => location.replace(destination()) });
  }
} catch (error) {
  if (error.status === 401) away();
  else told(explain(error));
}
