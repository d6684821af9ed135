// The account page: who one is, how one signs in, and where one is signed in.
import { enter, inform } from './inside.js';
import { identities } from './identities.js';
import { profile } from './profile.js';
import { factor, password } from './security.js';
import { ask } from './server.js';
import { sessions } from './sessions.js';
import { say } from './text.js';

/** Which fields of their account a person may change: all, some, or none. */
async function changeable() {
  const rights = await ask('GET', '/permissions/me').catch(() => ({}));
  const { access = 'none', fields = [] } = rights.directus_users?.update ?? {};
  return (field) => access !== 'none' && (fields.includes('*') || fields.includes(field));
}

await enter('account', { title: 'account', lead: 'accountLead' }, async ({ me }) => {
  const may = await changeable();
  const query = new URLSearchParams(location.search);
  const cards = await Promise.all([profile(me, may), password(me, may), factor(me, may), identities(), sessions()]);
  // A provider that was asked to be linked comes back here.
  if (query.has('linked')) {
    const reason = query.get('reason');
    inform(reason ? say(reason === 'RECORD_NOT_UNIQUE' || reason === 'INVALID_PROVIDER' ? 'linkedElsewhere' : 'linkFailed') : say('linkedNow'), !reason);
    history.replaceState(null, '', location.pathname);
  }
  return cards;
});
