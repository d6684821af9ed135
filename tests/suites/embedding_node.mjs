// The npm package `gatewit-node`, installed where this runs. `embedding_node/harness.mjs` says what is printed.

import { calls, letters } from './embedding_node/calls.mjs';
import { finish } from './embedding_node/harness.mjs';
import { ends, loop, memory } from './embedding_node/process.mjs';
import { requests } from './embedding_node/requests.mjs';

await calls();
await letters();
await requests();
await loop();
await memory();
await ends();
finish();
