import { createClient } from './gatewit/index.js';

const client = createClient(location.origin);
const at = (id) => document.getElementById(id);

/** Runs something, and says what went wrong. */
async function run(work) {
  try {
    await work();
  } catch (error) {
    if (error.code === 'INVALID_OTP') at('factor').hidden = false;
    at('error').textContent = error.code;
  }
}

/** Runs what a person asked for. */
function act(work) {
  at('error').textContent = '';
  return run(work);
}

async function show(session) {
  at('in').hidden = !session;
  at('out').hidden = Boolean(session);
  if (!session) return;
  const me = await client.me({ fields: ['email', 'first_name'] });
  at('name').textContent = me.first_name ?? me.email ?? 'you';
}

client.onChange(({ type, session }) => {
  if (type === 'signed-in' || type === 'signed-out') run(() => show(session));
});

document.querySelector('form').addEventListener('submit', (event) => {
  event.preventDefault();
  const { email, password, otp } = Object.fromEntries(new FormData(event.target));
  act(() => client.login({ email, password }, otp ? { otp } : {}));
});
at('leave').addEventListener('click', () => act(() => client.logout()));

await run(() => client.handleRedirect());
await run(async () => show(await client.session()));
await run(async () => {
  const { providers } = await client.providers();
  for (const { name, label } of providers) {
    const button = document.createElement('button');
    button.textContent = label;
    button.addEventListener('click', () => act(() => client.signInWith(name)));
    at('providers').append(button);
  }
});
