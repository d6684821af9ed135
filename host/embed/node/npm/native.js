'use strict';

// The native part: an addon for Node, and the server, a shared library beside it.

const path = require('node:path');

const LIBRARY = { darwin: 'libgatewit_embedded.dylib', win32: 'gatewit_embedded.dll' }[process.platform]
  ?? 'libgatewit_embedded.so';

let addon;
try {
  addon = require('./gatewit.node');
} catch (cause) {
  const where = `${process.platform} on ${process.arch}`;
  throw new Error(`gatewit-node: there is no native part for ${where} in this package`, { cause });
}
addon.load(path.join(__dirname, LIBRARY));

module.exports = addon;
