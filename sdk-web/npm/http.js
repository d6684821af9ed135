// Requests to the server, and what their answers say. A promise from here is never rejected: it has `body` or `error`.
import { codeOf } from './module.js';

export const bearer = (token) => `Bearer ${token}`;

const unreached = (error) =>
  error?.name === 'TimeoutError'
    ? { code: 'TIMEOUT', message: 'the server did not answer in time' }
    : { code: 'NETWORK', message: error?.message || 'the server could not be reached' };

/** What a refusal says, as the properties of an `AuthError`. */
export function refusal(response, body) {
  const { message, extensions } = body?.errors?.[0] ?? {};
  const seconds = parseInt(response.headers.get('Retry-After'), 10);
  return {
    code: codeOf(response.status, extensions?.code ?? ''),
    message: message ?? `${response.status} ${response.statusText}`,
    status: response.status,
    retryAfter: seconds >= 0 ? seconds * 1000 : undefined,
    extensions,
  };
}

/** The JSON of an answer; `undefined` if it is none. */
export const parsed = async (response) => {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Whether the server refuses what a request carried as a token. */
export async function refusesTheToken(response) {
  if (response.status !== 403) return response.status === 401;
  return (await parsed(response.clone()))?.errors?.[0]?.extensions?.code === 'INVALID_TOKEN';
}

/** Sends a request. `token` is optional; `cookies` says whether they matter. */
export async function send({ url, options }, { method = 'POST', path, body, token, cookies }) {
  const headers = {};
  if (body) headers['Content-Type'] = 'application/json';
  if (token) headers.Authorization = bearer(token);
  try {
    const response = await options.fetch(url + path, {
      method,
      headers,
      body: body && JSON.stringify(body),
      // Not `omit`: what stands in front of the server may have cookies of its own.
      credentials: options.credentials ?? (cookies ? 'include' : 'same-origin'),
      cache: 'no-store',
      // The verification of an address answers with the way to a page; that there is one is the answer.
      redirect: 'manual',
      signal: options.msTimeout ? AbortSignal.timeout?.(options.msTimeout) : undefined,
    });
    if (response.status === 204 || response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)) return {};
    const answer = await parsed(response);
    return response.ok && answer ? { body: answer } : { error: refusal(response, answer) };
  } catch (error) {
    return { error: unreached(error) };
  }
}
