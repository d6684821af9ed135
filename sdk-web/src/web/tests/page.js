// What the module's tests do to the page that is easier said in its own language.

export const global = () => globalThis;

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Moves the clock of the page, and nothing else. */
export function moveClock(ms) {
  const now = Date.now;
  Date.now = () => now() + ms;
}

/** From now on timers are written down and never fire: for how long each was set. */
export function holdTimers() {
  const set = [];
  globalThis.setTimeout = (_, ms) => set.push(ms);
  return set;
}

/** Says that something happened, on the window or on the document. */
export const happen = (place, event) => (place ? document : globalThis).dispatchEvent(new Event(event));

/** What a copy to another tab makes of a value. */
export const copied = (value) => structuredClone(value);

/** Has no room left in `localStorage`. */
export function fill() {
  for (let size = 1 << 20; size; size >>= 1) {
    try {
      for (let index = 0; ; index += 1) localStorage.setItem(`${size} ${index}`, 'x'.repeat(size));
    } catch {
      // Less, then.
    }
  }
}

/** As a browser that was told to keep nothing: even naming a storage throws. */
export function block(name) {
  Object.defineProperty(globalThis, name, {
    get() {
      throw new DOMException('Access is denied for this document.', 'SecurityError');
    },
  });
}

/** What the browser's own storage has under this key. */
export const stored = (name, key) => globalThis[name].getItem(key);

export const store = (name, key, text) => globalThis[name].setItem(key, text);

/** A global object whose locks answer every request with this. */
export const locking = (answer) => ({ navigator: { locks: { request: answer } } });

export const rejected = () => Promise.reject(new DOMException('The request was denied.', 'SecurityError'));

/** A promise that is kept when it is told to be. */
export function later() {
  const { promise, resolve, reject } = Promise.withResolvers();
  return { promise, keep: () => resolve(), breakIt: () => reject(new Error('broken')) };
}

/** Puts another query into the address of the page, which stays. */
export const go = (query) => history.replaceState(null, '', location.pathname + query);

export const address = () => location.pathname + location.search;

/**
 * Options of a client as `npm/client.js` makes them, and what came of them: `told` the changes, `asked` the refreshes, `ended` the
 * sign-outs. `life` is that of the sessions that it is given, in milliseconds.
 */
export function options(storage, life, name) {
  let turn = 0;
  const own = {
    mode: 'json',
    storage,
    name: `gatewit:tests:${name}`,
    globalThis,
    autoRefresh: true,
    msRefreshBeforeExpires: 100,
    told: [],
    asked: [],
    ended: [],
    tell: ({ type }) => own.told.push(type),
    refresh: async ({ refresh_token: token }) => {
      own.asked.push(token);
      turn += 1;
      return { data: { access_token: `${name} a${turn}`, refresh_token: `${name} r${turn}`, expires: life } };
    },
    revoke: async ({ refresh_token: token }) => {
      own.ended.push(token);
      return {};
    },
  };
  return own;
}
