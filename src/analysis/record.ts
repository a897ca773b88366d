/** The JSON line a measurement leaves. docs/benchmarking.md lists the fields; bench/ writes the same ones. */

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly kernel: string;
  /** Bytes; of the cgroup where it is less than the host's. */
  readonly memoryBytes?: number;
  readonly platform?: string;
  /** A digest of the fields above but the kernel: records are comparable where it is equal. */
  readonly fingerprint?: string;
}

export interface BenchRecord {
  readonly scenario: string;
  /** Of the scenario, where it was not its usual one: 'short', 'long'. */
  readonly form?: string;
  /** Who was measured. */
  readonly contender: string;
  readonly transport: string;
  readonly connections: number;
  readonly depth: number;
  /** What was asked for: 'echo', 'mcp', the name of a method. */
  readonly mix?: string;
  /** Bytes of text in each call, where one size was asked for. */
  readonly textBytes?: number;
  /** Messages per second. */
  readonly rate: number;
  /** Of each round. */
  readonly rates?: readonly number[];
  /** Microseconds. */
  readonly p50us: number;
  readonly p90us?: number;
  readonly p95us?: number;
  readonly p99us: number;
  readonly p999us?: number;
  readonly p9999us?: number;
  readonly maxUs?: number;
  readonly meanUs?: number;
  /** Of the server, microseconds of processor time per message; undefined where its process is not known. */
  readonly cpuUsPerMsg?: number;
  /** Cores. */
  readonly serverCpu?: number;
  readonly generatorCpu?: number;
  readonly generatorLate?: boolean;
  /** Which one: 'native', 'javascript', 'h2load'. */
  readonly generator?: string;
  /** Open loop: wanted per second. */
  readonly targetRate?: number;
  readonly rssMb?: number;
  readonly rssPeakMb?: number;
  readonly messages?: number;
  readonly seconds?: number;
  readonly errors: number;
  readonly firstError?: string;
  readonly commit?: string;
  readonly dirty?: boolean;
  readonly node?: string;
  readonly ringwire?: string;
  readonly machine?: Machine;
  /** ISO 8601. */
  readonly date?: string;
}
