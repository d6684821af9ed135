// Every way to sign in with the official client, against a server that somebody has built into a program of theirs.
// `sdk/harness.mjs` says what it needs and what it prints.

import { prepare } from './sdk/accounts.mjs';
import { finish } from './sdk/harness.mjs';
import { sessions } from './sdk/sessions.mjs';

for (const mode of ['json', 'cookie', 'session']) await sessions(mode, await prepare(mode));
finish();
