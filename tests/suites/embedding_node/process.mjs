// What a program sees of a server besides its answers: the event loop, threads, and the end.

import { spawn } from 'node:child_process';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { admin, check, equal, gatewit, settings, truly } from './harness.mjs';

/** As many as the event loop is watched for, and as many at once as a busy program has. */
const [LOGINS, AT_ONCE] = [1_000, 16];

/** How late the event loop may be, by the median, in milliseconds: far less than one password takes to be hashed. */
const LATE = 5;

export async function loop() {
  await check(`the event loop is free during ${LOGINS} sign-ins`, async () => {
    const server = await gatewit.createGatewit(settings({ HASH_MEMORY_COST: 8_192 }));
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    let begun = 0;
    const person = async () => {
      while (begun < LOGINS) {
        begun += 1;
        await server.login(admin);
      }
    };
    const began = Date.now();
    await Promise.all(Array.from({ length: AT_ONCE }, person));
    delay.disable();
    const [median, last] = [delay.percentile(50) / 1e6, delay.percentile(99) / 1e6];
    console.error(`event loop late by ${median.toFixed(2)} ms at the median, ${last.toFixed(2)} ms at the 99th percentile;`
      + ` ${LOGINS} sign-ins in ${Date.now() - began} ms`);
    truly(median < LATE, `late by ${median} ms at the median`);
    await server.close();
  });
}

/** Calls of a round, and rounds, of which the first three are for what is set up once. */
const [ROUND, ROUNDS] = [6_000, 10];

/** By how much resident memory may differ from the third round to the last, in megabytes: a leak of 100 bytes a call would be 4. */
const GROWTH = 4;

export async function memory() {
  // In a program of its own, with a young generation of V8 that keeps its size: by itself it doubles now and then, up to 48 MB.
  const program = `
    const { createGatewit } = require(${JSON.stringify(require_path())});
    createGatewit(${JSON.stringify(settings())}).then(async (server) => {
      const { accessToken } = await server.login(${JSON.stringify(admin)});
      const calls = [() => server.verify(accessToken), () => server.me(accessToken), () => server.verify('nonsense').catch(() => {})];
      for (let round = 0; round < ${ROUNDS}; round += 1) {
        for (let begun = 0; begun < ${ROUND}; begun += ${AT_ONCE}) {
          await Promise.all(Array.from({ length: ${AT_ONCE} }, (_, index) => calls[(begun + index) % calls.length]()));
        }
        gc();
        console.log(process.memoryUsage.rss() / 2 ** 20);
      }
      await server.close();
    });`;
  await check(`resident memory is flat over ${ROUND * ROUNDS} calls`, async () => {
    const child = spawn(process.execPath, ['--expose-gc', '--max-semi-space-size=1', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (part) => (text += part));
    equal(await new Promise((done) => child.on('close', (code, signal) => done(signal ?? code))), 0);
    const sizes = text.trim().split('\n').map(Number);
    console.error(`resident memory, MB: ${sizes.map((size) => size.toFixed(1)).join(', ')}`);
    equal(sizes.length, ROUNDS);
    truly(sizes.at(-1) - sizes[2] < GROWTH, 'it has grown');
  });
}

export async function ends() {
  const program = (end) => `
    const { createGatewit } = require(${JSON.stringify(require_path())});
    createGatewit(${JSON.stringify(settings())}).then(async (server) => {
      await server.login(${JSON.stringify(admin)});
      ${end}
    });`;
  for (const [name, end] of [
    ['that closes its server', 'await server.close();'],
    ['that forgets to', ''],
    ['that exits with a call under way', `server.login(${JSON.stringify(admin)}); setImmediate(() => process.exit(0));`],
  ]) {
    await check(`a program ${name} ends by itself`, async () => {
      const child = spawn(process.execPath, ['-e', program(end)], { stdio: 'inherit' });
      const code = await new Promise((done) => child.on('close', (code, signal) => done(signal ?? code)));
      equal(code, 0);
    });
  }
  await check('a worker that is stopped with a call under way takes nothing along', async () => {
    const server = await gatewit.createGatewit(settings());
    const worker = new Worker(program('server.login({email: "a@example.com", password: "b"}); postMessage();')
      .replace('const {', 'const postMessage = () => require("node:worker_threads").parentPort.postMessage(1); const {'),
    { eval: true });
    await new Promise((told, failed) => worker.on('message', told).on('error', failed));
    await worker.terminate();
    await server.login(admin);
    await server.close();
  });
}

/** Where the package is, for programs of their own. */
function require_path() {
  return `${process.cwd()}/node_modules/gatewit-node`;
}
