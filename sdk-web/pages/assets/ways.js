// Ways to sign in besides the server's own passwords: a button each. Some send the browser away, some ask for a password here.
import { make } from './dom.js';
import { drawn, icon } from './icons.js';
import { say } from './text.js';

/** Drivers whose people type a password here. */
const HERE = ['ldap', 'local'];

/** What a provider is called where nobody has given it a label: `company` is `Company`. */
export const labelOf = ({ name, label }) => label || name.charAt(0).toUpperCase() + name.slice(1);

/** Its picture: one of ours by its name, one of its own by its address, or its first letter. */
export function picture({ icon: name, ...provider }) {
  const place = make('span', { class: 'way', 'aria-hidden': 'true' });
  const letter = () => place.replaceChildren([...labelOf(provider)][0]?.toUpperCase() ?? '');
  if (/^(https:|data:image\/|\/)/.test(name ?? '')) {
    const image = make('img', { alt: '', src: name });
    image.addEventListener('error', letter);
    place.append(image);
  } else if (drawn(name)) place.append(icon(drawn(name)));
  else letter();
  return place;
}

/** The button of a provider. `ask` has the page ask for its password, `leave` goes there. */
export function way(provider, { ask, leave }) {
  const label = labelOf(provider);
  const button = make('button', { type: 'button' }, picture(provider), make('span', {}, say('with', label)));
  button.addEventListener('click', () => (HERE.includes(provider.driver) ? ask(provider) : leave(provider, button)));
  return make('li', {}, button);
}
