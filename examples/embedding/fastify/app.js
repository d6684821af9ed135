// Notes of people who sign in with Gatewit, which lives in this very process.

import Fastify from 'fastify';
import { createGatewit, RefusedError } from 'gatewit-node';

const gatewit = await createGatewit(process.env);
if (gatewit.firstAdmin) console.log(`administrator: ${gatewit.firstAdmin.email} ${gatewit.firstAdmin.password ?? ''}`);

const app = Fastify();
// /auth/…, /users/me and the like are Gatewit's, all else goes on to the routes below.
await app.register(gatewit.fastify);
app.addHook('onClose', () => gatewit.close());
app.decorateRequest('person', null);

/** Lets people in who are signed in, and says who they are. */
async function signedIn(request, reply) {
  const token = request.headers.authorization?.replace(/^Bearer /i, '') ?? '';
  const client = { address: request.ip, userAgent: request.headers['user-agent'] };
  try {
    request.person = await gatewit.verify(token, { client });
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    return reply.code(error.status).send({ error: error.message, code: error.code });
  }
}

const notes = new Map();
app.get('/', async () => 'Hello from the application');
app.get('/notes', { preHandler: signedIn }, async (request) => notes.get(request.person.user) ?? []);
app.post('/notes', { preHandler: signedIn }, async (request, reply) => {
  notes.set(request.person.user, [...(notes.get(request.person.user) ?? []), String(request.body.text)]);
  return reply.code(201).send();
});

console.log(`serves on ${await app.listen({ port: Number(process.env.PORT ?? 3000), host: '127.0.0.1' })}`);
process.on('SIGTERM', () => app.close());
