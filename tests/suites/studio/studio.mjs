// The Studio of a Directus behind the server, in a browser: signing in by every way that the server has, and going on.
import { createHmac } from 'node:crypto';

import { check, equal, profile, script, truly, until } from '../sdk_web/harness.mjs';

const { URL: url, SECRET: secret, PASSWORD: password } = process.env;

/** The code that an app shows for the secret now, not in the last seconds of its time. */
async function code() {
  const left = 30_000 - (Date.now() % 30_000);
  if (left < 5_000) await new Promise((later) => setTimeout(later, left));
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...secret].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const digest = createHmac('sha1', key).update(step).digest();
  return String((digest.readUInt32BE(digest[19] & 0xf) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

/** A browser at the sign-in page of the Studio. It keeps what the server was asked and how it answered. */
async function atTheDoor() {
  const page = await (await profile()).newPage();
  const answers = [];
  page.on('response', (response) => {
    const { pathname } = new URL(response.url());
    answers.push(`${response.request().method()} ${pathname} ${response.status()}`);
  });
  page.on('pageerror', (error) => process.stderr.write(`page: ${error.stack}\n`));
  await page.goto(`${url}/admin/login`);
  await page.waitForSelector('input[type=email]');
  return Object.assign(page, { answers, saw: (answer) => answers.includes(answer) });
}

async function submit(page, email, typed = password) {
  await page.fill('input[type=email]', email);
  await page.fill('input[type=password]', typed);
  await page.click('button[type=submit]');
}

const inside = (page) => page.waitForURL((at) => at.pathname.startsWith('/admin/') && !at.pathname.startsWith('/admin/login'));

/** Who the session in the cookie is, as the Directus behind the server says. */
const who = (page) => page.evaluate(async () => {
  const answer = await fetch('/users/me?fields=email,provider', { credentials: 'include' });
  return answer.ok ? (await answer.json()).data : answer.status;
});

/** Looks at records, at an account, and comes back after a reload. */
async function worksOn(page, email) {
  await page.goto(`${url}/admin/content/notes`);
  await page.waitForSelector('text=a note of the tests');
  await page.goto(`${url}/admin/users`);
  await page.waitForSelector(`text=${email}`);
  page.answers.length = 0;
  await page.reload();
  await page.waitForSelector(`text=${email}`);
  await until('the session is refreshed', () => page.saw('POST /auth/refresh 200'));
  equal((await who(page)).email, email);
}

await script(async () => {
  await check('the Studio refuses a wrong password', async () => {
    const page = await atTheDoor();
    await submit(page, 'plain@example.com', 'wrong');
    await until('it is refused', () => page.saw('POST /auth/login 401'));
    truly(new URL(page.url()).pathname === '/admin/login', page.url());
    await page.context().close();
  });

  await check('the Studio signs in with a password, works on and signs out', async () => {
    const page = await atTheDoor();
    await submit(page, 'plain@example.com');
    await inside(page);
    truly(page.saw('POST /auth/login 200'), page.answers.join('\n'));
    await worksOn(page, 'plain@example.com');
    await page.goto(`${url}/admin/logout`);
    await page.waitForSelector('input[type=email]');
    await until('it is signed out', () => page.saw('POST /auth/logout 204'));
    truly([401, 403].includes(await who(page)), 'still signed in');
    await page.context().close();
  });

  await check('the Studio signs in with a second factor', async () => {
    const page = await atTheDoor();
    await submit(page, 'factor@example.com');
    await page.waitForSelector('input[autocomplete=one-time-code]');
    await page.fill('input[autocomplete=one-time-code]', await code());
    await page.click('button[type=submit]');
    await inside(page);
    await worksOn(page, 'factor@example.com');
    await page.context().close();
  });

  await check('the Studio signs in at an OpenID provider', async () => {
    const page = await atTheDoor();
    await page.click('.sso-link');
    await page.waitForURL(/\/interaction\//);
    await page.goto(`${page.url()}?login=alice`);
    await inside(page);
    equal((await who(page)).provider, 'oid');
    await worksOn(page, 'alice@idp.example.com');
    await page.context().close();
  });
});
