'use strict';

// Gatewit in a Node program. `index.d.ts` documents what is here.

const { Replies, answer } = require('./handler.js');
const errors = require('./errors.js');
const native = require('./native.js');

/** Names as JavaScript has them. */
const camel = (value) => {
  if (Array.isArray(value)) return value.map(camel);
  if (value === null || typeof value !== 'object') return value ?? undefined;
  const name = (text) => text.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [name(key), camel(inner)]));
};

const withDate = ({ expiresMs, ...session }) => ({ ...session, expires: new Date(expiresMs) });

const clientOf = (client) => client && { address: client.address, user_agent: client.userAgent, origin: client.origin };

const heldOf = ({ refreshToken, sessionToken }) => ({ refresh_token: refreshToken, session_token: sessionToken });

class Gatewit {
  #server;
  #replies;
  #facts;
  #closed;

  constructor(server, replies) {
    this.#server = server;
    this.#replies = replies;
    this.#facts = JSON.parse(server.facts());
    this.warnings = this.#facts.warnings;
    this.firstAdmin = camel(this.#facts.first_admin);
    // Both are handed around without their object.
    this.handler = this.handler.bind(this);
    this.fastify = this.fastify.bind(this);
    // Fastify: for the whole application, not only for what is registered inside.
    this.fastify[Symbol.for('skip-override')] = true;
  }

  handler(request, response, next) {
    if (next && !this.owns(request.method, request.url)) return next();
    answer(this.#server, this.#replies, this.#facts.body_limit, request, response);
  }

  fastify(application, _options, done) {
    application.addHook('onRequest', (request, reply, next) => {
      if (!this.owns(request.method, request.raw.url)) return next();
      reply.hijack();
      this.handler(request.raw, reply.raw);
    });
    done();
  }

  owns(method, url) {
    const query = url.indexOf('?');
    return this.#server.owns(method, query < 0 ? url : url.slice(0, query));
  }

  login({ provider, otp, oneToken, client, signal, ...credentials }) {
    return this.#call('login', { provider, otp, one_token: oneToken, credentials }, { client, signal }).then(camel);
  }

  refresh(held, options) {
    return this.#call('refresh', heldOf(held), options).then(camel);
  }

  logout(held, options) {
    return this.#call('logout', heldOf(held), options);
  }

  verify(token, options) {
    return this.#call('verify', { token }, options).then(camel);
  }

  me(token, { fields, ...options } = {}) {
    return this.#call('me', { token, fields }, options);
  }

  sessions(token, options) {
    return this.#call('sessions', { token }, options).then((sessions) => camel(sessions).map(withDate));
  }

  endSession(token, id, options) {
    return this.#call('end_session', { token, id }, options);
  }

  endOtherSessions(token, options) {
    return this.#call('end_other_sessions', { token }, options);
  }

  providers(options) {
    return this.#call('providers', {}, options).then(camel);
  }

  requestPasswordReset(email, { url, ...options } = {}) {
    return this.#call('request_password_reset', { email, url }, options);
  }

  resetPassword(token, password, options) {
    return this.#call('reset_password', { token, password }, options);
  }

  register(email, password, { url, ...options } = {}) {
    return this.#call('register', { email, password, url }, options);
  }

  verifyRegistration(token, options) {
    return this.#call('verify_registration', { token }, options);
  }

  acceptInvitation(token, password, options) {
    return this.#call('accept_invitation', { token, password }, options);
  }

  close() {
    this.#closed ??= this.#server.close().then(() => this.#replies.end());
    return this.#closed;
  }

  async [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    await this.close();
  }

  async #call(operation, given, { client, signal } = {}) {
    signal?.throwIfAborted();
    if (this.#closed) throw new errors.ClosedError();
    const called = this.#server.call(operation, JSON.stringify({ ...given, client: clientOf(client) }));
    const [answered, problem] = await (signal ? unlessAborted(called, signal) : called);
    if (problem !== undefined && problem !== null) throw errors.errorOf(problem);
    return JSON.parse(answered) ?? undefined;
  }
}

/** What was begun goes on; only nobody waits for it any more. */
function unlessAborted(promise, signal) {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

async function createGatewit(settings, { sendMail } = {}) {
  if (settings === null || typeof settings !== 'object') throw new TypeError('createGatewit: settings are an object');
  let server;
  const hand = sendMail && (async (number, json) => {
    let failure;
    try {
      await sendMail(JSON.parse(json));
    } catch (error) {
      failure = String(error?.message || error || 'it threw');
    }
    server?.sent(number, failure);
  });
  const replies = new Replies();
  const started = await native.start(JSON.stringify(settings), replies.told, hand);
  if (typeof started === 'string') {
    replies.end();
    throw errors.errorOf(started);
  }
  server = started;
  return new Gatewit(server, replies);
}

const { GatewitError, ConfigurationError, StartError, RefusedError, ClosedError } = errors;
module.exports = { createGatewit, Gatewit, GatewitError, ConfigurationError, StartError, RefusedError, ClosedError };
