// The sign-in page: passwords, second factors, providers, and what a redirect brought back.
import { createClient } from './gatewit/index.js';
import { explain, say, translate } from './text.js';

// The page is `<server>/admin/login`, also where the server is below a path.
const server = new URL('..', location.href).href;
const client = createClient(server, { mode: 'session' });
const at = (id) => document.getElementById(id);

/** The provider whose passwords the form asks for; none is the server's own. */
let asking;

const tell = (text) => {
  at('told').textContent = text;
};

/** Runs something, and says what went wrong. */
async function run(work, button) {
  button?.setAttribute('aria-busy', 'true');
  try {
    return await work();
  } catch (error) {
    tell(explain(error.code ?? 'UNKNOWN'));
    if (error.code === 'INVALID_OTP') {
      at('factor').hidden = false;
      at('otp').focus();
    }
  } finally {
    button?.removeAttribute('aria-busy');
  }
}

/** Where to go when signed in: only to pages of this origin, whatever a link says. */
function destination() {
  const wanted = new URLSearchParams(location.search).get('redirect');
  if (!wanted) return undefined;
  const address = new URL(wanted, server);
  return address.origin === location.origin ? address.href : undefined;
}

async function show(session) {
  at('passwords').hidden = at('providers').hidden = Boolean(session);
  at('inside').hidden = !session;
  if (!session) return;
  const next = destination();
  if (next) return location.replace(next);
  const me = await client.me({ fields: ['email', 'first_name', 'last_name'] });
  const name = [me.first_name, me.last_name].filter(Boolean).join(' ') || me.email || say('somebody');
  at('who').textContent = say('inside', name);
}

function submit(event) {
  event.preventDefault();
  tell('');
  const { name, password, otp } = Object.fromEntries(new FormData(event.target));
  const payload = asking ? { identifier: name, password } : { email: name, password };
  run(() => client.login(payload, { provider: asking, ...(otp && { otp }) }), event.submitter);
}

/** Has a letter sent to the address in the form. */
function forgotten({ target }) {
  tell('');
  const field = at('name');
  if (!field.reportValidity()) return;
  run(async () => {
    await client.requestPasswordReset(field.value);
    tell(say('sent'));
  }, target);
}

/** Has the form ask for the passwords of a directory. */
function ask({ name, driver }) {
  asking = name;
  // Passwords of a provider are the provider's matter.
  at('forgotten').hidden = true;
  const field = at('name');
  field.type = driver === 'ldap' ? 'text' : 'email';
  document.querySelector('label[for=name]').textContent = say(driver === 'ldap' ? 'identifier' : 'email');
  at('passwords').hidden = false;
  field.focus();
}

function button(provider) {
  const { name, driver, label } = provider;
  const [item, pressed, mark] = ['li', 'button', 'span'].map((kind) => document.createElement(kind));
  mark.textContent = label.slice(0, 1).toUpperCase();
  mark.ariaHidden = 'true';
  pressed.append(mark, say('with', label));
  pressed.addEventListener('click', () => {
    tell('');
    if (driver === 'ldap' || driver === 'local') return ask(provider);
    // Back to this page, with what it was opened for.
    run(() => client.signInWith(name, { otp: at('otp').value || undefined }), pressed);
  });
  item.append(pressed);
  return item;
}

async function offer() {
  const { providers, disableDefault } = await client.providers();
  if (disableDefault) at('passwords').hidden = true;
  at('providers').append(...providers.map(button));
}

/** The project's name and colour. */
async function brand() {
  const response = await fetch(new URL('server/info', server));
  const { project = {} } = (await response.json()).data ?? {};
  at('project').textContent = project.project_name ?? '';
  if (/^#[0-9a-f]{6}$/i.test(project.project_color ?? '')) document.documentElement.style.setProperty('--brand', project.project_color);
}

translate(document);
at('passwords').addEventListener('submit', submit);
at('forgotten').addEventListener('click', forgotten);
at('leave').addEventListener('click', (event) => run(() => client.logout().then(() => tell(say('left'))), event.target));
client.onChange(({ type, session }) => {
  if (type === 'signed-in' || type === 'signed-out') run(() => show(session));
});
run(brand);
await run(() => client.handleRedirect());
run(offer);
run(() => client.session());
