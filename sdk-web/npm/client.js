// The client. What is decided about a session is decided in the module (`../src`); here are the names, and the waiting.
import { AuthError, failed } from './error.js';
import { bearer, parsed, refusal, refusesTheToken, send } from './http.js';
import { load } from './load.js';
import { Core } from './module.js';
import { comeBack, leave, open, refused, returned } from './redirect.js';
import { storages } from './storage.js';

/** The codes by which a server refuses a token, or the cookie of a session that has ended. */
const OF_TOKENS = ['INVALID_CREDENTIALS', 'INVALID_TOKEN', 'TOKEN_EXPIRED'];
/** The codes by which it says that there is no session where it was looked for. */
const OF_NO_SESSION = [...OF_TOKENS, 'INVALID_PAYLOAD', 'USER_SUSPENDED'];

const unless = (error) => {
  if (error) throw new AuthError(error);
};

const segment = encodeURIComponent;

const query = (path, options = {}) => {
  const text = (value) => (typeof value === 'object' && !Array.isArray(value) ? JSON.stringify(value) : value);
  const pairs = Object.entries(options).map(([name, value]) => `${segment(name)}=${segment(text(value))}`);
  return pairs.length ? `${path}?${pairs.join('&')}` : path;
};

export class Client {
  #server;
  #core;
  #ready;
  #listeners = new Set();

  constructor(url, { storage = 'memory', ...options } = {}) {
    const base = new URL(url, globalThis.location?.href).href.replace(/[?#].*$/, '').replace(/\/+$/, '');
    const adapter = storages[storage]?.(`gatewit:${base}`) ?? storage;
    options = {
      mode: 'cookie',
      autoRefresh: true,
      msRefreshBeforeExpires: 30_000,
      msTimeout: 30_000,
      origins: [],
      // Looked up with each call: others may wrap it later.
      fetch: (...request) => fetch(...request),
      ...options,
      storage: adapter,
      globalThis,
      tell: (change) => this.#tell(change),
      refresh: (session) => this.#about('/auth/refresh', session),
      revoke: (session) => this.#about('/auth/logout', session),
    };
    // Tabs that share a session hear each other, and no others.
    options.name = `gatewit:${base}:${options.mode === 'json' ? adapter.key : options.mode}`;
    this.url = base;
    this.#server = { url: base, options };
    this.#ready = this.#start();
    // Whoever calls something is told.
    this.#ready.catch(() => {});
  }

  async #start() {
    await load();
    const { options } = this.#server;
    const core = new Core(options);
    let kept = null;
    try {
      kept = options.mode === 'cookie' ? null : await options.storage.get();
    } catch {
      // Blocked, or nothing that can be read: as if there were nothing.
    }
    core.restored(kept);
    return (this.#core = core);
  }

  #tell({ type, error, session }) {
    const change = { type, session, error: error && new AuthError(error) };
    for (const listener of [...this.#listeners]) {
      try {
        listener(change);
      } catch (thrown) {
        // The app's mistake, and not the end of a refresh.
        setTimeout(() => {
          throw thrown;
        });
      }
    }
  }

  /** Tells the server something about a session. */
  async #about(path, { mode, refresh_token }) {
    if (mode === 'json' && !refresh_token) return {};
    const body = { mode, ...(mode === 'json' && { refresh_token }) };
    const { body: answer, error } = await send(this.#server, { path, body, cookies: mode !== 'json' });
    return { data: answer?.data, error };
  }

  /** The session to send a request with: renewed if it is time; the old one if that fails and it is still good. */
  async #fresh() {
    const core = await this.#ready;
    if (core.needsRefresh()) {
      const error = await core.renew(false);
      if (error && !core.canDoWithout()) throw new AuthError(error);
    }
    return core.current();
  }

  /** Whether there is another session than the one that was refused, by now or after a refresh. */
  async #isBetter(used) {
    const held = this.#core.current();
    if (held && (held.access_token !== used.access_token || held.expires_at !== used.expires_at)) return true;
    return !(await this.#core.renew(true));
  }

  /** Sends a request of the protocol, signed if it is about the person. All of the answer. */
  async #send(method, path, body, signed = false) {
    for (let again = true; ; again = false) {
      const session = signed ? await this.#fresh() : null;
      const cookies = session?.mode === 'session' || (!signed && this.#server.options.mode === 'session');
      const { body: answer, error } = await send(this.#server, { method, path, body, token: session?.access_token, cookies });
      if (!error) return answer;
      // Unsigned, it was the cookie of a session that had ended, which the answer has taken away.
      if (!again || !OF_TOKENS.includes(error.code) || (signed && (!session || !(await this.#isBetter(session))))) throw new AuthError(error);
    }
  }

  async #own(method, path, body) {
    return (await this.#send(method, path, body, true))?.data;
  }

  async #sign(path, body) {
    const core = await this.#ready;
    const { mode } = this.#server.options;
    // The cookie of a session that has ended would have the sign-in refused: any request takes it away.
    if (mode === 'session' && !core.current()) await this.providers().catch(() => {});
    await core.quiet();
    const { body: answer, error } = await send(this.#server, { path, body: { ...body, mode }, cookies: mode !== 'json' });
    unless(error);
    const session = core.signedIn(answer.data, mode);
    if (!session) throw failed('INVALID_ANSWER', 'an answer without a session');
    return session;
  }

  /** Goes on after a provider, with the reason why there is no session, if so. */
  async #cameBack(reason) {
    await this.#ready;
    if (reason) throw refused(reason);
    return this.#takeOver();
  }

  /** Takes over the session that a sign-in at a provider left in a cookie; in which, the provider's `MODE` says. */
  async #takeOver() {
    const core = await this.#ready;
    await core.quiet();
    let last;
    for (const mode of this.#server.options.mode === 'session' ? ['session', 'cookie'] : ['cookie', 'session']) {
      const { data, error } = await this.#about('/auth/refresh', { mode });
      const session = error ? undefined : core.signedIn(data, mode);
      if (session) return session;
      last = error ?? { code: 'INVALID_ANSWER', message: 'an answer without a session' };
      if (!OF_NO_SESSION.includes(last.code)) break;
    }
    throw new AuthError(last);
  }

  login(payload, { otp, provider } = {}) {
    return this.#sign(provider ? `/auth/login/${segment(provider)}` : '/auth/login', otp ? { ...payload, otp } : payload);
  }

  loginWithOtp(payload, otp, options) {
    return this.login(payload, { ...options, otp });
  }

  async logout() {
    unless(await (await this.#ready).signOut());
  }

  async refresh() {
    const core = await this.#ready;
    unless(await core.renew(true));
    return core.current();
  }

  session() {
    return this.#fresh();
  }

  async getToken() {
    return (await this.#fresh())?.access_token ?? null;
  }

  onChange(listener) {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  async stopRefreshing() {
    (await this.#ready).stopRefreshing();
  }

  async close() {
    this.#listeners.clear();
    (await this.#ready).close();
  }

  /** `fetch` itself. What fails before an answer is an `AuthError`, too. */
  async fetch(input, init = {}) {
    const { url, options } = this.#server;
    const path = typeof input === 'string' && input.startsWith('/') && !input.startsWith('//');
    let request = new Request(path ? url + input : input, init);
    // The token goes to the server and where the app says, and nowhere else.
    const known = [url, ...options.origins].some((address) => new URL(address).origin === new URL(request.url).origin);
    if (!known || request.headers.has('Authorization')) return options.fetch(request);
    for (let again = true; ; again = false) {
      const session = await this.#fresh();
      const spare = session && again && request.clone();
      if (session?.access_token) request.headers.set('Authorization', bearer(session.access_token));
      if (session?.mode === 'session' && !init.credentials) request = new Request(request, { credentials: 'include' });
      const response = await options.fetch(request);
      if (!spare || !(await refusesTheToken(response)) || !(await this.#isBetter(session))) return response;
      request = spare;
    }
  }

  signInWith(provider, { popup = false, ...options } = {}) {
    if (!globalThis.location) return Promise.reject(failed('UNSUPPORTED', 'there is no page here'));
    if (!popup) return leave(this.url, provider, options), new Promise(() => {});
    const flow = open(this.url, provider, options);
    if (!flow) return Promise.reject(failed('POPUP_BLOCKED', 'the browser did not let a window open'));
    return comeBack(flow, options).then((reason) => this.#cameBack(reason));
  }

  async handleRedirect() {
    const reason = returned();
    return reason === undefined ? null : this.#cameBack(reason);
  }

  async providers({ sessionOnly = false } = {}) {
    const { data, disableDefault } = await this.#send('GET', sessionOnly ? '/auth?sessionOnly' : '/auth');
    return { providers: data, disableDefault };
  }

  async requestPasswordReset(email, resetUrl) {
    await this.#send('POST', '/auth/password/request', { email, reset_url: resetUrl });
  }

  async resetPassword(token, password) {
    await this.#send('POST', '/auth/password/reset', { token, password });
  }

  async register(email, password, options) {
    await this.#send('POST', '/users/register', { email, password, ...options });
  }

  async verify(token) {
    if (!token) throw failed('INVALID_TOKEN', 'there is no token');
    await this.#send('GET', `/users/register/verify-email?token=${segment(token)}`);
  }

  async acceptInvite(token, password) {
    await this.#send('POST', '/users/invite/accept', { token, password });
  }

  me(options) {
    return this.#own('GET', query('/users/me', options));
  }

  updateMe(changes, options) {
    return this.#own('PATCH', query('/users/me', options), changes);
  }

  generateTwoFactorSecret(password) {
    return this.#own('POST', '/users/me/tfa/generate', { password });
  }

  async enableTwoFactor(secret, otp) {
    await this.#own('POST', '/users/me/tfa/enable', { secret, otp });
  }

  async disableTwoFactor(otp) {
    await this.#own('POST', '/users/me/tfa/disable', { otp });
  }

  async recoveryCodes(otp) {
    return (await this.#own('POST', '/users/me/tfa/recovery-codes', { otp })).codes;
  }

  async twoFactorQrCode(otpauthUrl) {
    const headers = { 'Content-Type': 'application/json' };
    const body = JSON.stringify({ otpauth_url: otpauthUrl });
    const response = await this.fetch('/users/me/tfa/qr-code', { method: 'POST', headers, body });
    if (!response.ok) throw new AuthError(refusal(response, await parsed(response)));
    return response.text();
  }

  identities() {
    return this.#own('GET', '/users/me/identities');
  }

  async linkIdentity(provider, { redirect = globalThis.location?.href } = {}) {
    const { url } = await this.#own('POST', `/users/me/identities/${segment(provider)}`, { redirect });
    globalThis.location?.assign(url);
    return url;
  }

  async unlinkIdentity(id) {
    await this.#own('DELETE', `/users/me/identities/${segment(id)}`);
  }
}
