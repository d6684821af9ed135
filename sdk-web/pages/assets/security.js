// How one signs in: the password, and the second factor.
import { button, field, make, show } from './dom.js';
import { dialog, formDialog } from './dialog.js';
import { recoveryCodes, setUp } from './factor-setup.js';
import { attempt, badge, card, inform } from './inside.js';
import { client } from './server.js';
import { say } from './text.js';

/** People of providers have no password here. */
const hasPassword = (me) => !me.provider || me.provider === 'default';

export function password(me, may) {
  if (!hasPassword(me)) return undefined;
  if (!may('password')) return card({ title: say('password') }, make('p', { class: 'faint' }, say('passwordClosed')));
  const mine = make('input', { type: 'text', name: 'username', autocomplete: 'username', value: me.email ?? '', hidden: true, readOnly: true });
  const { wrap, input } = field({ label: say('newPassword'), hint: say('passwordEnds'), name: 'password', type: 'password', autocomplete: 'new-password', required: true });
  const save = make('button', {}, say('changePassword'));
  const form = make('form', {}, mine, wrap, make('div', { class: 'row' }, save));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    attempt(async () => {
      await client.updateMe({ password: input.value });
      form.reset();
      inform(say('passwordChanged'));
    }, save, { FAILED_VALIDATION: 'weakPassword' });
  });
  return card({ title: say('password') }, form);
}

/** Asks for a code, and does something with it. */
function withCode(title, label, work) {
  const { wrap, input } = field({ label: say('otp'), name: 'otp', autocomplete: 'one-time-code', required: true });
  formDialog({ title, label, all: false }, [wrap], async () => {
    try {
      await work(input.value.replaceAll(' ', ''));
    } catch (error) {
      if (error.code === 'INVALID_PAYLOAD') throw Object.assign(error, { code: 'INVALID_OTP_AGAIN' });
      throw error;
    }
  });
}

export function factor(me, may) {
  const place = make('div', { class: 'stack' });
  const state = make('span');
  const own = card({ title: say('secondFactor'), lead: say('secondFactorLead'), action: state }, place);

  function off() {
    show(state, badge(say('off')));
    if (!may('tfa_secret')) return show(place, make('p', { class: 'faint' }, say('factorClosed')));
    const start = button(say('setUp'), () => setUp(place, { needsPassword: hasPassword(me), enabled: () => show(state, badge(say('on'), 'good')), done: on }), { class: 'primary' });
    show(place, make('div', { class: 'row' }, start));
    return undefined;
  }

  function on() {
    show(state, badge(say('on'), 'good'));
    const renew = () => withCode(say('newCodes'), say('goOn'), async (otp) => {
      const codes = await client.recoveryCodes(otp);
      dialog(say('newCodes'), (end) => recoveryCodes(codes, end));
    });
    const drop = () => withCode(say('turnOff'), say('turnOff'), async (otp) => {
      await client.disableTwoFactor(otp);
      inform(say('factorOff'));
      off();
    });
    show(place, make('p', { class: 'faint' }, say('factorOn')), make('div', { class: 'row' }, button(say('newCodes'), renew), may('tfa_secret') && button(say('turnOff'), drop, { class: 'danger' })));
  }

  if (me.tfa_secret) on();
  else off();
  return own;
}
