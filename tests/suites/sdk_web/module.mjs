// The tests that are written beside the module, in Rust (`sdk-web/src/web/tests`, `#[wasm_bindgen_test]`): each in a page and a
// profile of its own, under the names that they have there.
//
// In place of the runner of `wasm-bindgen-cli`, which brings a driver of its own: what it does in a page is a few lines, and the
// browser is the one that all other scripts use. MODULE_TESTS is the folder of `.just/sdk-tests.sh`.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { check, equal, gatewit, profile, script, site, truly } from './harness.mjs';

const { MODULE_TESTS } = process.env;
/** What `wasm-bindgen-test` begins the names of tests with; a `$` after it is for one that is left out. */
const MARK = /^__wbgt_([^_]*)_.*?::web::tests::(.+)$/;
/** The one that has to fail. */
const BROKEN = 'fails_on_purpose';
/** Fewer would mean that they are not found. */
const LEAST = 30;

await script(async () => {
  const server = await gatewit();
  const at = await site({ '/module/': MODULE_TESTS });
  at.target = server.url;
  const module = await WebAssembly.compile(await readFile(join(MODULE_TESTS, 'tests_bg.wasm')));
  const names = WebAssembly.Module.exports(module).map(({ name }) => name);
  const tests = names.map((name) => [name, MARK.exec(name)]).filter(([, found]) => found);

  /** Runs a test; what it said if it failed. */
  const run = async (name) => {
    const context = await profile();
    const page = await context.newPage();
    const said = [];
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(error.message));
    await page.goto(`${at.url}/pages/module.html`);
    const good = await page.evaluate((name) => window.run(name), name);
    const output = await page.locator('#output').textContent();
    await context.close();
    return good === true ? undefined : `${said.join(' ')} ${output}`;
  };

  await check('all are found, and none is left out', async () => {
    truly(tests.length >= LEAST, `${tests.length} tests in ${names.length} exports`);
    equal(tests.filter(([, [, modifiers]]) => modifiers.includes('$')).map(([, [, , name]]) => name), []);
    equal(names.filter((name) => name.startsWith('__wbgt_')).length, tests.length);
  });

  for (const [exported, [, , name]] of tests) {
    if (name === BROKEN) {
      await check('one that fails is seen to fail', async () => {
        const said = await run(exported);
        truly(said?.includes('on purpose'), `it said ${said}`);
      });
      continue;
    }
    await check(name.replace('::', ': ').replaceAll('_', ' '), async () => {
      const said = await run(exported);
      truly(said === undefined, said?.replace(/\s+/g, ' ').slice(0, 1000));
    });
  }
});
