// Goes on at once, as an app does.
import { createClient } from '/gatewit/index.js';

const mode = new URLSearchParams(location.search).get('mode') ?? 'session';
window.client = createClient(location.origin, { mode });
window.changes = [];
window.outcome = client.handleRedirect().then(
  (session) => session ?? 'nothing',
  (error) => ({ code: error.code, reason: error.extensions.reason, name: error.constructor.name }),
);
