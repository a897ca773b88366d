/**
 * `npm start`: a real MCP server on HTTP, WebSocket, TCP and a Unix socket at once, with a page that calls it from a
 * browser, or on stdio with `npm start -- --stdio` (add
 * `--silent` before the dashes for a client: npm prints lines of its own to stdout).
 */
import { Folder } from './folder.mjs';
import { showLive } from './live.mjs';
import { Meter } from './meter.mjs';
import { readOptions } from './options.mjs';
import { servePage } from './page.mjs';
import { createDemoServer } from './server.mjs';

/** Calls listen() with each URL in turn until one is free. */
async function listenOnFirstFree(server, urls, options) {
  for (const [index, url] of urls.entries()) {
    try {
      return await server.listen(url, options);
    } catch (error) {
      if (error.code !== 'ADDRESS_IN_USE' || index === urls.length - 1) throw error;
    }
  }
}

function announce({ http, tcp, unix, page }, root) {
  process.stdout.write(
    [
      `ringwire demo: echo, search_files, read_file and long_task over ${root}`,
      `  ${http.url}  (HTTP engine: ${http.engine})`,
      `  ${http.webSocketUrl}`,
      `  ${tcp.url}`,
      `  ${unix.url}`,
      '',
      'Call it from another terminal, or open the page in a browser:',
      `  npx ringwire call ${http.url} echo '{"text":"hello"}'`,
      `  ${page.url}`,
      '',
      'Ctrl-C finishes what is running and ends.',
      '',
    ].join('\n'),
  );
}

/** Ctrl-C or SIGTERM: stop accepting, finish calls, end; a second one ends at once. */
function drainOnSignal(server, stop) {
  let draining = false;
  const drain = async () => {
    if (draining) process.exit(130);
    draining = true;
    stop();
    await server.close();
    process.exit(0);
  };
  process.on('SIGINT', drain);
  process.on('SIGTERM', drain);
}

const options = readOptions();
const meter = new Meter();
const server = createDemoServer(await Folder.open(options.root), meter);
try {
  if (options.stdio) {
    await server.listen('stdio:');
    drainOnSignal(server, () => {});
  } else {
    const tcp = await listenOnFirstFree(
      server,
      options.ports.map((port) => `tcp://127.0.0.1:${port}`),
    );
    const http = await listenOnFirstFree(
      server,
      options.httpPorts.map((port) => `http://127.0.0.1:${port}/mcp`),
      // Pages of this machine may call; others are refused.
      { http: { engine: options.engine, cors: true } },
    );
    const unix = await server.listen(`unix:${options.socket}`);
    const page = await servePage(http.url);
    announce({ http, tcp, unix, page }, options.root);
    const stopShowing = showLive(meter);
    drainOnSignal(server, () => {
      stopShowing();
      page.close();
    });
  }
} catch (error) {
  process.stderr.write(`demo: ${error.message}\n`);
  process.exit(error.code === 'ADDRESS_IN_USE' ? 3 : 1);
}
