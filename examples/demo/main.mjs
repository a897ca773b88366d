/**
 * `npm start`: a real MCP server on TCP and a Unix socket at once, or on stdio with `npm start -- --stdio` (add
 * `--silent` before the dashes for a client: npm prints lines of its own to stdout).
 */
import { Folder } from './folder.mjs';
import { showLive } from './live.mjs';
import { Meter } from './meter.mjs';
import { readOptions } from './options.mjs';
import { createDemoServer } from './server.mjs';

async function listenOnFirstFree(server, ports) {
  for (const [index, port] of ports.entries()) {
    try {
      return await server.listen(`tcp://127.0.0.1:${port}`);
    } catch (error) {
      if (error.code !== 'ADDRESS_IN_USE' || index === ports.length - 1) throw error;
    }
  }
}

function announce(listeners, root) {
  const [tcp] = listeners;
  process.stdout.write(
    [
      `ringwire demo: echo, search_files, read_file and long_task over ${root}`,
      ...listeners.map(({ url }) => `  ${url}`),
      '',
      'Call it from another terminal:',
      `  npx ringwire call ${tcp.url} echo '{"text":"hello"}'`,
      '',
      'Ctrl-C finishes what is running and ends.',
      '',
    ].join('\n'),
  );
}

/** Ctrl-C or SIGTERM: stop accepting, finish calls, end; a second one ends at once. */
function drainOnSignal(server, stopShowing) {
  let draining = false;
  const drain = async () => {
    if (draining) process.exit(130);
    draining = true;
    stopShowing();
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
    const tcp = await listenOnFirstFree(server, options.ports);
    const unix = await server.listen(`unix:${options.socket}`);
    announce([tcp, unix], options.root);
    drainOnSignal(server, showLive(meter));
  }
} catch (error) {
  process.stderr.write(`demo: ${error.message}\n`);
  process.exit(error.code === 'ADDRESS_IN_USE' ? 3 : 1);
}
