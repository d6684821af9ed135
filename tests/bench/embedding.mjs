// A program in Node with a server in it, and nothing else.
import { createServer } from 'node:http';

// As much as an answer of the server's.
const BARE = `{"data":{"id":"bare"}}${' '.repeat(600)}`;
const HEAD = [
  'Content-Security-Policy', `script-src 'self'; img-src ${'https://example.com '.repeat(8)}`,
  'Cross-Origin-Opener-Policy', 'same-origin-allow-popups', 'X-Powered-By', 'A program', 'Cache-Control', 'no-cache',
  'Vary', 'Origin, Cache-Control', 'Content-Type', 'application/json; charset=utf-8',
  'Content-Length', String(BARE.length), 'Etag', 'W/"26e-M1DRoJJKLIfho98PltZkxEcZywI"',
];

const { createGatewit } = await import(process.env.PACKAGE);
const { PATH, PACKAGE, ...settings } = process.env;
const gatewit = await createGatewit(settings);
const bare = (response) => response.writeHead(200, HEAD).end(BARE);
const server = createServer((request, response) =>
  request.url === '/bare' ? bare(response) : gatewit.handler(request, response));
server.listen(0, '127.0.0.1', () => console.log(`serves on http://127.0.0.1:${server.address().port}`));
process.on('SIGTERM', () => {
  server.close(() => gatewit.close());
  server.closeAllConnections();
});
