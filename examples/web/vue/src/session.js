import { shallowRef } from 'vue';
import { createClient } from 'gatewit';

export const client = createClient(location.origin);

/** The session; `null` if nobody is signed in, `undefined` until that is known. */
export const session = shallowRef();

client.onChange((change) => {
  session.value = change.session;
});
