// One account. For administrators: what it is and what can be done about it. For everybody else this is where the letter leads that
// proves an address: it is proved, and one can sign in.
import { button, field, make, show } from './dom.js';
import { confirm } from './dialog.js';
import { attempt, badge, card, enter, inform, list, nameOf } from './inside.js';
import { given, nameFields, roleChoice, roles, state, statusChoice } from './people.js';
import { line } from './sessions-list.js';
import { ask, client, page, segment } from './server.js';
import { ago, say } from './text.js';

const id = decodeURIComponent(location.pathname.split('/').pop());
const path = `/users/${segment(id)}`;
const FIELDS = 'id,first_name,last_name,email,external_identifier,status,provider,last_access,role,tfa_secret';

function form(user, all, drawn) {
  const own = user.provider === 'default';
  const email = field({ label: say('email'), name: 'email', type: 'email', value: user.email ?? '', autocomplete: 'off' });
  const password = own && field({ label: say('newPassword'), hint: say('passwordLeave'), name: 'password', type: 'password', autocomplete: 'new-password' });
  const save = make('button', { class: 'primary' }, say('save'));
  const pair = (...parts) => make('div', { class: 'pair' }, parts.map(({ wrap }) => wrap));
  const made = make('form', {}, pair(...nameFields(user)), email.wrap, pair(roleChoice(all, user.role), statusChoice(user.status)), password && password.wrap, make('div', { class: 'row' }, save));
  made.addEventListener('submit', (event) => {
    event.preventDefault();
    attempt(async () => {
      const { password: secret, ...changes } = given(made);
      const changed = Object.fromEntries(Object.entries(changes).filter(([name, value]) => value !== (user[name] ?? null)));
      if (secret) changed.password = secret;
      if (Object.keys(changed).length) await ask('PATCH', path, changed);
      inform(say('saved'));
      drawn();
    }, save);
  });
  return made;
}

async function sessions() {
  const place = make('div');
  const all = button(say('endAll'), () => confirm({ title: say('endAll'), text: say('endAllText'), label: say('endAll') }, async () => {
    await ask('DELETE', `/gatewit/sessions?user=${segment(id)}`);
    await load();
    inform(say('allEnded'));
  }), { class: 'slim' });
  async function load() {
    const found = await ask('GET', `/gatewit/sessions?user=${segment(id)}`);
    all.hidden = !found.length;
    const end = (session) => button(say('end'), (event) => attempt(async () => {
      await ask('DELETE', `/gatewit/sessions/${segment(session.id)}`);
      await load();
      inform(say('sessionEnded'));
    }, event.currentTarget), { class: 'slim' });
    show(place, list(found.map((session) => line(session, end(session))), say('signedInNowhere')));
  }
  await load();
  return card({ title: say('theirSessions'), action: all }, place);
}

function dangers(user, drawn) {
  const factor = user.tfa_secret && button(say('takeFactor'), () => confirm({ title: say('takeFactor'), text: say('takeFactorText', nameOf(user)), label: say('takeFactor') }, async () => {
    await ask('POST', `${path}/tfa/disable`, {});
    inform(say('factorTaken'));
    drawn();
  }));
  const gone = button(say('deletePerson'), () => confirm({ title: say('deletePerson'), text: say('deletePersonText', nameOf(user)), label: say('deletePerson') }, async () => {
    await ask('DELETE', path);
    location.assign(page('users'));
  }), { class: 'danger' });
  return card({ title: say('further') }, make('div', { class: 'row' }, factor, gone));
}

async function administer() {
  const all = await roles();
  const place = make('div', { class: 'stack' });
  async function draw() {
    const user = await ask('GET', `${path}?fields=${FIELDS}`);
    document.querySelector('h1').textContent = nameOf(user);
    const facts = make('p', { class: 'row' }, state(user.status), user.tfa_secret && badge(say('secondFactor'), 'good'), user.provider !== 'default' && badge(say('through', user.provider)), make('span', { class: 'small faint' }, user.last_access ? say('lastSeen', ago(`${user.last_access}Z`)) : say('neverSeen')));
    show(place, facts, card({ title: say('profile') }, form(user, all, draw)), await sessions(), dangers(user, draw));
  }
  await draw();
  return place;
}

/** What those find who come from a letter. */
async function welcome() {
  const { enter: open, told } = await import('./gate.js');
  document.body.className = 'gate';
  const project = make('header', { class: 'project' }, make('span', { class: 'mark', id: 'mark', 'aria-hidden': 'true' }), make('div', {}, make('p', { id: 'project' }), make('p', { id: 'descriptor' })));
  const heading = make('h1', {}, say('verified'));
  heading.dataset.text = 'verified';
  document.body.prepend(
    make('main', {}, project, heading, make('div', { id: 'told', class: 'told good', role: 'status' }), make('p', { class: 'faint' }, say('verifiedText')), make('a', { class: 'button primary', href: page('login') }, say('toSignIn'))),
    make('footer', { id: 'languages' }),
  );
  open();
  told('');
}

const session = await client.session().catch(() => null);
const rights = session ? await ask('GET', '/policies/me/globals').catch(() => ({})) : {};
if (!session) await welcome();
else if (!rights.admin_access) location.replace(page('account'));
else await enter('users', { title: 'person', forAdministrators: true, actions: [] }, administer);
