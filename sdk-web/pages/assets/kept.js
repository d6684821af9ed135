// What this browser remembers of the pages themselves. Nothing of a session: that is the SDK's.
//
// Storage may be blocked or full; then nothing is remembered.

const name = (key) => `gatewit:pages:${key}`;

export function kept(key) {
  try {
    return JSON.parse(localStorage.getItem(name(key)));
  } catch {
    return null;
  }
}

export function keep(key, value) {
  try {
    if (value === null) localStorage.removeItem(name(key));
    else localStorage.setItem(name(key), JSON.stringify(value));
  } catch {
    // As if it had not been asked for.
  }
}
