// Who one is: name, address, language and looks.
import { appear } from './brand.js';
import { choice, field, make } from './dom.js';
import { attempt, card, inform } from './inside.js';
import { keep } from './kept.js';
import { client } from './server.js';
import { LANGUAGES, choose, language, languageOf, say } from './text.js';

/** Languages as a Directus writes them. */
const WRITTEN = { en: 'en-US', de: 'de-DE', fr: 'fr-FR', es: 'es-ES' };

export function profile(me, may) {
  const names = [
    ['first_name', { label: say('firstName'), autocomplete: 'given-name', maxLength: 50 }],
    ['last_name', { label: say('lastName'), autocomplete: 'family-name', maxLength: 50 }],
    ['email', { label: say('email'), type: 'email', autocomplete: 'email' }],
  ];
  const fields = names.map(([name, properties]) => [name, field({ name, value: me[name] ?? '', readOnly: !may(name), ...properties })]);
  const appearance = choice({
    label: say('appearance'),
    name: 'appearance',
    value: me.appearance ?? 'auto',
    options: [['auto', say('appearanceAuto')], ['light', say('appearanceLight')], ['dark', say('appearanceDark')]],
  });
  const tongue = choice({ label: say('language'), name: 'language', value: languageOf([me.language ?? language]) ?? 'en', options: Object.entries(LANGUAGES) });
  appearance.input.addEventListener('change', () => appear(appearance.input.value));
  const save = make('button', { class: 'primary' }, say('save'));
  const closed = !may('first_name') && !may('email');
  const pair = (...parts) => make('div', { class: 'pair' }, parts.map(({ wrap }) => wrap));
  const own = Object.fromEntries(fields);
  const form = make(
    'form',
    {},
    pair(own.first_name, own.last_name),
    own.email.wrap,
    pair(tongue, appearance),
    closed && make('p', { class: 'hint' }, say('profileClosed')),
    make('div', { class: 'row' }, save),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    attempt(async () => {
      const wanted = [
        ...fields.map(([name, { input }]) => [name, input.value.trim() || null]),
        ['appearance', appearance.input.value],
        ['language', WRITTEN[tongue.input.value]],
      ];
      const changes = wanted.filter(([name, value]) => may(name) && value !== (me[name] ?? null) && !(name === 'email' && !value));
      if (changes.length) Object.assign(me, await client.updateMe(Object.fromEntries(changes)));
      // Whoever may not keep it in their account keeps it in this browser.
      keep('appearance', appearance.input.value === 'auto' ? null : appearance.input.value);
      const switched = tongue.input.value !== language;
      if (switched) choose(tongue.input.value);
      inform(say('saved'));
      if (switched) location.reload();
    }, save, { RECORD_NOT_UNIQUE: 'emailTaken', FAILED_VALIDATION: 'emailWrong' });
  });
  return card({ title: say('profile'), lead: say('profileLead') }, form);
}
