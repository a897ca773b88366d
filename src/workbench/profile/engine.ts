/** What records stacks of a process. Each engine sees other frames, and wants its process started in its own way. */
import type { Recording } from '../../analysis/flame/frame.js';

export const engineNames = ['perf', '0x', 'cpu-prof', 'inspector'] as const;
export type EngineName = (typeof engineNames)[number];

/** 'heap': what is alive when recording ends; 'allocations': all that was allocated meanwhile. */
export type ProfileSubject = 'cpu' | 'heap' | 'allocations';

export interface EngineOptions {
  /** Where the engine keeps its data; it exists. */
  readonly folder: string;
  readonly subject: ProfileSubject;
  /** Samples a second, of processor profiles. */
  readonly hertz: number;
  /** Average bytes between two samples of allocations. */
  readonly everyBytes: number;
}

export interface Collected {
  readonly recording: Recording;
  /** Files in the engine's folder that other tools can read. */
  readonly files: readonly string[];
  /** What a reader of the recording must know. */
  readonly notes: readonly string[];
}

export interface Engine {
  readonly name: EngineName;
  /** Flags of Node.js for the process. */
  readonly nodeFlags: readonly string[];
  /** Words before node's, where the engine starts the process itself: over its whole life. */
  readonly runner?: readonly string[];
  /** What takes a while and disturbs nothing yet; before start(), where the pid is known by then. */
  prepare?(pid: number): Promise<void>;
  /** Resolves when the process has ended, or wants to and waits for stop(); where the engine can tell. */
  readonly ended?: Promise<void>;
  /** Recording begins. Undefined pid: the runner or the flags record. */
  start(pid: number | undefined): Promise<void>;
  /** Recording ends; the process runs on, or is gone already. */
  stop(): Promise<void>;
  /** What was recorded. A process that was started for the engine has ended. */
  collect(): Promise<Collected>;
}
