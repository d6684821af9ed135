import { useSyncExternalStore } from 'react';
import { createClient } from 'gatewit';

export const client = createClient(location.origin);

// `undefined` until it is known whether somebody is signed in.
let current;
const listeners = new Set();

client.onChange(({ session }) => {
  current = session;
  for (const listener of listeners) listener();
});

const subscribe = (listener) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

/** The session; `null` if nobody is signed in. */
export const useSession = () => useSyncExternalStore(subscribe, () => current);
