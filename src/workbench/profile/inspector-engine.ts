/** V8's sampling profilers through the inspector: of any running Node.js process, of its processor time and its heap. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromCpuProfile, fromHeapProfile } from '../../analysis/flame/cpu-profile.js';
import type { Recording } from '../../analysis/flame/frame.js';
import { RingwireError } from '../../errors.js';
import { openInspector } from '../monitor/attach-probe.js';
import { closeDelayMs } from '../monitor/injected-sampler.js';
import { scriptOnly } from './cpu-prof.js';
import { DebuggerConnection } from './debugger.js';
import type { Collected, Engine, EngineOptions } from './engine.js';

/** Behind the answer: closing waits for connections to end, ours among them. Only the evaluation itself has require(). */
const closeExpression = `{ const { close } = require('node:inspector'); setTimeout(() => close(), ${closeDelayMs}).unref(); }`;

export class InspectorEngine implements Engine {
  readonly name = 'inspector';
  /** Any free port: 9229 may be somebody else's. */
  readonly nodeFlags = ['--inspect-port=127.0.0.1:0', '--inspect-publish-uid=http'];
  readonly #options: EngineOptions;
  #connection: DebuggerConnection | undefined;
  #onEnd: () => void = () => {};
  readonly ended = new Promise<void>((resolve) => {
    this.#onEnd = resolve;
  });
  #wasOpen = false;
  #isRecording = false;
  #profile: unknown;

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  async prepare(pid: number): Promise<void> {
    const { target, wasOpen } = await openInspector(pid);
    this.#wasOpen = wasOpen;
    this.#connection = await DebuggerConnection.connect(target.webSocketDebuggerUrl);
    void this.#connection.ended.then(() => this.#onEnd());
  }

  async start(pid: number | undefined): Promise<void> {
    if (this.#connection === undefined && pid !== undefined) await this.prepare(pid);
    const connection = this.#connection;
    if (connection === undefined)
      throw new RingwireError('CONFIG_INVALID', 'The inspector needs the pid of the process.');
    this.#isRecording = true;
    const { subject, hertz, everyBytes } = this.#options;
    if (subject === 'cpu') {
      await connection.post('Profiler.enable');
      await connection.post('Profiler.setSamplingInterval', { interval: Math.round(1e6 / hertz) });
      await connection.post('Profiler.start');
      return;
    }
    const collected = subject === 'allocations';
    await connection.post('HeapProfiler.enable');
    await connection.post('HeapProfiler.startSampling', {
      samplingInterval: everyBytes,
      includeObjectsCollectedByMajorGC: collected,
      includeObjectsCollectedByMinorGC: collected,
    });
  }

  async stop(): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined) return;
    this.#connection = undefined;
    const method = this.#options.subject === 'cpu' ? 'Profiler.stop' : 'HeapProfiler.stopSampling';
    try {
      if (this.#isRecording) {
        const answer = (await connection.post(method)) as { readonly profile?: unknown };
        this.#profile = answer.profile;
      }
    } finally {
      if (!this.#wasOpen) await close(connection);
      connection.close();
    }
  }

  async collect(): Promise<Collected> {
    if (this.#profile === undefined)
      throw new RingwireError('INTERNAL', 'The process ended before its profile could be read.');
    const { subject, folder } = this.#options;
    const file = subject === 'cpu' ? 'profile.cpuprofile' : 'profile.heapprofile';
    await writeFile(join(folder, file), JSON.stringify(this.#profile));
    const recording: Recording =
      subject === 'cpu' ? fromCpuProfile(this.#profile) : fromHeapProfile(this.#profile);
    return { recording, files: [file], notes: subject === 'cpu' ? [scriptOnly] : [heapNotes[subject]] };
  }
}

/** A process that is about to end cannot be asked any more; its inspector ends with it. */
async function close(connection: DebuggerConnection): Promise<void> {
  const params = { expression: closeExpression, includeCommandLineAPI: true };
  await connection.post('Runtime.evaluate', params).catch(() => undefined);
}

const heapNotes = {
  heap: 'Sampled bytes that were allocated while recording and are still alive, by the function that allocated them. Memory of Buffers and of the addon is not of this heap.',
  allocations:
    'Sampled bytes that were allocated while recording, collected or not, by the function that allocated them. Memory of Buffers and of the addon is not of this heap.',
} as const;
