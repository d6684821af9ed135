// The sign-in page: passwords, second factors, providers, new accounts, forgotten passwords, and what a redirect brought back.
import { at, show } from './dom.js';
import { enter, handle, head, told } from './gate.js';
import { keep, kept } from './kept.js';
import { explain, run } from './notice.js';
import { client, destination, page } from './server.js';
import { say } from './text.js';
import { labelOf, way } from './ways.js';

/** The provider whose passwords the form asks for; none is the server's own. */
let asking;
/** What was refused because a code was missing, and is tried again with one. */
let again;
/** Whether people can sign in with passwords of the server's own. */
let ownPasswords = true;

const HEADS = { signIn: 'signIn', factor: 'factorNeeded', lost: 'lostTitle', registration: 'register', done: 'letterSent' };

/** Shows one part of the page, and takes the reader to it. */
function view(name, focus) {
  for (const part of document.querySelectorAll('[data-view]')) part.hidden = part.dataset.view !== name;
  head(HEADS[name]);
  (focus ?? document.querySelector(`[data-view=${name}] input:not([type=hidden])`) ?? document.querySelector('h1')).focus();
}

function done(text) {
  at('done').textContent = text;
  told('');
  view('done', document.querySelector('h1'));
}

/** Goes on, once it is certain that the browser has kept the session. */
async function go() {
  let me;
  try {
    me = await client.me();
  } catch (error) {
    if (error.status !== 401 && error.status !== 403) throw error;
    return told(say('cookiesBlocked'));
  }
  const rights = await client.fetch('/policies/me/globals').then((answer) => answer.json()).catch(() => ({}));
  const next = destination();
  // Of somebody who has to set up a second factor first, nothing but the id can be read.
  const unset = rights.data?.enforce_tfa && !me.tfa_secret;
  location.replace(unset ? `${page('tfa-setup')}?redirect=${encodeURIComponent(next)}` : next);
  // The page is about to be left: whoever waits for this keeps waiting.
  await new Promise(() => {});
}

/** Signs in, or asks for the code that is missing. */
async function attempt(work, otp) {
  try {
    await work(otp);
  } catch (error) {
    if (error.code !== 'INVALID_OTP') throw error;
    again = work;
    const wrong = otp !== undefined;
    at('otp').value = '';
    view('factor');
    return told(wrong ? say('INVALID_OTP_AGAIN') : '');
  }
  await go();
}

function signIn({ name, password }) {
  const payload = asking ? { identifier: name, password } : { email: name, password };
  // A further `local` provider calls people by their addresses, too.
  const fitting = asking?.driver === 'local' ? { email: name, password } : payload;
  const provider = asking?.name;
  return attempt((otp) => client.login(fitting, { provider, otp }));
}

/** Has the form ask for the passwords of a provider, or of the server again. */
function ask(provider) {
  asking = provider;
  const directory = provider?.driver === 'ldap';
  told('');
  at('name').type = directory ? 'text' : 'email';
  document.querySelector('label[for=name]').textContent = say(directory ? 'identifier' : 'email');
  // Passwords of a provider are the provider's matter.
  at('forgotten').hidden = at('newcomers').hidden = Boolean(provider);
  at('passwords').hidden = !provider && !ownPasswords;
  at('otherwise').hidden = !provider;
  at('or').hidden = at('ways').hidden = Boolean(provider);
  const heading = document.querySelector('h1');
  heading.textContent = provider ? say('signInAt', labelOf(provider)) : say('signIn');
  at('name').value = at('password').value = '';
  at('name').focus();
}

function leave({ name }, button) {
  told('');
  keep('left-for', name);
  run(() => client.signInWith(name), { button, place: at('told') });
}

async function offer() {
  const { providers, disableDefault } = await client.providers({ sessionOnly: true });
  ownPasswords = !disableDefault;
  at('passwords').hidden = disableDefault && !asking;
  if (!providers.length) return disableDefault && told(say('noWay'));
  show(at('ways'), providers.map((provider) => way(provider, { ask, leave })));
  at('or').hidden = disableDefault;
  at('ways').hidden = false;
}

async function project() {
  const { public_registration: open, public_registration_verify_email: verified, public_note: note } = await entered;
  at('newcomers').hidden = !open || !ownPasswords;
  at('note').hidden = !note;
  at('note').textContent = note ?? '';
  at('registration').dataset.verified = String(verified !== false);
}

/** What the address says that has happened before. */
async function arrived() {
  const query = new URLSearchParams(location.search);
  const failed = query.get('link') === 'verification' ? query.get('reason') : undefined;
  const left = kept('left-for');
  keep('left-for', null);
  if (query.has('left')) return told(say('left'), true);
  if (failed) return told(say('linkUsed'));
  try {
    // A provider that sends people to where they wanted to go does not come here; one that failed does.
    if (await client.handleRedirect()) await go();
  } catch (error) {
    if (error.code !== 'INVALID_OTP' || !left) return told(explain(error, { INVALID_TOKEN: 'signInExpired' }));
    again = (otp) => {
      keep('left-for', left);
      return client.signInWith(left, { otp });
    };
    view('factor');
  }
}

const entered = enter();
at('passwords').addEventListener('input', () => told(''));
handle(at('passwords'), signIn);
handle(at('factor'), ({ otp }) => attempt(again, otp.trim()), { INVALID_OTP: 'INVALID_OTP_AGAIN' });
handle(at('lost'), async ({ email }) => {
  await client.requestPasswordReset(email);
  done(say('lostSent', email));
});
handle(at('registration'), async ({ email, password, ...names }) => {
  const given = Object.fromEntries(Object.entries(names).filter(([, value]) => value));
  await client.register(email, password, given);
  if (at('registration').dataset.verified === 'true') return done(say('registered', email));
  await client.login({ email, password });
  await go();
}, { FORBIDDEN: 'registrationRefused' });

at('forgotten').addEventListener('click', () => {
  told('');
  at('lost-email').value = at('name').value;
  view('lost');
});
at('register').addEventListener('click', () => {
  told('');
  view('registration');
});
at('otherwise').addEventListener('click', () => ask(undefined));
for (const button of document.querySelectorAll('.back')) {
  button.addEventListener('click', () => {
    told('');
    again = undefined;
    view('signIn', at('name'));
  });
}

// Six digits are a code; nobody has to press a button after them.
at('otp').addEventListener('input', () => {
  if (/^\d{6}$/.test(at('otp').value.trim())) at('factor').requestSubmit();
});

// The form can be used from now on. On a telephone the keyboard would hide half of the page.
if (document.activeElement === document.body && matchMedia('(pointer: fine)').matches) at('name').focus();
const returned = arrived();
// What stands below the providers comes with them, or it would be moved by them.
run(offer, { place: at('told') }).then(() => run(project));
await returned;
// Whoever is signed in has nothing to do here.
if (!new URLSearchParams(location.search).has('left')) {
  const session = await client.session().catch(() => null);
  if (session) run(go, { place: at('told') });
}
