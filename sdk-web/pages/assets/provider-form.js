// The form of a provider. What its driver can be set to, the driver says itself; what all providers have in common is here.
import { check, choice, field, make, show } from './dom.js';
import { formDialog } from './dialog.js';
import { ask, segment } from './server.js';
import { knows, say } from './text.js';
import { roles } from './people.js';

/** What stands for a secret that is kept. */
const CONCEALED = '**********';

/** What can be said of every provider: names as the server takes them. */
const COMMON = [
  ['allow-public-registration', 'boolean'], ['default-role-id', 'role'], ['sync-user-info', 'boolean'], ['require-verified-email', 'boolean'],
  ['link-verified-email', 'boolean'], ['redirect-allow-list', 'list'],
];

/** What nearly everybody sets although the driver can do without: a secret in one of two forms, the address of a directory. */
const USUAL = ['client-secret', 'client-url', 'bind-dn', 'bind-password', 'idp-metadata-url', 'idp-metadata'];

/** Texts of many lines: documents and certificates. */
const isLong = (name) => /(metadata|cert)$/.test(name);

/** `client-id` as people write it. */
const titled = (name) => name.replaceAll(/[-.]/g, ' ').replace(/^./, (letter) => letter.toUpperCase()).replace(/\b(id|url|dn|idp|sp|ca)\b/gi, (word) => word.toUpperCase());

/** Settings may have been written in the style of variables. */
const written = (settings, name) => settings[name] ?? settings[name.replaceAll('-', '_')] ?? settings[name.replaceAll('-', '_').toUpperCase()];

const asText = (value) => (value === undefined || value === null ? '' : typeof value === 'object' ? JSON.stringify(value, null, 1) : String(value));

/** An input for a setting, and how its value is read: `undefined` if it was not touched, `null` if it was taken away. */
function input({ name, kind, default: otherwise, required, secret, help }, kept, people) {
  const label = `${knows(`setting_${name}`) ? say(`setting_${name}`) : titled(name)}${required ? ' *' : ''}`;
  const hint = [knows(`help_${name}`) ? say(`help_${name}`) : help, otherwise && kind !== 'boolean' ? say('otherwiseIs', otherwise) : ''].filter(Boolean).join(' ');
  const before = asText(kept);
  const changed = (value) => (value === before ? undefined : value === '' ? null : value);
  if (kind === 'boolean') {
    const first = before === '' ? otherwise === 'true' : before === 'true';
    const { wrap, input: box } = check({ label, hint, checked: first });
    return { wrap, read: () => (box.checked === first ? undefined : box.checked) };
  }
  if (kind === 'role') {
    const { wrap, input: select } = choice({ label, hint, value: before, options: [['', say('noRole')], ...people.map(({ id, name: text }) => [id, text])] });
    return { wrap, read: () => changed(select.value) };
  }
  if (['json', 'keys', 'list', 'urls'].includes(kind) || isLong(name)) {
    const many = kind === 'list' || kind === 'urls';
    const first = many && Array.isArray(kept) ? kept.join('\n') : before;
    const area = make('textarea', { value: secret && first === CONCEALED ? '' : first, rows: 3, spellcheck: false, placeholder: first === CONCEALED ? CONCEALED : '' });
    const form = many ? say('oneALine') : kind === 'json' && 'JSON';
    const { wrap } = field({ label, hint: [hint, form].filter(Boolean).join(' '), control: area });
    const read = () => {
      if (area.value === (first === CONCEALED ? '' : first)) return undefined;
      if (!area.value.trim()) return null;
      if (many) return area.value.split('\n').map((line) => line.trim()).filter(Boolean);
      // Keys may be JWKs, or a text as others write them.
      return kind === 'json' || /^\s*[[{]/.test(area.value) ? parsed(area.value, label) : area.value;
    };
    return { wrap, read };
  }
  const type = secret ? 'password' : kind === 'number' ? 'number' : kind === 'url' || kind === 'document' ? 'url' : 'text';
  const hidden = secret && before === CONCEALED;
  const { wrap, input: line } = field({ label, hint: [hint, hidden && say('secretKept')].filter(Boolean).join(' '), type, value: hidden ? '' : before, autocomplete: secret ? 'new-password' : 'off', spellcheck: false, required: required && !hidden });
  return { wrap, read: () => (hidden && line.value === '' ? undefined : changed(kind === 'number' && line.value ? Number(line.value) : line.value)) };
}

function parsed(text, label) {
  try {
    return JSON.parse(text);
  } catch {
    throw Object.assign(new Error(say('noJson', label)), { code: 'INVALID_PAYLOAD' });
  }
}

/** Opens the form, for a provider that there is or for a new one. */
export async function edit(drivers, provider, saved) {
  const usable = drivers.filter(({ name }) => name !== 'local');
  const kept = provider?.settings ?? {};
  const people = await roles();
  const readers = new Map();
  const place = make('div', { class: 'stack' });
  const put = (setting) => {
    const { wrap, read } = input(setting, written(kept, setting.name), people);
    readers.set(setting.name, read);
    return wrap;
  };
  function draw(name) {
    readers.clear();
    const { settings } = usable.find((driver) => driver.name === name) ?? { settings: [] };
    const own = settings.filter((setting) => !COMMON.some(([common]) => common === setting.name));
    const first = own.filter((setting) => setting.required || USUAL.includes(setting.name));
    const rest = own.filter((setting) => !first.includes(setting));
    const fold = (text, settings) => settings.length && make('details', {}, make('summary', {}, text), make('div', { class: 'stack' }, settings.map(put)));
    show(
      place,
      ...first.map(put),
      put({ name: 'label', kind: 'text' }),
      put({ name: 'icon', kind: 'text' }),
      fold(say('forAccounts'), COMMON.map(([setting, kind]) => ({ name: setting, kind, default: 'false' }))),
      fold(say('moreSettings'), rest),
    );
  }
  const name = field({ label: `${say('providerName')} *`, hint: say('providerNameHelp'), name: 'name', required: true, pattern: '[A-Za-z0-9_\\-]+', maxLength: 64, autocomplete: 'off', spellcheck: false, value: provider?.name ?? '', readOnly: Boolean(provider) });
  const driver = choice({ label: say('driver'), name: 'driver', value: provider?.driver ?? 'openid', disabled: Boolean(provider), options: usable.map((each) => [each.name, knows(`driver_${each.name}`) ? say(`driver_${each.name}`) : each.name]) });
  driver.input.addEventListener('change', () => draw(driver.input.value));
  draw(driver.input.value);
  const title = provider ? say('changeProvider', provider.name) : say('addProvider');
  formDialog({ title, label: say(provider ? 'save' : 'add') }, [name.wrap, driver.wrap, place], async () => {
    const settings = {};
    for (const [setting, read] of readers) {
      const value = read();
      // Nothing is taken away of a provider that is not there yet.
      if (value !== undefined && (provider || value !== null)) settings[setting] = value;
    }
    if (provider) await ask('PATCH', `/gatewit/providers/${segment(provider.name)}`, { settings });
    else await ask('POST', '/gatewit/providers', { name: name.input.value, driver: driver.input.value, settings });
    await saved(name.input.value);
  });
}
