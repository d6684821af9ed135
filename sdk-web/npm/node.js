// The entry for Node (server rendering, tests): the same, with the module read from the disk.
import { readFile } from 'node:fs/promises';
import { setModule } from './index.js';

setModule(() => readFile(new URL('gatewit.wasm', import.meta.url)));
export * from './index.js';
