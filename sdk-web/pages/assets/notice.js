// What people are told: errors in their language, and that something is under way.
import { knows, say } from './text.js';

/** Codes that mean the same to a person. */
const alike = {
  TIMEOUT: 'NETWORK',
  INVALID_ANSWER: 'SERVICE_UNAVAILABLE',
  INVALID_PROVIDER_CONFIG: 'SERVICE_UNAVAILABLE',
  INTERNAL_SERVER_ERROR: 'SERVICE_UNAVAILABLE',
  UNEXPECTED_RESPONSE: 'SERVICE_UNAVAILABLE',
  EMAIL_LIMIT_EXCEEDED: 'REQUESTS_EXCEEDED',
  SIGNED_OUT: 'TOKEN_EXPIRED',
  INVALID_QUERY: 'INVALID_PAYLOAD',
  METHOD_NOT_ALLOWED: 'ROUTE_NOT_FOUND',
};

/** An error for a person. `own` are words of the page for codes that mean something else there. */
export function explain(error, own = {}) {
  const code = error?.code ?? 'UNKNOWN';
  if (own[code]) return say(own[code]);
  const name = alike[code] ?? code;
  const seconds = Math.ceil((error?.retryAfter ?? 0) / 1000);
  if (seconds && (name === 'REQUESTS_EXCEEDED' || name === 'SERVICE_UNAVAILABLE')) return say(`${name}_IN`, seconds);
  if (name === 'FAILED_VALIDATION' && /password/.test(error.extensions?.field ?? '')) return say('weakPassword');
  // What the SDK has no name for either, the server has named.
  return knows(name) ? say(name) : say('other', error?.extensions?.code ?? code);
}

/** The same for administrators, with the server's own words: they name settings and reasons. */
export function explainAll(error) {
  const words = error?.extensions?.reason ?? error?.message;
  return words && ['INVALID_PAYLOAD', 'FORBIDDEN', 'FAILED_VALIDATION', 'RECORD_NOT_UNIQUE', 'SERVICE_UNAVAILABLE'].includes(error.code)
    ? `${explain(error)} ${words}`
    : explain(error);
}

/** Tells something in a place that is read out. */
export function tell(place, text, good = false) {
  place.classList.toggle('good', good);
  place.replaceChildren(text);
  if (text) place.scrollIntoView?.({ block: 'nearest' });
}

/** Runs something, with its button busy, and tells what went wrong; whether it went well. */
export async function run(work, { button, place, words, all = false } = {}) {
  if (button?.getAttribute('aria-busy') === 'true') return false;
  button?.setAttribute('aria-busy', 'true');
  // What was told before belongs to what was done before; what runs by itself leaves it alone.
  if (place && button) tell(place, '');
  try {
    await work();
    return true;
  } catch (error) {
    if (!error?.code) setTimeout(() => { throw error; });
    if (place) tell(place, all ? explainAll(error) : explain(error, words));
    return false;
  } finally {
    button?.removeAttribute('aria-busy');
  }
}
