// A program in Node with a server in it, and nothing else.
import { createServer } from 'node:http';

const BARE = '{"data":{"id":"bare"}}';

const { createGatewit } = await import(process.env.PACKAGE);
const { PATH, PACKAGE, ...settings } = process.env;
const gatewit = await createGatewit(settings);
const bare = (response) => response.setHeader('Content-Type', 'application/json').end(BARE);
const server = createServer((request, response) =>
  request.url === '/bare' ? bare(response) : gatewit.handler(request, response));
server.listen(0, '127.0.0.1', () => console.log(`serves on http://127.0.0.1:${server.address().port}`));
process.on('SIGTERM', () => {
  server.close(() => gatewit.close());
  server.closeAllConnections();
});
