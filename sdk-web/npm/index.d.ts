/** Why something was refused or did not work. Whoever handles these has handled everything. */
export type AuthErrorCode =
  // From servers:
  | 'INVALID_CREDENTIALS'
  | 'INVALID_OTP'
  | 'INVALID_TOKEN'
  | 'TOKEN_EXPIRED'
  | 'USER_SUSPENDED'
  | 'INVALID_IP'
  | 'FORBIDDEN'
  | 'INVALID_PROVIDER'
  | 'INVALID_PROVIDER_CONFIG'
  | 'INVALID_PAYLOAD'
  | 'INVALID_QUERY'
  | 'INVALID_INVITE'
  | 'FAILED_VALIDATION'
  | 'RECORD_NOT_UNIQUE'
  | 'INVALID_FOREIGN_KEY'
  | 'VALUE_TOO_LONG'
  | 'ROUTE_NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  | 'REQUESTS_EXCEEDED'
  | 'EMAIL_LIMIT_EXCEEDED'
  | 'LIMIT_EXCEEDED'
  | 'SERVICE_UNAVAILABLE'
  | 'UNEXPECTED_RESPONSE'
  | 'INTERNAL_SERVER_ERROR'
  | 'UNKNOWN_EXCEPTION'
  // From the SDK itself:
  | 'NETWORK'
  | 'TIMEOUT'
  | 'INVALID_ANSWER'
  | 'SIGNED_OUT'
  | 'POPUP_BLOCKED'
  | 'POPUP_CLOSED'
  | 'STORAGE_FAILED'
  | 'UNSUPPORTED'
  | 'UNKNOWN';

/** The one kind of error that this package throws. */
export declare class AuthError extends Error {
  readonly name: 'AuthError';
  /** For programs. */
  readonly code: AuthErrorCode;
  /** The status of the answer; 0 without one. */
  readonly status: number;
  /** When the server wants to be asked again, in milliseconds from now. */
  readonly retryAfter?: number;
  /** What the server said beside it. */
  readonly extensions: Record<string, unknown>;
}

/** How the server hands tokens over. */
export type AuthenticationMode = 'json' | 'cookie' | 'session';

/** A session, as it is kept. The names are those of `@directus/sdk`. */
export interface AuthenticationData {
  /** `null` in the mode `session`. */
  access_token: string | null;
  /** In the mode `json` only. */
  refresh_token: string | null;
  /** For how long it was good when it came, in milliseconds. */
  expires: number;
  /** Until when it is good, in milliseconds since 1970, by this machine's clock. */
  expires_at: number;
  /** How it is held. After a sign-in at a provider it is in a cookie. */
  mode: AuthenticationMode;
}

/** Where a session is kept. */
export interface AuthenticationStorage {
  get(): AuthenticationData | null | Promise<AuthenticationData | null>;
  set(record: AuthenticationData | null): void | Promise<void>;
}

export interface ClientOptions {
  /** `cookie` if nothing is said. */
  mode?: AuthenticationMode;
  /** `memory` if nothing is said. In the mode `cookie` nothing is kept here. */
  storage?: 'memory' | 'session' | 'local' | AuthenticationStorage;
  /** Whether sessions are renewed without being asked; `true` if nothing is said. */
  autoRefresh?: boolean;
  /** How long before its end a session is renewed; 30000 if nothing is said. */
  msRefreshBeforeExpires?: number;
  /** How long to wait for an answer; 30000 if nothing is said, 0 for ever. */
  msTimeout?: number;
  /** Instead of `include` for requests whose cookies matter, and `same-origin` for others. */
  credentials?: RequestCredentials;
  /** Origins beside the server's own to which `fetch()` sends the token. */
  origins?: string[];
  /** Instead of the global `fetch`. */
  fetch?: typeof globalThis.fetch;
}

export interface LoginOptions {
  /** The code of a second factor, or a recovery code. */
  otp?: string;
  /** A provider that takes passwords: a further `local` one, or `ldap`. */
  provider?: string;
}

/** An address and a password, or what an `ldap` provider calls a person. */
export type LoginPayload = { email: string; password: string } | { identifier: string; password: string };

/** What happened to the session. */
export interface AuthChange {
  /**
   * `signed-in` and `signed-out`, here or in another tab; `renewed`; `unreachable`: the server could not be asked, and the session
   * stays; `unsaved`: the session could not be stored, and ends with the page.
   */
  type: 'signed-in' | 'signed-out' | 'renewed' | 'unreachable' | 'unsaved';
  /** The session as it is now. */
  session: AuthenticationData | null;
  /** Why, unless the person wanted it. */
  error?: AuthError;
}

export interface Provider {
  name: string;
  driver: string;
  label: string;
  icon: string | null;
}

export interface ProviderList {
  providers: Provider[];
  /** Whether people cannot sign in with passwords of this server's own. */
  disableDefault: boolean;
}

export interface RegisterOptions {
  first_name?: string;
  last_name?: string;
  verification_url?: string;
}

export interface Query {
  fields?: string | string[];
  [parameter: string]: unknown;
}

export interface SignInOptions {
  /** In a window of its own; call it while a click is handled. Else this page is left. */
  popup?: boolean;
  /** Where to come back to, a page that calls `handleRedirect()`; this page if nothing is said. */
  redirect?: string;
  /** The code of a second factor. */
  otp?: string;
  /** The third argument of `window.open`. */
  features?: string;
  /** For how long the window has to be gone until it counts as closed; 3000 if nothing is said. */
  msClosed?: number;
}

export interface Identity {
  id: string;
  provider: string;
  [field: string]: unknown;
}

/** A user as the server shows it; which fields there are, rights and `fields` say. */
export interface User {
  id: string;
  [field: string]: any;
}

export interface Client {
  /** The address of the server. */
  readonly url: string;

  login(payload: LoginPayload, options?: LoginOptions): Promise<AuthenticationData>;
  loginWithOtp(payload: LoginPayload, otp: string, options?: LoginOptions): Promise<AuthenticationData>;
  /** Signed out here at once; rejected if the server could not be told. */
  logout(): Promise<void>;
  refresh(): Promise<AuthenticationData>;
  /** The session, renewed if it is time; `null` if nobody is signed in. */
  session(): Promise<AuthenticationData | null>;
  /** Its access token. */
  getToken(): Promise<string | null>;
  /** Tells of changes of the session. What it answers ends that. */
  onChange(listener: (change: AuthChange) => void): () => void;
  stopRefreshing(): Promise<void>;
  /** Ends timers and listening, for clients that do not live as long as their page. */
  close(): Promise<void>;

  /** `fetch` that adds the token, renews it once if it is refused, and tries again. Paths are the server's. */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;

  /** All ways to sign in. */
  providers(options?: { sessionOnly?: boolean }): Promise<ProviderList>;
  signInWith(provider: string, options: SignInOptions & { popup: true }): Promise<AuthenticationData>;
  signInWith(provider: string, options?: SignInOptions): Promise<never>;
  /** Goes on where a provider sent the browser back to: the session, or `null` if it did not. Rejected with what `?reason=` says. */
  handleRedirect(): Promise<AuthenticationData | null>;

  requestPasswordReset(email: string, resetUrl?: string): Promise<void>;
  resetPassword(token: string, password: string): Promise<void>;
  register(email: string, password: string, options?: RegisterOptions): Promise<void>;
  verify(token: string): Promise<void>;
  acceptInvite(token: string, password: string): Promise<void>;

  me<T = User>(query?: Query): Promise<T>;
  updateMe<T = User>(changes: Record<string, unknown>, query?: Query): Promise<T>;
  generateTwoFactorSecret(password: string): Promise<{ secret: string; otpauth_url: string }>;
  enableTwoFactor(secret: string, otp: string): Promise<void>;
  disableTwoFactor(otp: string): Promise<void>;
  recoveryCodes(otp: string): Promise<string[]>;
  /** The secret as a picture (SVG) for a camera. */
  twoFactorQrCode(otpauthUrl: string): Promise<string>;
  identities(): Promise<Identity[]>;
  /** Leaves for the provider to link an identity there; comes back to `redirect`. */
  linkIdentity(provider: string, options?: { redirect?: string }): Promise<string>;
  unlinkIdentity(id: string): Promise<void>;
}

export declare function createClient(url: string | URL, options?: ClientOptions): Client;

/** Kept until the page is left. */
export declare function memoryStorage(): AuthenticationStorage;
/** Kept until the tab is closed. */
export declare function sessionStorage(key?: string): AuthenticationStorage;
/** Kept for all tabs, until somebody signs out. */
export declare function localStorage(key?: string): AuthenticationStorage;

type Module = string | URL | Request | Response | BufferSource | WebAssembly.Module;
/** Where the module is, if not beside this file. Before the first client is made. */
export declare function setModule(source: Module | Promise<Module> | (() => Module | Promise<Module>)): void;
