// Gives the names between module and glue one letter each: they hold hashes, which do not compress, and are in both files.
// Usage: node shorten.mjs GLUE <what `wasm-opt --minify-imports-and-exports-and-modules` printed
import { readFileSync, writeFileSync } from 'node:fs';

const [, , file] = process.argv;
const { imports, exports } = JSON.parse(readFileSync(0, 'utf8'));
let glue = readFileSync(file, 'utf8');

/** Replaces all of a text, which has to be there. */
const replace = (from, to, needed) => {
  const parts = glue.split(from);
  if (needed && parts.length === 1) throw new Error(`the glue has no ${from}`);
  glue = parts.join(to);
};
const [[module]] = imports;
replace(`"${module}": import0`, 'a: import0', true);
for (const [, name, short] of imports) replace(`        ${name}: `, `        ${short}: `, true);
// Longer ones first: some are the beginning of others. What only the module's debugging uses is not in the glue.
exports.sort(([one], [other]) => other.length - one.length);
for (const [name, short] of exports) replace(`wasm.${name}`, `wasm.${short}`, false);
writeFileSync(file, glue);
