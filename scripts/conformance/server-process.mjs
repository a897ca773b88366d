// The server under test, in a process of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../test/conformance/server.mjs', import.meta.url));
const exitGraceMs = 5_000;

export class ServerProcess {
  #child;
  #exited;
  url = '';
  stderr = '';

  // Resolves once it listens; rejects with what it printed where it does not.
  static async start(engine) {
    const server = new ServerProcess();
    const child = spawn(process.execPath, [program, '--engine', engine], { stdio: ['pipe', 'pipe', 'pipe'] });
    server.#child = child;
    server.#exited = once(child, 'close');
    child.stderr.setEncoding('utf8').on('data', (text) => {
      server.stderr += text;
    });
    const lines = createInterface({ input: child.stdout });
    const [line] = await Promise.race([once(lines, 'line'), server.#exited.then(() => [undefined])]);
    if (line === undefined) throw new Error(`conformance: the server did not start:\n${server.stderr}`);
    const { url, engine: actual } = JSON.parse(line);
    if (actual !== engine) {
      await server.stop();
      throw new Error(`conformance: engine ${engine} was asked for, ${actual} serves`);
    }
    server.url = url;
    return server;
  }

  get isRunning() {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  // By the end of its input, and by force where that does not do. Resolves with what is wrong about its end.
  async stop() {
    const timer = setTimeout(() => this.kill(), exitGraceMs);
    this.#child.stdin.end();
    const [code, signal] = await this.#exited;
    clearTimeout(timer);
    return code === 0 ? undefined : `the server ended with ${signal ?? code}:\n${this.stderr}`;
  }

  kill() {
    this.#child.kill('SIGKILL');
  }
}
