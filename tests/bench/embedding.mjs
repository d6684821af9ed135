// A program in Node with a server in it, and nothing else.
import { createServer } from 'node:http';

const { createGatewit } = await import(process.env.PACKAGE);
const { PATH, PACKAGE, ...settings } = process.env;
const gatewit = await createGatewit(settings);
const server = createServer(gatewit.handler).listen(0, '127.0.0.1', () =>
  console.log(`serves on http://127.0.0.1:${server.address().port}`));
process.on('SIGTERM', () => {
  server.close(() => gatewit.close());
  server.closeAllConnections();
});
