// The server that these pages belong to: a client of the SDK, and calls for which the SDK has no name.
import { createClient } from './gatewit/index.js';

/** The server's address, also where it lies below a path: pages are `admin/…`, and this file `admin/assets/…`. */
export const root = new URL('../../', import.meta.url).href;

/** The address of a page. */
export const page = (name) => new URL(`admin/${name}`, root).href;

// The session is in a cookie that no script can read; what is kept here is when it ends, so that a page need not ask.
export const client = createClient(root, { mode: 'session', storage: 'local' });

/** Why a call was refused. The names are those of the SDK's errors. */
class Refused extends Error {
  constructor({ code, message, ...facts }) {
    super(message);
    Object.assign(this, { code, ...facts });
  }
}

/** Calls the API; `data` of the answer. A body that is a file goes as it is. */
export async function ask(method, path, body, headers = {}) {
  const file = body instanceof Blob;
  const kind = body && !file ? { 'Content-Type': 'application/json' } : {};
  const response = await client.fetch(path, { method, headers: { ...kind, ...headers }, body: file ? body : body && JSON.stringify(body) });
  const text = await response.text();
  let answer;
  try {
    answer = text ? JSON.parse(text) : {};
  } catch {
    throw new Refused({ code: 'INVALID_ANSWER', message: '', status: response.status });
  }
  if (response.ok) return answer.data;
  const { message = '', extensions = {} } = answer.errors?.[0] ?? {};
  const seconds = Number(response.headers.get('Retry-After'));
  throw new Refused({ code: extensions.code ?? 'UNKNOWN', message, extensions, status: response.status, retryAfter: seconds > 0 ? seconds * 1000 : undefined });
}

export const segment = encodeURIComponent;

/** Where to go when signed in: only to pages of this origin, whatever a link says. */
export function destination(otherwise = page('account')) {
  const wanted = new URLSearchParams(location.search).get('redirect');
  if (!wanted) return otherwise;
  try {
    const address = new URL(wanted, root);
    const here = ['http:', 'https:'].includes(address.protocol) && address.origin === location.origin;
    // The sign-in page itself would send us back here.
    return here && address.pathname !== new URL(page('login')).pathname ? address.href : otherwise;
  } catch {
    return otherwise;
  }
}
