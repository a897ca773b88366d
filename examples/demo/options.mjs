/** The command line of the demo. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const defaultPort = 7337;
const defaultHttpPort = 7338;
const engines = ['auto', 'uws', 'node'];

const usage = `npm start -- [OPTIONS]

  --stdio        serve on stdin and stdout instead of sockets
  --port PORT    TCP port on 127.0.0.1; ${defaultPort} by default, another one when that is taken; 0 for any
  --http-port PORT
                 port of HTTP and WebSocket; ${defaultHttpPort} by default, another one when that is taken; 0 for any
  --engine NAME  HTTP engine: uws, node or auto; auto by default
  --socket PATH  Unix socket; in the temporary folder by default
  --root FOLDER  what search_files and read_file see; the current folder by default
  --help         this text

For a client that starts it: npm start --silent -- --stdio, because npm prints lines of its own to stdout.`;

/** Says what is wrong and ends with 2, as the ringwire command does. */
function refuse(problem) {
  process.stderr.write(`demo: ${problem}\n\n${usage}\n`);
  process.exit(2);
}

export function readOptions(argv = process.argv.slice(2)) {
  let values;
  try {
    ({ values } = parseArgs({
      args: argv,
      options: {
        stdio: { type: 'boolean', default: false },
        port: { type: 'string' },
        'http-port': { type: 'string' },
        engine: { type: 'string', default: 'auto' },
        socket: { type: 'string', default: join(tmpdir(), `ringwire-demo-${process.pid}.sock`) },
        root: { type: 'string', default: process.cwd() },
        help: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    refuse(error.message);
  }
  if (values.help) {
    process.stdout.write(`${usage}\n`);
    process.exit(0);
  }
  if (!engines.includes(values.engine))
    refuse(`--engine must be ${engines.join(', ')}, not "${values.engine}".`);
  return {
    stdio: values.stdio,
    ports: portsOf('--port', values.port, defaultPort),
    httpPorts: portsOf('--http-port', values['http-port'], defaultHttpPort),
    engine: values.engine,
    socket: values.socket,
    root: values.root,
  };
}

/** The ports to try in turn: one that was asked for must be that one, the default may give way. */
function portsOf(name, given, standard) {
  if (given === undefined) return [standard, 0];
  if (/^\d+$/.test(given) && Number(given) <= 65_535) return [Number(given)];
  return refuse(`${name} must be a number from 0 to 65535, not "${given}".`);
}
