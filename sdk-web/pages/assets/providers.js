// Providers, for administrators: what there is, making and changing one, and trying whether it works.
import { button, make, show } from './dom.js';
import { confirm, dialog } from './dialog.js';
import { attempt, badge, card, enter, inform, list } from './inside.js';
import { edit } from './provider-form.js';
import { ask, page, segment } from './server.js';
import { say } from './text.js';
import { labelOf, picture } from './ways.js';

const place = make('div');
const path = (name) => `/gatewit/providers/${segment(name)}`;

const shown = (provider) => ({ name: provider.name, label: provider.label ?? provider.settings?.label, icon: provider.icon ?? provider.settings?.icon });

async function load() {
  const found = await ask('GET', '/gatewit/providers');
  show(place, list(found.map(line), say('noProviders')));
}

async function change(provider) {
  const drivers = await ask('GET', '/gatewit/drivers');
  edit(drivers, provider, async (name) => {
    await load();
    inform(say('providerSaved', name));
  });
}

/** Has the server reach the provider, and tells what it found. */
function test(provider) {
  return async (event) => attempt(async () => {
    const { works, found = [], problem } = await ask('POST', `${path(provider.name)}/test`, {});
    dialog(say('testOf', labelOf(shown(provider))), (end) => [
      make('p', {}, badge(say(works ? 'works' : 'worksNot'), works ? 'good' : 'bad')),
      works ? make('ul', {}, found.map((text) => make('li', {}, text))) : make('p', {}, problem),
      make('div', { class: 'row end' }, button(say('close'), end)),
    ]);
  }, event.currentTarget);
}

const remove = (provider) => () => confirm({ title: say('removeProvider'), text: say('removeProviderText', provider.name), label: say('remove') }, async () => {
  await ask('DELETE', path(provider.name));
  await load();
  inform(say('removed', provider.name));
});

const toggle = (provider) => (event) => attempt(async () => {
  await ask('PATCH', path(provider.name), { enabled: !provider.enabled });
  await load();
}, event.currentTarget);

function states(provider) {
  const state = !provider.enabled ? ['disabled', ''] : provider.served ? ['inUse', 'good'] : ['notServed', 'bad'];
  return [badge(say(state[0]), state[1]), provider.read_only && badge(say('fromConfiguration'))];
}

function line(provider) {
  const label = labelOf(shown(provider));
  const named = (text) => ({ class: 'slim', 'aria-label': `${say(text)}: ${label}` });
  const own = provider.read_only ? [] : [
    button(say('change'), (event) => attempt(() => change(provider), event.currentTarget), named('change')),
    button(say(provider.enabled ? 'disable' : 'enable'), toggle(provider), named(provider.enabled ? 'disable' : 'enable')),
    button(say('remove'), remove(provider), { ...named('remove'), class: 'slim danger' }),
  ];
  const problems = provider.problems?.length ? make('span', { class: 'small' }, provider.problems.join('; ')) : undefined;
  return make(
    'li',
    {},
    picture(shown(provider)),
    make('div', { class: 'what' }, make('div', { class: 'row' }, make('strong', {}, label), states(provider)), make('span', { class: 'small faint' }, `${provider.name} · ${provider.driver}`), problems),
    make('div', { class: 'row' }, button(say('test'), test(provider), named('test')), own),
  );
}

await enter('providers', { title: 'providers', lead: 'providersLead', forAdministrators: true, actions: [['addProvider', () => attempt(() => change())]] }, async () => {
  await load();
  const callback = make('code', {}, `${page('').replace(/admin\/$/, '')}auth/login/…/callback`);
  return [card({ title: say('providersHere') }, place), card({ title: say('callbackTitle') }, make('p', { class: 'faint' }, say('callbackHelp')), make('p', {}, callback))];
});
