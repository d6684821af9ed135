// What the pages share that links of letters lead to: a token in the address, and a password to be chosen.
import { at } from './dom.js';
import { enter, handle, head, told } from './gate.js';
import { say } from './text.js';

/** Runs the page. `send` takes the token and the password. */
export function letter(send, { finished, title }) {
  enter();
  const address = new URL(location.href);
  const token = address.searchParams.get('token') ?? '';
  // A token is good as long as nobody else sees it: not in the history, and not over somebody's shoulder.
  if (token) {
    address.searchParams.delete('token');
    history.replaceState(null, '', address);
  }
  const email = addressIn(token);
  if (email) at('person').value = email;
  const wrong = { INVALID_TOKEN: 'linkBad', TOKEN_EXPIRED: 'linkExpired', FORBIDDEN: 'linkUsed', INVALID_INVITE: 'linkUsed', INVALID_CREDENTIALS: 'linkBad' };
  if (!token) {
    told(say('linkBad'));
    at('new').hidden = true;
    at('done').hidden = false;
    return;
  }
  handle(at('new'), async ({ password }) => {
    await send(token, password);
    at('new').hidden = true;
    at('done').hidden = false;
    head(title);
    told(say(finished), true);
    at('onward').focus();
  }, wrong);
  at('password').focus();
}

/** The address that a token is for, so that password managers know whose password it is. Nothing is believed because of it. */
function addressIn(token) {
  try {
    const [, middle] = token.split('.');
    return JSON.parse(atob(middle.replaceAll('-', '+').replaceAll('_', '/'))).email;
  } catch {
    return undefined;
  }
}
