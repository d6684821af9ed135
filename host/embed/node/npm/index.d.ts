import type { IncomingMessage, ServerResponse } from 'node:http';

/** A setting's value. Texts are read as those of a `.env` file; lists and objects stay what they are. */
export type Setting = string | number | boolean | null | undefined | Setting[] | { [name: string]: Setting };

/** Settings by the names of their variables, such as `SECRET` and `DB_FILENAME`. Neither the environment nor files are read. */
export type Settings = { [name: string]: Setting };

/** A letter that is to be sent. It may let somebody in: do not log it. */
export interface Letter {
  /** The same at each try of one letter. */
  id: string;
  recipient: string;
  subject: string;
  /** Where its links lead. They let people in. */
  links: string[];
  /** The whole letter with its headers (RFC 5322). */
  message: string;
}

export interface Options {
  /**
   * Sends letters instead of what `EMAIL_TRANSPORT` says. A letter is kept on the disk and tried again when this throws,
   * rejects, or takes more than a minute.
   */
  sendMail?: (letter: Letter) => void | Promise<void>;
}

/** On whose behalf the program calls. Policies may be bound to the address, and sessions keep it. */
export interface Client {
  address?: string;
  userAgent?: string;
  origin?: string;
}

export interface CallOptions {
  client?: Client;
  /** Rejects at once with the signal's reason. What was begun goes on: a sign-in may have happened. */
  signal?: AbortSignal;
}

/** What the provider asks for, by name: `email` and `password`, or `identifier` and `password`. */
export interface Credentials extends CallOptions {
  email?: string;
  identifier?: string;
  password?: string;
  /** A one-time password or a recovery code. */
  otp?: string;
  /** The name of a provider that takes credentials; without one, passwords of accounts here. */
  provider?: string;
  /** One token that is bound to the session, as browsers hold it in a cookie, instead of a pair. */
  oneToken?: boolean;
}

export interface Tokens {
  accessToken: string;
  /** None with `oneToken`. */
  refreshToken?: string;
  /** How long the access token is good. */
  expiresInMs: number;
}

/** What somebody holds to refresh or to sign out. */
export type Held = { refreshToken: string; sessionToken?: undefined } | { sessionToken: string; refreshToken?: undefined };

/** Whose token it is, as of now: looked up, never read from the token. */
export interface Person {
  /** The id of the account; none for who was let in by a share. */
  user?: string;
  role?: string;
  share?: string;
  /** May do everything. */
  admin: boolean;
  /** May use the app of a Directus. */
  app: boolean;
  /** The ids of the policies that apply to this client. */
  policies: string[];
}

export interface OpenSession {
  /** A name for it, by which it can be ended. No token. */
  id: string;
  user?: string;
  share?: string;
  /** The provider that it goes back to; none for passwords and shares. */
  provider?: string;
  expires: Date;
  /** From where it was last refreshed. */
  client: Client;
  /** Whether the token that asks belongs to it. */
  current: boolean;
}

export interface Provider {
  /** As in `/auth/login/<name>`. */
  name: string;
  driver: string;
  label?: string;
  icon?: string;
}

/** The part of a Fastify application that is needed to register `Gatewit.fastify`. */
export interface FastifyLike {
  addHook(name: 'onRequest', hook: (request: any, reply: any, next: () => void) => void): unknown;
}

/** A server in this process. Several do not know of each other. */
export class Gatewit {
  private constructor();

  /** What is probably not meant in the settings. */
  readonly warnings: string[];
  /** The administrator that this start has made. The password, if it was made up, is nowhere else: tell it now. */
  readonly firstAdmin?: { email: string; password?: string };

  /**
   * Answers a request of `node:http`. With `next`, as Express calls it, what is not Gatewit's goes there: paths that it has
   * no route for, `/` and `/robots.txt`. It may be handed around without its object.
   */
  readonly handler: (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void) => void;

  /** A plugin: `await app.register(gatewit.fastify)`. What is not Gatewit's goes on to the application. */
  readonly fastify: (application: FastifyLike, options: unknown, done: (error?: Error) => void) => void;

  /** Whether `handler` answers this itself when it has a `next`. */
  owns(method: string, url: string): boolean;

  /** Signs somebody in. Whatever could tell whether there is such an account is `INVALID_CREDENTIALS`. */
  login(credentials: Credentials): Promise<Tokens>;
  /** Exchanges what somebody holds for its successor, once. */
  refresh(held: Held, options?: CallOptions): Promise<Tokens>;
  /** Ends a session. A token that is not known is no error. */
  logout(held: Held, options?: CallOptions): Promise<void>;
  /** Whose access token, session token or static token it is. */
  verify(token: string, options?: CallOptions): Promise<Person>;
  /** The account of whose token it is, as far as they may read it. `fields` are names, `*`, or `relation.name`. */
  me(token: string, options?: CallOptions & { fields?: string[] }): Promise<Record<string, unknown>>;
  /** Where the owner of the token is signed in; the session that lasts longest comes first. */
  sessions(token: string, options?: CallOptions): Promise<OpenSession[]>;
  /** Ends one of the sessions of the token's owner. */
  endSession(token: string, id: string, options?: CallOptions): Promise<void>;
  /** Signs the owner of the token out everywhere but in the session of the token. How many sessions ended. */
  endOtherSessions(token: string, options?: CallOptions): Promise<number>;
  /** The providers to show to people, in the configured order. */
  providers(options?: CallOptions): Promise<Provider[]>;
  /** Sends a link for a new password, if there is such an account; whether there was is never told. */
  requestPasswordReset(email: string, options?: CallOptions & { url?: string }): Promise<void>;
  /** Sets a new password with the token of such a link, once. */
  resetPassword(token: string, password: string, options?: CallOptions): Promise<void>;
  /** Makes an account, where the project lets people do that. Whether there is one already is never told. */
  register(email: string, password: string, options?: CallOptions & { url?: string }): Promise<void>;
  /** Verifies an address with the token of a letter. The id of the account. */
  verifyRegistration(token: string, options?: CallOptions): Promise<string>;
  /** Accepts an invitation with the token of its link, and sets a password. */
  acceptInvitation(token: string, password: string, options?: CallOptions): Promise<void>;

  /**
   * Lets what is under way finish, for `SHUTDOWN_TIMEOUT` at most, and lets go of the database. Calls that come later reject
   * with `ClosedError`, requests are answered with 503. Closing twice is closing once.
   */
  close(): Promise<void>;
}

/** Starts a server: in about a second, of which the event loop sees nothing. */
export function createGatewit(settings: Settings, options?: Options): Promise<Gatewit>;

/** Whatever Gatewit throws. */
export class GatewitError extends Error {
  /** What to act on. Treat the set as open. */
  readonly code: string;
}

/** Settings cannot be used; `code` is `INVALID_CONFIGURATION`. */
export class ConfigurationError extends GatewitError {
  /** The first setting that is wrong, where one can be named. */
  readonly setting?: string;
  /** All that is wrong. */
  readonly problems: { setting?: string; message: string }[];
}

/** The server cannot start, for a reason outside of its settings; `code` is `CANNOT_START`. */
export class StartError extends GatewitError {}

/** The rules refuse; `code` is that of the wire, such as `INVALID_CREDENTIALS`. The message may be told to whoever asked. */
export class RefusedError extends GatewitError {
  /** The status that HTTP would have. */
  readonly status: number;
  /** After how long another try makes sense, where it passes by itself. */
  readonly retryAfterMs?: number;
}

/** A call came after `close()`; `code` is `CLOSED`. */
export class ClosedError extends GatewitError {}
