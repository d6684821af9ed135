// What the pages about accounts share: their states, their roles, and a form for one.
import { choice, field } from './dom.js';
import { badge } from './inside.js';
import { ask } from './server.js';
import { say } from './text.js';

const STATES = { active: 'good', invited: 'accent', unverified: 'warn', suspended: 'bad', archived: '', draft: '' };

export const state = (status) => badge(say(`status_${status}`), STATES[status] ?? '');

/** Roles at most that can be chosen from: a list that is longer is no list. */
const ROLES = 500;

export const roles = () => ask('GET', `/roles?fields=id,name&sort=name&limit=${ROLES}`);

export const roleChoice = (all, value) => choice({
  label: say('role'),
  name: 'role',
  value: value ?? '',
  options: [['', say('noRole')], ...all.map(({ id, name }) => [id, name])],
});

export const statusChoice = (value) => choice({
  label: say('status'),
  name: 'status',
  value,
  options: Object.keys(STATES).filter((name) => name !== 'draft' || value === 'draft').map((name) => [name, say(`status_${name}`)]),
});

export const nameFields = (user = {}) => [
  field({ label: say('firstName'), name: 'first_name', value: user.first_name ?? '', maxLength: 50, autocomplete: 'off' }),
  field({ label: say('lastName'), name: 'last_name', value: user.last_name ?? '', maxLength: 50, autocomplete: 'off' }),
];

/** The fields of a form that hold something, `null` where it was taken away. */
export const given = (form) => Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value === '' ? null : value]));
