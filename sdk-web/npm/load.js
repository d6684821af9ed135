// The module: compiled while it arrives, once for all clients of a page.
import start from './module.js';
import { failed } from './error.js';

let source = () => new URL('gatewit.wasm', import.meta.url);
let started;

/** Where the module is, if not beside this file: an address, bytes, a compiled module, or a function that gives one. */
export function setModule(from) {
  source = typeof from === 'function' ? from : () => from;
  started = undefined;
}

async function begin() {
  try {
    await start({ module_or_path: await source() });
  } catch (error) {
    // Not for good: the next client tries again.
    started = undefined;
    throw failed('NETWORK', `the module could not be loaded: ${error.message}`);
  }
}

export const load = () => (started ??= begin());
