// Components, for administrators: which generation of each serves, and how that is changed while people sign in.
import { button, check, choice, field, make, show } from './dom.js';
import { confirm, formDialog } from './dialog.js';
import { attempt, badge, card, enter, inform } from './inside.js';
import { ask, segment } from './server.js';
import { ago, say, when } from './text.js';

const place = make('div', { class: 'stack' });
const path = (name) => `/gatewit/components/${segment(name)}`;

async function load() {
  const found = await ask('GET', '/gatewit/components');
  show(place, found.map(component));
}

const act = (name, what, text) => (event) => attempt(async () => {
  await ask('POST', `${path(name)}/${what}`, {});
  await load();
  inform(say(text, name));
}, event.currentTarget);

/** The base64 of a text. */
const encoded = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

/** Sends a file, to serve everybody or to be tried out. */
function swap(name) {
  const file = field({ label: say('componentFile'), hint: say('componentFileHelp'), type: 'file', accept: '.wasm,application/wasm', required: true });
  const signature = field({ label: say('signature'), hint: say('signatureHelp'), type: 'file', accept: '.minisig' });
  const mode = choice({ label: say('mode'), name: 'mode', value: 'swap', options: [['swap', say('modeSwap')], ['canary', say('modeCanary')], ['shadow', say('modeShadow')]].filter(([key]) => key !== 'shadow' || name !== 'auth') });
  const share = field({ label: say('sharePercent'), type: 'number', min: 1, max: 100, value: 5 });
  share.wrap.hidden = true;
  mode.input.addEventListener('change', () => {
    share.wrap.hidden = mode.input.value !== 'canary';
  });
  const grants = check({ label: say('acceptGrants'), hint: say('acceptGrantsHelp') });
  const dry = check({ label: say('dryRun') });
  formDialog({ title: say('swapTitle', name), label: say('send') }, [file.wrap, signature.wrap, mode.wrap, share.wrap, grants.wrap, dry.wrap], async () => {
    const query = new URLSearchParams({ mode: mode.input.value });
    if (mode.input.value === 'canary') query.set('share', String(Number(share.input.value) / 100));
    if (grants.input.checked) query.set('accept_grants', 'true');
    if (dry.input.checked) query.set('dry_run', 'true');
    const signed = signature.input.files[0] ? { 'Gatewit-Signature': encoded(await signature.input.files[0].text()) } : {};
    const taken = await ask('PUT', `${path(name)}?${query}`, new Blob([file.input.files[0]], { type: 'application/wasm' }), { 'Content-Type': 'application/wasm', ...signed });
    const added = taken.grants?.added ?? [];
    await load();
    const text = say(dry.input.checked ? 'wouldBeTaken' : 'taken', name);
    inform(added.length ? `${text} ${say('nowMay', added.join(', '))}` : text);
  });
}

function facts(generation) {
  const { digest, source, file, signed_by: signer, loaded_at_ms: loaded, calls, crashes, capabilities } = generation;
  const line = (name, ...value) => [make('dt', {}, say(name)), make('dd', {}, ...value)];
  return make(
    'dl',
    { class: 'facts small' },
    line('digest', make('code', { title: digest }, `${digest.slice(0, 12)}…`)),
    line('source', [say(`source_${source}`), file].filter(Boolean).join(' · ')),
    signer && line('signedBy', make('code', {}, signer)),
    line('since', make('span', { title: when(loaded) }, ago(loaded))),
    line('calls', new Intl.NumberFormat().format(calls), crashes > 0 && ' · ', crashes > 0 && badge(say('crashes', crashes), 'bad')),
    line('mayUse', (capabilities ?? []).join(', ') || '–'),
  );
}

function trial(name, tried) {
  const text = tried.mode === 'canary' ? say('canaryOf', Math.round((tried.share ?? 0) * 1000) / 10) : say('shadowOf', tried.same, tried.different);
  return [
    make('h3', { class: 'small' }, say('onTrial')),
    make('p', { class: 'row' }, badge(tried.mode, 'warn'), make('span', { class: 'small' }, text)),
    facts(tried),
    make('div', { class: 'row' }, button(say('promote'), act(name, 'promote', 'promoted'), { class: 'primary slim' }), button(say('endTrial'), act(name, 'end-trial', 'trialEnded'), { class: 'slim' })),
  ];
}

function component({ name, kind, current, previous, trial: tried, refused }) {
  const back = () => confirm({ title: say('rollBackTitle', name), text: say('rollBackText'), label: say('rollBack'), danger: false }, async () => {
    await ask('POST', `${path(name)}/rollback`, {});
    await load();
    inform(say('rolledBack', name));
  });
  const withdraw = () => confirm({ title: say('withdrawTitle', name), text: say('withdrawText'), label: say('withdraw') }, async () => {
    await ask('DELETE', path(name));
    await load();
    inform(say('withdrawn', name));
  });
  const named = (text) => ({ class: 'slim', 'aria-label': `${say(text)}: ${name}` });
  const actions = make('div', { class: 'row' }, button(say('swap'), () => swap(name), named('swap')), previous && button(say('rollBack'), back, named('rollBack')), current?.source === 'uploaded' && button(say('withdraw'), withdraw, named('withdraw')));
  return card(
    { title: name, lead: say(kind === 'rules' ? 'kindRules' : 'kindDriver'), action: actions },
    refused && make('p', { class: 'told' }, refused),
    current ? make('p', { class: 'row' }, badge(say('generation', current.generation), 'good')) : make('p', { class: 'faint' }, say('notLoaded')),
    current && facts(current),
    tried && trial(name, tried),
    previous && make('details', {}, make('summary', { class: 'small' }, say('generationBefore', previous.generation)), facts(previous)),
  );
}

function addition() {
  const name = field({ label: say('componentName'), hint: say('componentNameHelp'), required: true, pattern: '[a-z0-9_\\-]+', autocomplete: 'off', spellcheck: false });
  formDialog({ title: say('addComponent'), label: say('goOn') }, [name.wrap], async () => swap(name.input.value));
}

await enter('components', { title: 'components', lead: 'componentsLead', forAdministrators: true, actions: [['addComponent', addition]] }, async () => {
  await load();
  return place;
});
