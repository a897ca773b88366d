/** Chromium without a window, for tests: driven over the DevTools protocol's pipe, gone when they end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';

const programs = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** The browser's program; undefined where none is installed. */
export const chromium = programs.find((program) => existsSync(program));

/** For the name of what is skipped then. */
export const chromiumMissing =
  chromium === undefined ? ` (skipped: none of ${programs.join(', ')} is there)` : '';

const flags = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--no-first-run',
  '--no-proxy-server',
  '--hide-scrollbars',
];

export interface StartedChromium {
  readonly process: ChildProcess;
  /** Ends the browser with all its processes and removes its profile. */
  close(): Promise<void>;
}

/** Starts a browser of its own, with a profile of its own. */
export async function startChromium(
  args: readonly string[],
  stdio: 'ignore' | 'pipe' = 'ignore',
): Promise<StartedChromium> {
  const profile = await mkdtemp(join(tmpdir(), 'ringwire-chromium-'));
  // A process group of its own: the browser is many processes.
  const browser = spawn(chromium ?? '', [...flags, `--user-data-dir=${profile}`, ...args], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', stdio, stdio],
  });
  const ended = once(browser, 'exit');
  return {
    process: browser,
    async close() {
      if (browser.pid !== undefined && browser.exitCode === null && browser.signalCode === null) {
        process.kill(-browser.pid, 'SIGKILL');
        await ended;
      }
      await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}

type Json = Record<string, unknown>;
interface Waiting {
  resolve(result: Json): void;
  reject(error: Error): void;
}

/** Messages of the DevTools protocol, each ended by a zero byte (https://chromedevtools.github.io/devtools-protocol/). */
class Connection {
  #last = 0;
  #text = '';
  readonly #waiting = new Map<number, Waiting>();
  readonly #out: Writable;
  /** By session. */
  readonly listeners = new Map<string, (method: string, params: Json) => void>();

  constructor(browser: ChildProcess) {
    this.#out = browser.stdio[3] as Writable;
    // A browser that is gone is told by 'exit'.
    this.#out.on('error', () => {});
    const input = browser.stdio[4] as Readable;
    input.setEncoding('utf8').on('data', (chunk: string) => this.#take(chunk));
    browser.once('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the browser ended'));
    });
  }

  #take(chunk: string): void {
    const messages = (this.#text + chunk).split('\0');
    this.#text = messages.pop() as string;
    for (const text of messages) {
      const message = JSON.parse(text) as Json & { params?: Json; error?: { message: string } };
      if (typeof message.id !== 'number') {
        this.listeners.get(String(message.sessionId))?.(String(message.method), message.params ?? {});
        continue;
      }
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.error) waiting?.reject(new Error(message.error.message));
      else waiting?.resolve(message.result as Json);
    }
  }

  call(method: string, params: Json = {}, sessionId?: string): Promise<Json> {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#out.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }
}

export interface PageOptions {
  readonly dark?: boolean;
  /** CSS pixels. Default 1100 by 900. */
  readonly width?: number;
  readonly height?: number;
}

export interface OpenedPage {
  /** Exceptions, console.error, refusals of the content policy, failed loads: empty for a page that is well. */
  readonly errors: readonly string[];
  /** Addresses that the page loaded or tried to load besides its own. */
  readonly requests: readonly string[];
  /** The value of the expression, a promise awaited; must be JSON. */
  evaluate<Value = unknown>(expression: string): Promise<Value>;
  /** A PNG of the element that the selector names, of the whole page without one; cut at `maxHeight` CSS pixels. */
  screenshot(path: string, of?: { readonly selector?: string; readonly maxHeight?: number }): Promise<void>;
  /** The page as paper shows it. */
  pdf(): Promise<Buffer>;
  setDark(isDark: boolean): Promise<void>;
  /** Any other command of the protocol. */
  command(method: string, params?: Json): Promise<Json>;
  close(): Promise<void>;
}

export interface Browser {
  /** Opens a file from disk and waits until it is loaded and drawn. */
  open(file: string, options?: PageOptions): Promise<OpenedPage>;
  close(): Promise<void>;
}

/** What an event of the protocol says went wrong; undefined for all others. */
function complaint(method: string, params: Json): string | undefined {
  if (method === 'Runtime.exceptionThrown') {
    const { text, exception } = params.exceptionDetails as { text: string; exception?: Json };
    return `${text} ${exception?.description ?? ''}`;
  }
  if (method === 'Runtime.consoleAPICalled' && params.type === 'error')
    return `console.error ${JSON.stringify(params.args)}`;
  if (method !== 'Log.entryAdded') return undefined;
  const { level, text, url } = params.entry as { level: string; text: string; url?: string };
  return level === 'error' ? `${text} ${url ?? ''}` : undefined;
}

const drawn = 'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))';

async function openIn(connection: Connection, file: string, options: PageOptions): Promise<OpenedPage> {
  const url = pathToFileURL(file).href;
  const { targetId } = await connection.call('Target.createTarget', { url: 'about:blank' });
  const attached = await connection.call('Target.attachToTarget', { targetId, flatten: true });
  const sessionId = String(attached.sessionId);
  const command = (method: string, params: Json = {}) => connection.call(method, params, sessionId);
  const errors: string[] = [];
  const requests: string[] = [];
  const loaded = new Promise<void>((resolve) => {
    connection.listeners.set(sessionId, (method, params) => {
      const wrong = complaint(method, params);
      if (wrong !== undefined) errors.push(wrong);
      if (method === 'Network.requestWillBeSent') {
        const { url: address } = params.request as { url: string };
        if (address !== url) requests.push(address);
      }
      if (method === 'Page.loadEventFired') resolve();
    });
  });
  const setDark = (isDark: boolean) =>
    command('Emulation.setEmulatedMedia', {
      features: [{ name: 'prefers-color-scheme', value: isDark ? 'dark' : 'light' }],
    });
  const evaluate = async <Value>(expression: string): Promise<Value> => {
    const answer = await command('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
    const failed = answer.exceptionDetails as { exception?: Json; text: string } | undefined;
    if (failed) throw new Error(String(failed.exception?.description ?? failed.text));
    return (answer.result as { value: Value }).value;
  };
  for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await command(`${domain}.enable`);
  const { width = 1100, height = 900 } = options;
  await command('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false });
  await setDark(options.dark ?? false);
  const { errorText } = await command('Page.navigate', { url });
  if (errorText !== undefined) throw new Error(`${url}: ${errorText}`);
  await loaded;
  await evaluate(drawn);
  return {
    errors,
    requests,
    evaluate,
    command,
    async screenshot(path, { selector = 'html', maxHeight = 20_000 } = {}) {
      const box = `(() => {
        const { x, y, width, height } = document.querySelector(${JSON.stringify(selector)}).getBoundingClientRect();
        return { x: x + scrollX, y: y + scrollY, width, height: Math.min(height, ${maxHeight}), scale: 1 };
      })()`;
      const clip = await evaluate(box);
      const { data } = await command('Page.captureScreenshot', { clip, captureBeyondViewport: true });
      await writeFile(path, Buffer.from(String(data), 'base64'));
    },
    async pdf() {
      const { data } = await command('Page.printToPDF', { printBackground: true });
      return Buffer.from(String(data), 'base64');
    },
    async setDark(isDark) {
      await setDark(isDark);
      await evaluate(drawn);
    },
    async close() {
      connection.listeners.delete(sessionId);
      await connection.call('Target.closeTarget', { targetId });
    },
  };
}

/** One browser for the pages of a test file: starting it takes longer than opening a page. */
export async function openBrowser(): Promise<Browser> {
  const started = await startChromium(['--remote-debugging-pipe'], 'pipe');
  const connection = new Connection(started.process);
  return {
    open: (file, options = {}) => openIn(connection, file, options),
    close: () => started.close(),
  };
}

/** A page in a browser of its own that ends with it. */
export async function openPage(file: string, options: PageOptions = {}): Promise<OpenedPage> {
  const browser = await openBrowser();
  try {
    const page = await browser.open(file, options);
    return { ...page, close: () => browser.close() };
  } catch (error) {
    await browser.close();
    throw error;
  }
}
