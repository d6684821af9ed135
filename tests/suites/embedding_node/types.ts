// What a program in TypeScript may say, and what not.

import { createServer } from 'node:http';
import { createGatewit, ConfigurationError, RefusedError, type Gatewit, type Person, type Tokens } from 'gatewit-node';

const gatewit: Gatewit = await createGatewit(
  { SECRET: 'x', PORT: 8055, CORS_ORIGIN: ['https://a.example'], OFF: undefined },
  { sendMail: async ({ recipient, message }) => console.log(recipient, message.length) },
);
await createGatewit(process.env);
createServer(gatewit.handler);
const tokens: Tokens = await gatewit.login({ email: 'a', password: 'b', client: { address: '192.0.2.1' } });
const person: Person = await gatewit.verify(tokens.accessToken, { signal: AbortSignal.timeout(5) });
const ends: Date[] = (await gatewit.sessions(tokens.accessToken)).map(({ expires }) => expires);
const left: number = await gatewit.endOtherSessions(tokens.accessToken);
try {
  await gatewit.refresh({ refreshToken: tokens.refreshToken ?? '' });
} catch (error) {
  if (error instanceof RefusedError) console.log(error.code, error.status, error.retryAfterMs);
  if (error instanceof ConfigurationError) console.log(error.setting, error.problems.length);
}
// @ts-expect-error one of the two is needed
await gatewit.logout({});
// @ts-expect-error there is no such setting of a client
await gatewit.verify('x', { client: { adress: 'x' } });
console.log(person.user, ends, left);
