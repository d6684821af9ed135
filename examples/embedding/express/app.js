// Notes of people who sign in with Gatewit, which lives in this very process.

import express from 'express';
import { createGatewit, RefusedError } from 'gatewit-node';

const gatewit = await createGatewit(process.env);
if (gatewit.firstAdmin) console.log(`administrator: ${gatewit.firstAdmin.email} ${gatewit.firstAdmin.password ?? ''}`);

const app = express();
// Before anything that reads bodies: /auth/…, /users/me and the like are Gatewit's, all else goes on.
app.use(gatewit.handler);
app.use(express.json());

/** Lets people in who are signed in, and says who they are. */
async function signedIn(request, response, next) {
  const token = request.get('authorization')?.replace(/^Bearer /i, '') ?? '';
  const client = { address: request.ip, userAgent: request.get('user-agent') };
  try {
    request.person = await gatewit.verify(token, { client });
    next();
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    response.status(error.status).json({ error: error.message, code: error.code });
  }
}

const notes = new Map();
app.get('/', (_, response) => response.send('Hello from the application'));
app.get('/notes', signedIn, (request, response) => response.json(notes.get(request.person.user) ?? []));
app.post('/notes', signedIn, (request, response) => {
  notes.set(request.person.user, [...(notes.get(request.person.user) ?? []), String(request.body.text)]);
  response.status(201).end();
});

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () =>
  console.log(`serves on http://127.0.0.1:${server.address().port}`));
process.on('SIGTERM', () => server.close(() => gatewit.close()));
