// Builds apps with the tools of BUILDERS, in a folder of their own: nothing is written to the checkout.
import { execFile, spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

import { atEnd } from './harness.mjs';

const { BUILDERS, PACKAGE } = process.env;
const run = promisify(execFile);

/** A folder in which the tools and the package are found, with what is in `from`. */
export async function workshop(from) {
  await mkdir(join(BUILDERS, 'work'), { recursive: true });
  const folder = await mkdtemp(join(BUILDERS, 'work', 'app-'));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  if (from) await cp(from, folder, { recursive: true, filter: (path) => !/node_modules|dist$/.test(path) });
  await mkdir(join(folder, 'node_modules'), { recursive: true });
  // As `npm install` puts it there; the tools are found further up.
  await cp(PACKAGE, join(folder, 'node_modules/gatewit'), { recursive: true });
  return folder;
}

const output = (error) => Object.assign(new Error(`${error.stdout}\n${error.stderr}`.trim().slice(-2000)), { stack: undefined });

/** Builds an app with Vite, to be served under `base`. */
export async function built(from, base) {
  const folder = await workshop(from);
  const vite = join(BUILDERS, 'node_modules/vite/bin/vite.js');
  await run(process.execPath, [vite, 'build', '--base', base], { cwd: folder }).catch((error) => {
    throw output(error);
  });
  return join(folder, 'dist');
}

/** Serves an app as it is developed, by Vite; its address. */
export async function developed(from, env) {
  const folder = await workshop(from);
  const vite = join(BUILDERS, 'node_modules/vite/bin/vite.js');
  const arguments_ = [vite, '--port', '0', '--strictPort', '--logLevel', 'info', '--clearScreen', 'false'];
  const child = spawn(process.execPath, arguments_, { cwd: folder, env: { ...process.env, NO_COLOR: '1', ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  atEnd(() => child.kill());
  return new Promise((resolve, reject) => {
    let told = '';
    child.on('exit', () => reject(new Error(`vite ended:\n${told}`)));
    for (const pipe of [child.stdout, child.stderr]) {
      createInterface({ input: pipe }).on('line', (line) => {
        told += `${line}\n`;
        const address = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
        if (address) resolve(address);
      });
    }
  });
}

/** Bundles a module with webpack, as it is set up by default. */
export async function packed(source, base) {
  const folder = await workshop();
  await writeFile(join(folder, 'package.json'), '{"type": "module"}');
  await writeFile(join(folder, 'index.js'), source);
  const webpack = createRequire(`${BUILDERS}/package.json`)('webpack');
  const output = { path: join(folder, 'dist'), publicPath: base };
  const settings = { mode: 'production', context: folder, entry: './index.js', output };
  const stats = await promisify(webpack)(settings);
  if (stats.hasErrors()) throw new Error(stats.toString('errors-only'));
  return output.path;
}

/** What `tsc` says of a source that uses the package. */
export async function typed(source) {
  const folder = await workshop();
  await writeFile(join(folder, 'package.json'), '{"type": "module"}');
  await writeFile(join(folder, 'app.ts'), source);
  const tsc = join(BUILDERS, 'node_modules/typescript/bin/tsc');
  const compilerOptions = { noEmit: true, strict: true, module: 'nodenext', target: 'es2022', lib: ['es2022', 'dom'], types: [] };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['app.ts'] }));
  try {
    await run(process.execPath, [tsc], { cwd: folder });
    return '';
  } catch (error) {
    return error.stdout;
  }
}
