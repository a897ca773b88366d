/** The command line of the demo. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const defaultPort = 7337;

const usage = `npm start -- [OPTIONS]

  --stdio        serve on stdin and stdout instead of sockets
  --port PORT    TCP port on 127.0.0.1; ${defaultPort} by default, another one when that is taken; 0 for any
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
  if (values.port !== undefined && !(/^\d+$/.test(values.port) && Number(values.port) <= 65_535)) {
    refuse(`--port must be a number from 0 to 65535, not "${values.port}".`);
  }
  // A port that was asked for must be that port; the default may give way.
  const ports = values.port === undefined ? [defaultPort, 0] : [Number(values.port)];
  return { stdio: values.stdio, ports, socket: values.socket, root: values.root };
}
