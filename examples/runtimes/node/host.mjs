// A host for Gatewit's components: the capabilities that `wit/` names, and nothing else. Each call gets a fresh
// instance, so no component remembers anything.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import argon2 from '@node-rs/argon2';
import { instantiate as instantiateRules } from './components/auth.js';
import { instantiate as instantiateDriver } from './components/local.js';
import { mark } from './store.mjs';

const compiled = new Map();
const core = (path) => {
  const load = () => new WebAssembly.Module(readFileSync(new URL(`components/${path}`, import.meta.url)));
  return compiled.get(path) ?? compiled.set(path, load()).get(path);
};

/** The settings of the rules that these operations ask for. */
const SETTINGS = {
  'access-token-ms': 900_000, 'access-token-seconds': 900, 'refresh-token-ms': 604_800_000, 'login-stall-ms': 500,
  'session-refresh-grace-ms': 10_000, 'password-reset-seconds': 86_400, 'public-url': 'http://127.0.0.1',
};
const setting = (name) => name in SETTINGS
  ? { tag: typeof SETTINGS[name] === 'number' ? 'number' : 'text', val: SETTINGS[name] } : undefined;

/** A key of one purpose, whose bytes stay on this side. What Directus signs with is the secret itself. */
class Key {
  #bytes;
  constructor(secret, purpose) {
    this.#bytes = purpose === 'access-tokens' ? secret : createHmac('sha256', secret).update(purpose).digest();
  }
  algorithm() { return 'HS256'; }
  id() { return undefined; }
  sign(message) { return new Uint8Array(createHmac('sha256', this.#bytes).update(message).digest()); }
  verify(message, signature) {
    const right = this.sign(message);
    return right.length === signature.length && timingSafeEqual(right, signature);
  }
}

/** Compared with where there is no account, so that it takes as long. */
const NOBODY = argon2.hashSync(randomBytes(16).toString('hex'));

/** Who this is, asked of the driver `local` in an instance of its own. What is thrown is the error of the contract. */
function askDriver(store, provider, values) {
  if (provider !== 'default') throw { tag: 'misconfigured', val: 'there is no such provider' };
  const verify = (email, password) => {
    const owner = store.user((user) => user.email.toLowerCase() === email.toLowerCase() && user.provider === provider);
    return argon2.verifySync(owner?.password ?? NOBODY, password) && owner?.password ? 'match' : 'mismatch';
  };
  try {
    return instantiateDriver(core, { 'gatewit:passwords/accounts': { verify } }).credentials.login(values);
  } catch ({ payload }) {
    throw payload ?? { tag: 'unavailable', val: 'the driver crashed' };
  }
}

/** Calls the rules. What they answer, or an error with the reason in `payload`, comes when they want it to. */
export async function call(store, secret, operation) {
  const began = Date.now();
  const hashes = [];
  let holdMs = 0;
  const now = (ms = Date.now()) => ({ seconds: BigInt(Math.floor(ms / 1000)), nanoseconds: (ms % 1000) * 1e6 });
  const denied = () => { throw { tag: 'denied' }; };
  const refused = () => { throw { tag: 'misconfigured', val: 'there is no such provider' }; };
  const imports = {
    ...store.interfaces(hashes),
    'gatewit:auth/pace': { hold: (ms) => { holdMs = Math.max(holdMs, Number(ms)); } },
    'gatewit:config/settings': { get: setting },
    'gatewit:drivers/dispatch': {
      providers: () => [], setting: () => undefined, login: (...asked) => askDriver(store, ...asked), begin: refused,
      recall: refused, finish: refused, refresh: refused, leave: refused, readNotice: refused, describeUs: refused,
    },
    'gatewit:keys/signing': { Key, open: (purpose) => new Key(secret, purpose), import: denied },
    'gatewit:log/log': { write: (level, text, fields) => console.error(level, text, ...fields.map((it) => it.value)) },
    'gatewit:mail/post': { send: ({ values, ...letter }) => console.log(JSON.stringify({ ...letter, values })) },
    'gatewit:passwords/hashing': {
      hash: (password) => hashes.push(argon2.hashSync(password)) - 1,
      mark: (id) => [store.user((user) => user.id === id)].map((user) => user && mark(user.password))[0],
      verifyShare: () => 'mismatch',
    },
    'wasi:clocks/wall-clock': { now },
    'wasi:random/random': { getRandomBytes: (length) => new Uint8Array(randomBytes(Number(length))) },
  };
  try {
    return operation(instantiateRules(core, imports));
  } finally {
    await new Promise((done) => setTimeout(done, began + holdMs - Date.now()));
  }
}
