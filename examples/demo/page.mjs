/** Serves the page that calls the demo from a browser, on an origin of its own: what a web application would be. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';

/** @param {string} endpoint the MCP endpoint that the page calls */
export async function servePage(endpoint) {
  const html = (await readFile(new URL('page.html', import.meta.url), 'utf8')).replaceAll(
    'ENDPOINT',
    endpoint,
  );
  const server = createServer((request, response) => {
    if (request.url !== '/') response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(html);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
