// Accounts, for administrators: found, made, invited.
import { button, choice, field, make, show } from './dom.js';
import { formDialog } from './dialog.js';
import { attempt, card, enter, inform, list, nameOf } from './inside.js';
import { given, nameFields, roleChoice, roles, state } from './people.js';
import { ask, client, page, segment } from './server.js';
import { ago, say } from './text.js';

/** Accounts on one page. */
const PAGE = 25;
/** How long somebody pauses who has written what they look for, in milliseconds. */
const PAUSE = 250;

const FIELDS = 'id,first_name,last_name,email,external_identifier,status,provider,last_access,role.name';

let [number, sought, wanted] = [1, '', ''];
const [place, count, turns] = [make('div'), make('p', { class: 'small faint', role: 'status' }), make('div', { class: 'row' })];

function line(user) {
  const facts = [user.email && nameOf(user) !== user.email ? user.email : undefined, user.role?.name, user.provider !== 'default' && say('through', user.provider), user.last_access ? say('lastSeen', ago(`${user.last_access}Z`)) : say('neverSeen')];
  return make(
    'li',
    {},
    make('span', { class: 'face', 'aria-hidden': 'true' }, nameOf(user).charAt(0).toUpperCase()),
    make('div', { class: 'what' }, make('div', { class: 'row' }, make('a', { href: page(`users/${segment(user.id)}`) }, nameOf(user)), state(user.status)), make('span', { class: 'small faint' }, facts.filter(Boolean).join(' · '))),
  );
}

async function load() {
  const query = new URLSearchParams({ fields: FIELDS, sort: 'first_name,email', limit: PAGE, page: number });
  if (sought) query.set('search', sought);
  if (wanted) query.set('filter', JSON.stringify({ status: { _eq: wanted } }));
  query.set('meta', 'filter_count');
  const answer = await client.fetch(`/users?${query}`);
  if (!answer.ok) await ask('GET', `/users?${query}`);
  const { data: users, meta } = await answer.json();
  const total = meta?.filter_count ?? users.length;
  show(place, list(users.map(line), say(sought || wanted ? 'nobodyFound' : 'nobody')));
  count.textContent = say('peopleFound', total);
  const turn = (label, by, possible) => button(say(label), (event) => {
    number += by;
    attempt(load, event.currentTarget);
  }, { class: 'slim', disabled: !possible });
  show(turns, ...(total > PAGE ? [turn('before', -1, number > 1), turn('after', 1, number * PAGE < total)] : []));
}

function add(all) {
  const email = field({ label: say('email'), name: 'email', type: 'email', required: true, autocomplete: 'off' });
  const role = roleChoice(all);
  role.input.required = true;
  const way = choice({ label: say('howToStart'), name: 'way', value: 'invite', options: [['invite', say('byLetter')], ['password', say('byPassword')]] });
  const more = make('div', { class: 'stack', hidden: true }, make('div', { class: 'pair' }, nameFields().map(({ wrap }) => wrap)));
  const password = field({ label: say('password'), name: 'password', type: 'password', autocomplete: 'new-password' });
  more.append(password.wrap);
  way.input.addEventListener('change', () => {
    more.hidden = way.input.value === 'invite';
    password.input.required = !more.hidden;
  });
  formDialog({ title: say('addPerson'), label: say('add') }, [email.wrap, role.wrap, way.wrap, more], async (form) => {
    const { way: chosen, ...user } = given(form);
    if (chosen === 'invite') await ask('POST', '/users/invite', { email: user.email, role: user.role });
    else await ask('POST', '/users', { ...user, status: 'active' });
    await load();
    inform(say(chosen === 'invite' ? 'invited' : 'added', user.email));
  });
}

await enter('users', { title: 'users', lead: 'usersLead', forAdministrators: true, actions: [['addPerson', () => attempt(async () => add(await roles()))]] }, async () => {
  const search = make('input', { type: 'search', class: 'search', 'aria-label': say('search'), placeholder: say('searchPeople') });
  let pause;
  search.addEventListener('input', () => {
    clearTimeout(pause);
    pause = setTimeout(() => {
      [sought, number] = [search.value.trim(), 1];
      attempt(load);
    }, PAUSE);
  });
  const states = choice({ label: say('status'), value: '', options: [['', say('everybody')], ...['active', 'invited', 'unverified', 'suspended', 'archived'].map((name) => [name, say(`status_${name}`)])] }).input;
  states.setAttribute('aria-label', say('status'));
  states.classList.add('slim');
  states.addEventListener('change', () => {
    [wanted, number] = [states.value, 1];
    attempt(load);
  });
  await load();
  const own = card({ title: say('accounts'), action: count }, make('div', { class: 'row' }, search, make('div', {}, states)), place, turns);
  return own;
});
