// What the pages share for those who are signed in: the bar of pages, who one is, and the way out.
import { appear, brand } from './brand.js';
import { button, make } from './dom.js';
import { languages } from './gate.js';
import { icon } from './icons.js';
import { keep, kept } from './kept.js';
import { explain, explainAll, run, tell } from './notice.js';
import { ask, client, page } from './server.js';
import { choose, chosen, language, languageOf, learn, say, translate } from './text.js';

const OWN = [['account', 'account', 'account']];
const ADMINISTRATORS = [['users', 'users', 'users'], ['providers', 'providers', 'providers'], ['components', 'components', 'components'], ['sign-ins', 'failures', 'failures']];

const told = make('div', { class: 'told', role: 'alert', id: 'told' });
const main = make('main', { id: 'main' });
const heading = make('h1', { tabIndex: -1 });

/** Tells something at the top of the page. */
export const inform = (text, good = true) => tell(told, text, good);

/** Runs something and tells what went wrong at the top of the page. */
export const attempt = (work, button, words) => run(work, { button, place: told, words, all: !words });

const toSignIn = (reason) => {
  const query = new URLSearchParams({ redirect: location.href, ...(reason && { reason }) });
  location.replace(`${page('login')}?${query}`);
};

const link = (current) => ([name, picture, text]) =>
  make('li', {}, make('a', { href: page(name), 'aria-current': name === current ? 'page' : undefined }, icon(picture), say(text)));

function bar(current, isAdmin) {
  const lists = [make('ul', {}, OWN.map(link(current)))];
  if (isAdmin) lists.push(make('div', {}, make('p', { class: 'heading' }, say('administration')), make('ul', {}, ADMINISTRATORS.map(link(current)))));
  return lists;
}

async function leave(event) {
  leaving = true;
  await run(() => client.logout(), { button: event.currentTarget, place: told });
  location.replace(`${page('login')}?left`);
}

let leaving = false;

/** What people are called. */
export const nameOf = (user) => [user.first_name, user.last_name].filter(Boolean).join(' ') || user.email || user.external_identifier || say('somebody');

function frame(current) {
  const nav = make('nav', { 'aria-label': say('pages') });
  const who = make('p', { class: 'who' });
  const out = make('button', { type: 'button', class: 'plain slim', onclick: leave }, icon('out'), say('signOut'));
  const menu = make('div', { class: 'menu' }, who, make('div', { class: 'row' }, languages(), out));
  const mark = make('span', { class: 'mark', id: 'mark', 'aria-hidden': 'true' });
  const aside = make('header', { class: 'bar' }, make('div', { class: 'project' }, mark, make('span', { id: 'project' })), nav, menu);
  document.body.prepend(make('a', { class: 'skip', href: '#main' }, say('skip')), aside, main);
  nav.append(...bar(current, kept('administrator') === true));
  return { nav, who };
}

/** A session that ends, here or elsewhere, ends the page, too. */
function follow() {
  client.onChange(({ type, error }) => {
    if (type === 'signed-out' && !leaving) toSignIn(error && 'TOKEN_EXPIRED');
    if (type === 'unreachable') inform(explain(error), false);
  });
}

/** Who is here, or the way to where they have to go first. */
async function identify() {
  if (!(await client.session())) return toSignIn();
  const [me, rights] = await Promise.all([client.me(), ask('GET', '/policies/me/globals')]);
  if (rights.enforce_tfa && !me.tfa_secret) return location.replace(`${page('tfa-setup')}?redirect=${encodeURIComponent(location.href)}`);
  return { me, isAdmin: rights.admin_access === true };
}

/** The language and the looks that a person chose for their account, unless they chose others in this browser. */
function fit(me) {
  const own = languageOf([me.language ?? '']);
  if (own && own !== language && !chosen()) {
    choose(own);
    location.reload();
  }
  appear(me.appearance && me.appearance !== 'auto' ? me.appearance : kept('appearance'));
}

/**
 * Opens a page: its bar at once, and what is in it when it is known who is here. `fill` gets the person and whether they
 * administer, and gives what stands in the page.
 */
export async function enter(current, { title, lead, forAdministrators = false, actions = [] }, fill) {
  appear();
  translate();
  if (forAdministrators) await learn('admin');
  const { nav, who } = frame(current);
  document.title = say(title);
  heading.textContent = say(title);
  const waiting = make('p', { class: 'waiting', role: 'status' }, say('loading'));
  const top = make('div', { class: 'top' }, make('div', {}, heading, lead && make('p', {}, say(lead))));
  main.append(top, told, waiting);
  const branded = brand();
  follow();
  try {
    const found = await identify();
    // The page is about to be left.
    if (!found) return;
    const { me, isAdmin } = found;
    keep('administrator', isAdmin);
    nav.replaceChildren(...bar(current, isAdmin));
    who.replaceChildren(make('strong', {}, nameOf(me)), nameOf(me) === me.email ? '' : me.email ?? '');
    fit(me);
    if (forAdministrators && !isAdmin) return inform(say('notForYou'), false);
    main.append(...[await fill({ me, isAdmin, project: await branded })].flat().filter(Boolean));
    if (actions.length) top.append(make('div', { class: 'row' }, actions.map(([label, work]) => button(say(label), work, { class: 'primary' }))));
  } catch (error) {
    if (error.status === 401) return toSignIn('TOKEN_EXPIRED');
    inform(forAdministrators ? explainAll(error) : explain(error), false);
    if (!error.code) throw error;
  } finally {
    waiting.remove();
  }
}

/** A card with a heading. */
export function card({ title, lead, action, id }, ...contents) {
  const head = make('h2', { tabIndex: -1 }, title);
  const own = make('section', { class: 'card', id }, make('header', {}, make('div', {}, head, lead && make('p', {}, lead)), action), contents);
  own.setAttribute('aria-label', title);
  return own;
}

/** A list, or why there is nothing in it. */
export const list = (items, empty) => (items.length ? make('ul', { class: 'list' }, items) : make('p', { class: 'empty' }, empty));

export const badge = (text, kind = '') => make('span', { class: `badge ${kind}` }, text);
