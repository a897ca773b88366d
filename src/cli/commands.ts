import type { Command } from './command.js';

interface CommandEntry {
  readonly summary: string;
  load(): Promise<Command>;
}

/** Each command is a module of its own, loaded when it runs: `serve` pays for nothing that `doctor` needs. */
export const commands: Readonly<Record<string, CommandEntry>> = {
  serve: {
    summary: 'Serve a module over TCP, Unix sockets or stdio',
    load: async () => (await import('./serve.js')).serve,
  },
  call: {
    summary: 'Call a tool or a JSON-RPC method and print the answer',
    load: async () => (await import('./call.js')).call,
  },
  tools: {
    summary: 'List the tools of a server',
    load: async () => (await import('./tools.js')).tools,
  },
  bench: {
    summary: 'Measure a scenario, a server or a command under load',
    load: async () => (await import('./bench.js')).bench,
  },
  'bench compare': {
    summary: 'Compare two servers under the same load, or two files of results',
    load: async () => (await import('./compare.js')).compare,
  },
  'bench trend': {
    summary: 'Show how recorded results changed over time, and where their level changed',
    load: async () => (await import('./trend.js')).trend,
  },
  profile: {
    summary: 'Record where processor time or memory goes, as a flamegraph',
    load: async () => (await import('./profile.js')).profile,
  },
  'profile list': {
    summary: 'List the profiles that are kept',
    load: async () => (await import('./profile-list.js')).profileList,
  },
  'profile diff': {
    summary: 'Compare two profiles in a differential flamegraph',
    load: async () => (await import('./profile-diff.js')).profileDiff,
  },
  'profile remove': {
    summary: 'Remove profiles that are kept',
    load: async () => (await import('./profile-remove.js')).profileRemove,
  },
  analyze: {
    summary: 'Measure transports and explain what limits them',
    load: async () => (await import('./analyze.js')).analyze,
  },
  top: {
    summary: 'Show live what a server or a process does',
    load: async () => (await import('./top.js')).top,
  },
  doctor: {
    summary: 'Say what runs on this machine and what would make it faster',
    load: async () => (await import('./doctor.js')).doctor,
  },
  advise: {
    summary: 'Recommend a transport, buffers and workers for a load, from a short run on this host',
    load: async () => (await import('./advise.js')).adviseCommand,
  },
  capacity: {
    summary: 'Predict what more connections, workers or nodes will serve, from a scaling run',
    load: async () => (await import('./capacity.js')).capacity,
  },
  help: {
    summary: 'Explain a command',
    load: async () => (await import('./help.js')).help,
  },
};
