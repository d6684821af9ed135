// Who at which provider signs in to one's account, and how that is added and taken away.
import { button, make, show } from './dom.js';
import { confirm } from './dialog.js';
import { attempt, badge, card, inform, list } from './inside.js';
import { ask, client, page, segment } from './server.js';
import { say, when } from './text.js';
import { labelOf, picture } from './ways.js';

/** Drivers that ask for a password here: there is nothing to come back from. */
const HERE = ['local', 'ldap'];

/** Goes to the provider, by its address or by the form that it wants. */
async function link({ name }) {
  // A path, because a server may be reached by other names than its own.
  const redirect = `${new URL(page('account')).pathname}?linked=${segment(name)}`;
  const { url, form } = await ask('POST', `/users/me/identities/${segment(name)}`, { redirect });
  if (!form) return location.assign(url);
  const fields = Object.entries(form).map(([key, value]) => make('input', { type: 'hidden', name: key, value }));
  const sent = make('form', { method: 'post', action: url }, fields);
  document.body.append(sent);
  return sent.submit();
}

export async function identities() {
  const [{ providers }, first] = await Promise.all([client.providers(), client.identities()]);
  const known = new Map(providers.map((provider) => [provider.name, provider]));
  const open = providers.filter(({ driver }) => !HERE.includes(driver));
  if (!open.length && !first.length) return undefined;
  const [place, more] = [make('div'), make('div', { class: 'row' })];

  const remove = (identity, label) => button(say('unlink'), () => confirm({ title: say('unlinkTitle', label), text: say('unlinkText'), label: say('unlink'), all: false }, async () => {
    await client.unlinkIdentity(identity.id);
    draw(await client.identities());
    inform(say('unlinked'));
  }), { class: 'slim', 'aria-label': `${say('unlink')}: ${label}` });

  function draw(found) {
    const item = (identity) => {
      const provider = known.get(identity.provider) ?? { name: identity.provider };
      const facts = [identity.email ?? identity.identifier, identity.linked_at && when(identity.linked_at, { dateStyle: 'medium' })].filter(Boolean);
      return make(
        'li',
        {},
        picture(provider),
        make('div', { class: 'what' }, make('div', { class: 'row' }, make('strong', {}, labelOf(provider)), identity.primary && badge(say('primary'))), make('span', { class: 'small faint' }, facts.join(' · '))),
        !identity.primary && remove(identity, labelOf(provider)),
      );
    };
    const left = open.filter(({ name }) => !found.some(({ provider }) => provider === name));
    show(place, list(found.map(item), say('noIdentities')));
    show(more, left.map((provider) => button(say('linkTo', labelOf(provider)), (event) => attempt(() => link(provider), event.currentTarget, {}))));
  }

  draw(first);
  return card({ title: say('identities'), lead: say('identitiesLead') }, place, more);
}
