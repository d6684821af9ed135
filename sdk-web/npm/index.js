// What apps import: `createClient`, the storages and the kind of error.
import { Client } from './client.js';

export { AuthError } from './error.js';
export { setModule } from './load.js';
export { localStorage, memoryStorage, sessionStorage } from './storage.js';

export const createClient = (url, options) => new Client(url, options);
