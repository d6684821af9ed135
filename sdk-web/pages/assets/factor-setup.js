// Setting up a second factor: the secret as a picture, the first code, and the recovery codes, which are shown once.
import { at, button, field, make, show } from './dom.js';
import { run } from './notice.js';
import { ask, client } from './server.js';
import { say } from './text.js';

/** Four letters at a time are easier to type. */
const grouped = (text) => text.replace(/(.{4})(?=.)/g, '$1 ');

/** The steps, in a place. `needsPassword` if the account has one here; `enabled` is called when it is on, `done` when the codes have been seen. */
export function setUp(place, { needsPassword, words = {}, enabled = () => {}, done }) {
  const told = make('div', { class: 'told', role: 'alert' });

  async function begin(password) {
    const made = await ask('POST', '/users/me/tfa/generate', password ? { password } : {});
    const picture = await client.twoFactorQrCode(made.otpauth_url);
    const { wrap, input } = field({ label: say('otpShort'), hint: say('scanThen'), name: 'otp', inputMode: 'numeric', autocomplete: 'one-time-code', required: true, pattern: '[0-9 ]{6,7}', maxLength: 7 });
    const save = make('button', { class: 'primary' }, say('turnOn'));
    const form = make('form', {}, wrap, told, make('div', { class: 'row' }, save));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const otp = input.value.replaceAll(' ', '');
      run(async () => {
        await client.enableTwoFactor(made.secret, otp);
        enabled();
        codes(await client.recoveryCodes(otp).catch(() => []));
      }, { button: save, place: told, words: { INVALID_PAYLOAD: 'otpWrong', ...words } });
    });
    show(
      place,
      make('p', { class: 'faint' }, say('scan')),
      make('div', { class: 'picture' }, make('img', { alt: say('qrCode'), src: `data:image/svg+xml,${encodeURIComponent(picture)}`, width: 192, height: 192 })),
      make('details', {}, make('summary', { class: 'small' }, say('cannotScan')), make('p', { class: 'faint small' }, say('typeSecret')), make('p', { class: 'code' }, grouped(made.secret))),
      form,
    );
    input.focus();
  }

  function codes(list) {
    if (!list.length) return done();
    show(place, ...recoveryCodes(list, done));
    place.querySelector('h2')?.focus();
  }

  if (!needsPassword) return run(() => begin(), { place: told, words }).then((well) => well || place.append(told));
  const { wrap, input } = field({ label: say('yourPassword'), hint: say('passwordWhy'), name: 'password', type: 'password', autocomplete: 'current-password', required: true });
  const go = make('button', { class: 'primary' }, say('goOn'));
  const form = make('form', {}, wrap, told, make('div', { class: 'row' }, go));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    run(() => begin(input.value), { button: go, place: told, words: { INVALID_CREDENTIALS: 'passwordWrong', ...words } });
  });
  show(place, form);
  return undefined;
}

/** Codes for the day when the device is lost, with ways to keep them. */
export function recoveryCodes(list, done) {
  const text = `${at('project')?.textContent ?? ''}\n\n${list.join('\n')}\n`;
  const heard = make('span', { class: 'small faint', role: 'status' });
  const copy = button(say('copy'), async () => {
    try {
      await navigator.clipboard.writeText(list.join('\n'));
      heard.textContent = say('copied');
    } catch {
      heard.textContent = say('copyFailed');
    }
  });
  const file = make('a', { class: 'button', href: `data:text/plain;charset=utf-8,${encodeURIComponent(text)}`, download: 'recovery-codes.txt' }, say('download'));
  return [
    make('h2', { tabIndex: -1 }, say('recoveryCodes')),
    make('p', { class: 'faint' }, say('recoveryHelp')),
    make('ul', { class: 'codes code', 'aria-label': say('recoveryCodes') }, list.map((code) => make('li', {}, code))),
    make('div', { class: 'row' }, copy, file, heard),
    make('div', { class: 'row' }, button(say('keptThem'), done, { class: 'primary' })),
  ];
}
