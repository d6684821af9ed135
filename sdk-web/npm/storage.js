// Where a session is kept. An adapter has `get()` and `set(record | null)`; both may answer promises.

const browsers = (kind, name) => (key = 'gatewit') => {
  // Looked up with each call: where it is blocked, even naming it throws.
  const storage = () => globalThis[name];
  return {
    kind,
    key,
    get: () => JSON.parse(storage().getItem(key)),
    set(record) {
      if (!record) return storage().removeItem(key);
      try {
        storage().setItem(key, JSON.stringify(record));
      } catch (error) {
        // An old token is worse than none: whoever presents it later ends the session.
        storage().removeItem(key);
        throw error;
      }
    },
  };
};

/** Kept for all tabs, until somebody signs out. */
export const localStorage = browsers('local', 'localStorage');

/** Kept until the tab is closed. */
export const sessionStorage = browsers('session', 'sessionStorage');

/** Kept until the page is left. */
export function memoryStorage() {
  let held = null;
  return {
    kind: 'memory',
    get: () => held,
    set(record) {
      held = record;
    },
  };
}

export const storages = { local: localStorage, session: sessionStorage, memory: memoryStorage };
