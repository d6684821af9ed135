// What the scripts about the pages share: a server with its pages behind a site, letters, codes, and a browser that tells of everything
// that goes wrong in it.
//
// Besides the variables of `../sdk_web/harness.mjs`: MAIL_MODULES is the folder of `smtp-server`, BUILDERS that of `axe-core`, REPORT
// where pictures are kept. GATEWIT_PAGES may name a folder of pages to be tried without a build.
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { atEnd, chromium, equal, gatewit, providers, site, until } from '../sdk_web/harness.mjs';

export * from '../sdk_web/harness.mjs';

const { MAIL_MODULES, BUILDERS, REPORT, GATEWIT_PAGES } = process.env;

/** A server with its pages, behind a site whose address it takes for its own. */
export async function served(settings = {}, idp) {
  const at = await site({ '/gatewit/': null, '/pages/': null });
  const found = idp ? await idp(at.url) : {};
  const own = GATEWIT_PAGES ? { GATEWIT_PAGES } : {};
  const server = await gatewit({ PUBLIC_URL: at.url, EMAIL_TRANSPORT: 'log', ...own, ...(found.settings ? providers(found.settings) : {}), ...settings });
  at.target = server.url;
  return { at, server, ...found };
}

/** A mail server. `letter()` waits for the next one and takes its link out. */
export async function post() {
  const script = fileURLToPath(new URL('../../support/smtp.mjs', import.meta.url));
  const child = spawn(process.execPath, [script], { env: { ...process.env, MODULES: MAIL_MODULES, PORT: '0', TLS: 'none' }, stdio: ['pipe', 'pipe', 'inherit'] });
  atEnd(() => child.kill());
  const letters = [];
  let port;
  createInterface({ input: child.stdout }).on('line', (text) => {
    const event = JSON.parse(text);
    if (event.kind === 'listening') port = event.port;
    if (event.kind === 'letter') letters.push(event);
  });
  await until('there is a mail server', () => port);
  const letter = async () => {
    const next = await until('a letter comes', () => letters.shift());
    return { to: next.recipients[0], link: /https?:\/\/\S+/.exec(next.text)[0] };
  };
  return { settings: { EMAIL_TRANSPORT: 'smtp', EMAIL_SMTP_HOST: '127.0.0.1', EMAIL_SMTP_PORT: String(port), EMAIL_SMTP_IGNORE_TLS: 'true' }, letter };
}

/** For how much longer a code has to be good that is typed now, in milliseconds. */
const TYPING = 5_000;

/** The code of a secret now (RFC 6238), not in its last moment. */
export async function code(secret) {
  await until('a code is good for a while', () => Date.now() % 30_000 < 30_000 - TYPING);
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...secret.replaceAll(/[\s=]/g, '')].map((letter) => letters.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const hash = createHmac('sha1', key).update(step).digest();
  const number = hash.readUInt32BE(hash.at(-1) & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, '0');
}

/** What a browser may say although all is well: refusals that the page tells people of. */
const expected = /status of (400|401|403|404|429|502|503)|net::ERR_(FAILED|INTERNET_DISCONNECTED|CONNECTION|ABORTED)/;

/** A tab with a profile of its own. `wrong` lists exceptions and violations of the content security policy. */
export async function visitor(options = {}) {
  const context = await (await chromium()).newContext({ locale: 'en-GB', ...options });
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  page.wrong = [];
  page.on('pageerror', (error) => page.wrong.push(error.stack));
  page.on('console', (message) => {
    if (message.type() === 'error' && !expected.test(message.text())) page.wrong.push(message.text());
  });
  return page;
}

/** Signs in on the sign-in page and waits for what comes then. */
export async function signIn(page, url, { email, password }, query = '') {
  await page.goto(`${url}/admin/login${query}`);
  await page.getByRole('textbox', { name: 'E-mail' }).fill(email);
  await page.locator('#password').fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

/** A tab of somebody who is signed in and sees their account. */
export async function inside(url, person, options) {
  const page = await visitor(options);
  await signIn(page, url, person);
  await page.getByRole('heading', { level: 1, name: 'Your account' }).waitFor();
  await ready(page);
  return page;
}

/**
 * Waits until what a page fetches at first is there. Pages for who is signed in have no frame at first, as their words
 * may still be under way; from the frame on, they say that they are waiting.
 */
export async function ready(page) {
  await page.locator('body:not(.inside), body.inside > main').waitFor();
  await page.locator('.waiting').waitFor({ state: 'detached' });
}

/** Waits until nothing fades in any more: half a colour is one that cannot be read. */
const settled = (page) =>
  page.evaluate(() => {
    const ending = document.getAnimations().filter(({ effect }) => effect.getComputedTiming().endTime < Infinity);
    return Promise.allSettled(ending.map(({ finished }) => finished)).then(() => {});
  });

let axe;

/** What is wrong with a page for people with other senses. */
export async function violations(page) {
  axe ??= await readFile(createRequire(`${BUILDERS}/package.json`).resolve('axe-core/axe.min.js'), 'utf8');
  await page.evaluate(axe);
  const { violations: found } = await page.evaluate(() => window.axe.run());
  return found.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html }) => html).join(' ')}`);
}

/** Keeps a picture of what a page shows now, in which nothing may be wrong for anybody. */
export async function picture(page, name) {
  await settled(page);
  equal([name, await violations(page)], [name, []]);
  if (!REPORT) return;
  await mkdir(REPORT, { recursive: true });
  await page.screenshot({ path: join(REPORT, `${name}.png`), fullPage: true, animations: 'disabled' });
}
