// Sign-ins that failed, for administrators: when, where, why, and what happened in them.
import { button, make, show } from './dom.js';
import { dialog } from './dialog.js';
import { attempt, badge, card, enter, list } from './inside.js';
import { explain } from './notice.js';
import { ask, segment } from './server.js';
import { ago, say, when } from './text.js';

/** Sign-ins that are fetched at once. */
const PAGE = 50;

const [place, more] = [make('div'), make('div', { class: 'row' })];
let found = [];

async function steps({ request }) {
  const trace = await ask('GET', `/gatewit/traces/${segment(request)}`);
  dialog(say('whatHappened'), (end) => [
    make('dl', { class: 'facts small' }, [
      ['at', when(trace.at, { dateStyle: 'medium', timeStyle: 'medium' })],
      ['provider', trace.provider],
      ['toldWith', make('code', {}, trace.reason)],
      ['request', make('code', {}, trace.request)],
    ].flatMap(([name, value]) => [make('dt', {}, say(name)), make('dd', {}, value)])),
    trace.steps.length
      ? make('ol', { class: 'steps small' }, trace.steps.map(({ at_ms: at, level, from, text }) => make('li', { class: level }, make('span', { class: 'faint' }, `${at} ms`), make('span', {}, make('strong', {}, from), ` ${text}`))))
      : make('p', { class: 'empty' }, say('noSteps')),
    make('div', { class: 'row end' }, button(say('close'), end)),
  ]);
}

function line(trace) {
  return make(
    'li',
    {},
    make('div', { class: 'what' }, make('div', { class: 'row' }, make('strong', {}, explain({ code: trace.reason })), badge(trace.provider)), make('span', { class: 'small faint', title: when(trace.at) }, make('code', {}, trace.reason), ` · ${ago(trace.at)} · ${when(trace.at)}`)),
    button(say('steps'), (event) => attempt(() => steps(trace), event.currentTarget), { class: 'slim', 'aria-label': `${say('steps')}: ${when(trace.at)}` }),
  );
}

async function load(before) {
  const query = new URLSearchParams({ limit: PAGE, ...(before && { before }) });
  const next = await ask('GET', `/gatewit/traces?${query}`);
  found = before ? [...found, ...next] : next;
  show(place, list(found.map(line), say('noFailures')));
  const oldest = found.at(-1)?.number;
  show(more, next.length === PAGE && button(say('older'), (event) => attempt(() => load(oldest), event.currentTarget), { class: 'slim' }));
}

await enter('sign-ins', { title: 'failures', lead: 'failuresLead', forAdministrators: true }, async () => {
  await load();
  const again = button(say('reload'), (event) => attempt(() => load(), event.currentTarget), { class: 'slim' });
  return card({ title: say('latest'), action: again }, place, more);
});
