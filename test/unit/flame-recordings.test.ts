/** Recordings of every engine become the same frames, in the same layers. */
import { describe, expect, it } from 'vitest';
import { fromCpuProfile, fromHeapProfile } from '../../src/analysis/flame/cpu-profile.js';
import { mergeRecordings, parseFolded, printFolded } from '../../src/analysis/flame/folded.js';
import { type Frame, frameLabel, parseLabel } from '../../src/analysis/flame/frame.js';
import { profileLayers, stackLayer } from '../../src/analysis/flame/layers.js';
import { PerfMap } from '../../src/analysis/flame/perf-map.js';
import { fromPerfScript, PerfScriptParser } from '../../src/analysis/flame/perf-script.js';
import { fromTickLog } from '../../src/analysis/flame/tick-log.js';

function thrown(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

const perfText = `node 7 10.1:    1001001 cpu-clock:ppp: 
	ffffffff8200e18f tcp_sendmsg_locked+0x7df ([kernel.kallsyms])
	ffffffff81e2f330 __x64_sys_sendto+0x20 ([kernel.kallsyms])
	ffffffff821ed511 do_syscall_64+0x71 ([kernel.kallsyms])
	          10aba4 __send+0x64 (/usr/lib/x86_64-linux-gnu/libc.so.6)
	    20a45da1fe2a [unknown] ([unknown])

node 7 10.2:    1001001 cpu-clock:ppp: 
	    7f9d00196c91 JS:*call file:///app/with%20space/server.js:12:7+0xc51 (/tmp/perf-7.map)
	    7f9d00199b5d JS:~ node:internal/timers:438:28+0x31d (/tmp/perf-7.map)
	          c494db v8::internal::(anonymous namespace)::Invoke+0x12b (/usr/bin/node)
	         14ac92c uv_run+0x20c (/usr/bin/node)

node 7 10.3:    1001001 cpu-clock:ppp: 
	         14ac92c v8::internal::Scavenger::ScavengePage+0x1 (/usr/bin/node)
	         14ac92c v8::internal::Heap::CollectGarbage+0x1 (/usr/bin/node)
	    7f9d00196c91 JS:^call file:///app/with%20space/server.js:12:7+0xc51 (/tmp/perf-7.map)

node 7 10.4:    1001001 cpu-clock:ppp: 
	               0 [unknown] (/opt/x (old)/module.node (deleted))
`;

const labels = (text: { readonly stacks: readonly { readonly frames: readonly Frame[] }[] }): string[] =>
  text.stacks.map(({ frames }) => frames.map(frameLabel).join(';'));

describe('perf script', () => {
  it('gives stacks from the outermost frame inwards, without frames that are chance', () => {
    const recording = fromPerfScript(perfText);
    expect(labels(recording)).toEqual([
      '__send [libc.so.6];do_syscall_64_[k];__x64_sys_sendto_[k];tcp_sendmsg_locked_[k]',
      'uv_run [node];v8::internal::(anonymous namespace)::Invoke [node];~(anonymous) node:internal/timers:438:28;*call file:///app/with%20space/server.js:12:7',
      '^call file:///app/with%20space/server.js:12:7;v8::internal::Heap::CollectGarbage [node];v8::internal::Scavenger::ScavengePage [node]',
      '[unknown] [module.node]',
    ]);
    expect(recording.stacks.map(({ frames }) => stackLayer(frames))).toEqual([
      'write',
      'handler',
      'gc',
      'node',
    ]);
    expect(recording.stacks[1].frames.map(({ kind }) => kind)).toEqual([
      'native',
      'native',
      'interpreted',
      'optimised',
    ]);
  });

  it('is empty for text that holds no samples', () => {
    expect(fromPerfScript('perf: no samples\n\n').stacks).toEqual([]);
  });

  it('takes names of JavaScript from the map where there is one, and from perf elsewhere', () => {
    const parser = new PerfScriptParser((path, address) =>
      path === '/tmp/perf-7.map' && address === 0x7f9d00196c91 ? 'JS:*later /app/a.js:1:2' : undefined,
    );
    for (const line of perfText.split('\n')) parser.line(line);
    expect(labels(parser.finish())[1]).toBe(
      'uv_run [node];v8::internal::(anonymous namespace)::Invoke [node];~(anonymous) node:internal/timers:438:28;*later /app/a.js:1:2',
    );
  });
});

describe('stacks that are cut short', () => {
  const loop = ['__libc_start_call_main (/lib/libc.so.6)', 'main (/bin/node)', 'uv_run (/bin/node)'];
  const text = (samples: readonly (readonly [thread: number, frames: readonly string[]])[]): string =>
    samples
      .map(([thread, frames]) => {
        const lines = [...frames].reverse().map((frame) => `\t    4011f6 ${frame.replace(' ', '+0x1 ')}`);
        return [`my node ${thread} 1.5:    1001 cpu-clock:ppp: `, ...lines, ''].join('\n');
      })
      .join('\n');
  const whole = (count: number): [number, string[]][] =>
    Array.from({ length: count }, (_, index) => [7, [...loop, `f${index % 2} (/bin/node)`]]);
  const cut = ['uv__io_poll (/bin/node)', '__send (/lib/libc.so.6)'];

  it('stand above what all whole stacks of their thread begin with', () => {
    const recording = fromPerfScript(text([...whole(100), [7, cut], [8, cut]]));
    expect(labels(recording)).toEqual([
      '__libc_start_call_main [libc.so.6];main [node];uv_run [node];f0 [node]',
      '__libc_start_call_main [libc.so.6];main [node];uv_run [node];f1 [node]',
      '__libc_start_call_main [libc.so.6];main [node];uv_run [node];(callers lost);uv__io_poll [node];__send [libc.so.6]',
      'uv__io_poll [node];__send [libc.so.6]',
    ]);
    expect(parseFolded(printFolded(recording)).stacks).toHaveLength(4);
  });

  it('stand there too where one whole stack in a hundred begins otherwise, and lower where more do', () => {
    const skipped: [number, string[]] = [7, [...loop.slice(0, 2), 'uv__hrtime (/bin/node)']];
    const stackOf = (samples: readonly [number, string[]][]): string | undefined =>
      labels(fromPerfScript(text([...samples, [7, cut]]))).at(-1);
    const rest = 'uv__io_poll [node];__send [libc.so.6]';
    expect(stackOf([skipped, ...whole(99)])).toContain(`;uv_run [node];(callers lost);${rest}`);
    expect(stackOf([skipped, skipped, ...whole(98)])).toContain(`;main [node];(callers lost);${rest}`);
  });

  it('stay as they are where few whole ones speak for them', () => {
    const recording = fromPerfScript(text([...whole(99), [7, cut]]));
    expect(labels(recording)[2]).toBe('uv__io_poll [node];__send [libc.so.6]');
  });
});

describe('a map of code', () => {
  const names = (map: PerfMap, addresses: readonly number[]): (string | undefined)[] =>
    addresses.map((address) => map.nameAt(address));

  it('says what was put at an address last', () => {
    const map = new PerfMap(
      [
        '100 100 JS:~whole /a.js:1:1',
        '300 40 JS:*gone file with spaces.js:2:1',
        '140 20 JS:~inside /a.js:3:1',
        'no line',
        '200 0 nothing',
        '1f0 120 JS:*across /a.js:4:1',
        '400 10 cut of',
        '500 1',
      ].join('\n'),
    );
    expect(names(map, [0xff, 0x100, 0x13f, 0x140, 0x15f, 0x160, 0x1ef])).toEqual([
      undefined,
      'JS:~whole /a.js:1:1',
      'JS:~whole /a.js:1:1',
      'JS:~inside /a.js:3:1',
      'JS:~inside /a.js:3:1',
      'JS:~whole /a.js:1:1',
      'JS:~whole /a.js:1:1',
    ]);
    expect(names(map, [0x1f0, 0x30f, 0x310, 0x33f, 0x340, 0x40f, 0x410, 0x500])).toEqual([
      'JS:*across /a.js:4:1',
      'JS:*across /a.js:4:1',
      'JS:*gone file with spaces.js:2:1',
      'JS:*gone file with spaces.js:2:1',
      undefined,
      'cut of',
      undefined,
      undefined,
    ]);
    expect(new PerfMap('').nameAt(1)).toBeUndefined();
  });

  it('agrees with looking through all entries from the last one', () => {
    let seed = 1;
    const random = (below: number): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    const entries = Array.from({ length: 300 }, (_, index) => ({
      start: 0x7f00_0000_0000 + random(2_000),
      size: 1 + random(index % 7 === 0 ? 400 : 12),
      name: `f${index}`,
    }));
    const map = new PerfMap(
      entries.map(({ start, size, name }) => `${start.toString(16)} ${size.toString(16)} ${name}`).join('\n'),
    );
    const addresses = Array.from({ length: 2_500 }, (_, index) => 0x7f00_0000_0000 - 10 + index);
    const expected = addresses.map(
      (address) => entries.findLast(({ start, size }) => address >= start && address < start + size)?.name,
    );
    expect(names(map, addresses)).toEqual(expected);
  });
});

const cpuProfile = {
  startTime: 1_000,
  endTime: 5_000,
  nodes: [
    { id: 1, callFrame: call('(root)', '', -1), children: [2, 4, 5] },
    { id: 2, callFrame: call('outer', 'file:///app/a.js', 9), children: [3] },
    { id: 3, callFrame: call('', 'file:///app/a.js', 19) },
    { id: 4, callFrame: call('(garbage collector)', '', -1) },
    { id: 5, callFrame: call('(idle)', '', -1) },
  ],
  samples: [2, 3, 3, 4, 5, 5],
  timeDeltas: [0, 1_000, 1_000, 1_000, 500, 500],
};

function call(functionName: string, url: string, lineNumber: number) {
  return { functionName, url, lineNumber, columnNumber: 0 };
}

describe('cpuprofile', () => {
  it('counts samples by stack, without idle time in shares', () => {
    const recording = fromCpuProfile(cpuProfile);
    expect(printFolded(recording).trim().split('\n').sort()).toEqual([
      '(garbage collector) 1',
      '(idle) 2',
      'outer file:///app/a.js:10:1_[j] 1',
      'outer file:///app/a.js:10:1_[j];(anonymous) file:///app/a.js:20:1_[j] 2',
    ]);
    expect(profileLayers(recording)).toEqual({ handler: 0.75, gc: 0.25 });
  });

  it('leaves out what is outside of the window', () => {
    const recording = fromCpuProfile(cpuProfile, { fromUs: 1_500, untilUs: 3_500 });
    expect(recording.stacks.map(({ count }) => count)).toEqual([2]);
  });

  it('refuses what is none, and one whose nodes call each other', () => {
    expect(thrown(() => fromCpuProfile({ nodes: [{}] }))).toMatchObject({ code: 'CONFIG_INVALID' });
    const callFrame = { functionName: 'f', url: '', lineNumber: 0, columnNumber: 0 };
    for (const wrong of [
      { nodes: [{ id: 1, callFrame: {} }] },
      { nodes: [{ id: 1, callFrame, children: 5 }], samples: [1] },
      { nodes: [{ id: 1, callFrame }], samples: 5 },
      { nodes: [{ id: 1, callFrame }], samples: [1], timeDeltas: ['x'] },
    ])
      expect(thrown(() => fromCpuProfile(wrong))).toMatchObject({ code: 'CONFIG_INVALID' });
    for (const head of [
      { callFrame },
      { callFrame, selfSize: 1, children: [5] },
      { callFrame: {}, selfSize: 1 },
    ])
      expect(thrown(() => fromHeapProfile({ head }))).toMatchObject({ code: 'CONFIG_INVALID' });
    const circle = {
      ...cpuProfile,
      nodes: cpuProfile.nodes.map((node) => (node.id === 2 ? { ...node, children: [2] } : node)),
      samples: [2],
    };
    expect(thrown(() => fromCpuProfile(circle))).toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('reads allocations in bytes', () => {
    const head = {
      callFrame: call('(root)', '', -1),
      selfSize: 0,
      children: [{ callFrame: call('fill', 'file:///app/a.js', 0), selfSize: 4_096, children: [] }],
    };
    const recording = fromHeapProfile({ head });
    expect(recording.unit).toBe('bytes');
    expect(printFolded(recording)).toBe('fill file:///app/a.js:1:1_[j] 4096\n');
    expect(thrown(() => fromHeapProfile({}))).toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

describe('tick log of V8', () => {
  const code = [
    { name: 'tick file:///app/a.js:5:1', type: 'JS', kind: 'Opt' },
    { name: ' file:///app/a.js:1:1', type: 'JS', kind: 'Unopt' },
    { name: 'JSEntry', type: 'CODE', kind: 'Builtin' },
    { name: '/usr/lib/libc.so.6', type: 'SHARED_LIB' },
    { name: 'node::fs::Read(v8::FunctionCallbackInfo<v8::Value> const&)', type: 'CPP' },
    { name: 'end file:///x/soft-exit.js:3:1', type: 'JS', kind: 'Unopt' },
  ];
  const ticks = [
    { tm: 100, vm: 0, s: [0, 4, 1, 8, 2, 1] },
    { tm: 200, vm: 1, s: [0, 4] },
    { tm: 300, vm: 8, s: [] },
    { tm: 400, vm: 6, s: [3, 0, 4, 2, -1, 0] },
    { tm: 500, vm: 0, s: [5, 0] },
  ];

  it('names code by what it is', () => {
    expect(labels(fromTickLog({ code, ticks }))).toEqual([
      'Builtins_JSEntry;~(anonymous) file:///app/a.js:1:1;*tick file:///app/a.js:5:1',
      '*tick file:///app/a.js:5:1;(garbage collector)',
      '(idle)',
      'node::fs::Read;[unknown] [libc.so.6]',
      '~end file:///x/soft-exit.js:3:1',
    ]);
  });

  it('takes the last part before the end', () => {
    const isEnd = ({ file = '' }: Frame): boolean => file.endsWith('soft-exit.js');
    expect(labels(fromTickLog({ code, ticks }, { lastUs: 100, isEnd }))).toEqual([
      '(idle)',
      'node::fs::Read;[unknown] [libc.so.6]',
    ]);
    expect(thrown(() => fromTickLog({ ticks }))).toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

describe('folded stacks', () => {
  it('come back as they were written', () => {
    const recording = fromPerfScript(perfText);
    const again = parseFolded(printFolded(recording));
    expect(printFolded(again)).toBe(printFolded(recording));
    expect(profileLayers(again)).toEqual(profileLayers(recording));
    expect(mergeRecordings([recording, again]).stacks.map(({ count }) => count)).toEqual([2, 2, 2, 2]);
  });

  it('are read as other tools write them', () => {
    const { stacks } = parseFolded('node;LazyCompile:*run /app/x.js:12;write_[k] 17\r\n\n');
    expect(stacks[0].count).toBe(17);
    expect(stacks[0].frames).toEqual([
      { name: 'node', kind: 'native' },
      { name: 'run', kind: 'optimised', file: '/app/x.js', line: 12 },
      { name: 'write', kind: 'kernel' },
    ]);
  });

  it('keep names in one line and one frame', () => {
    const label = frameLabel({ name: 'a;b\nc', kind: 'native' });
    expect(label).toBe('a:b c');
    expect(parseLabel(label).name).toBe('a:b c');
  });

  it('say which line is none', () => {
    expect(thrown(() => parseFolded('a;b 1\nnonsense\n')).message).toMatch(
      /^Line 2 is no folded stack: "nonsense"/,
    );
  });
});

describe('layers', () => {
  const own = (path: string, name = 'f'): Frame => ({
    name,
    kind: 'javascript',
    file: `ringwire/src/${path}`,
    line: 1,
  });
  const native = (name: string, file = 'node'): Frame => ({ name, kind: 'native', file });
  const user: Frame = { name: 'tool', kind: 'optimised', file: 'app/tools.js', line: 3 };
  const copy = native('__memmove_avx512_unaligned_erms', 'libc.so.6');

  it.each<[string, string, readonly Frame[]]>([
    ['our transports', 'transport', [own('transports/native/engine.ts')]],
    ['writing in them', 'write', [own('transports/http/node/http1-exchange.ts', 'writeAnswer')]],
    ['our dispatcher', 'dispatch', [own('rpc/direct/direct-server.ts')]],
    ['our scanner', 'scan', [native('ringwire::EnvelopeReader::params', 'ringwire.node')]],
    ['the JSON parser of the addon', 'scan', [native('simdjson::icelake::stage1', 'ringwire.node')]],
    ['answers of the addon', 'serialise', [native('ringwire::BatchDispatcher::reply', 'ringwire.node')]],
    ['its queues', 'write', [native('ringwire::Connection::flush', 'ringwire.node')]],
    ['the HTTP parser of Node.js', 'framing', [native('llhttp__internal_execute')]],
    [
      'that of uWebSockets',
      'framing',
      [native('uWS::HttpParser::fenceAndConsumePostPadded', 'uws_linux_x64_115.node')],
    ],
    ['uWebSockets without symbols', 'transport', [native('[unknown]', 'uws_linux_x64_115.node')]],
    ['a handler', 'handler', [own('mcp/tool.ts'), user]],
    [
      'what a handler has Node.js do',
      'handler',
      [user, { name: 'from', kind: 'optimised', file: 'node:buffer', line: 2 }],
    ],
    [
      'its packages',
      'handler',
      [{ name: 'q', kind: 'optimised', file: 'node_modules/pg/lib/query.js', line: 2 }],
    ],
    [
      'JSON.parse for a dispatcher',
      'scan',
      [own('rpc/peer.ts'), native('v8::internal::JsonParser<unsigned char>::ParseJson')],
    ],
    [
      'JSON.parse in a handler',
      'handler',
      [user, native('v8::internal::JsonParser<unsigned char>::ParseJson')],
    ],
    [
      'a copy works for its caller',
      'serialise',
      [native('ringwire::BatchDispatcher::reply', 'ringwire.node'), copy],
    ],
    ['a copy in the collector', 'gc', [user, { ...native('v8::internal::Scavenger::X'), kind: 'gc' }, copy]],
    ['the event loop', 'node', [native('uv_run')]],
    ['switching tasks', 'kernel', [native('epoll_pwait', 'libc.so.6'), { name: 'schedule', kind: 'kernel' }]],
    ['native code that cannot be named', 'other', [{ name: '(program)', kind: 'program' }]],
  ])('%s: %s', (_what, layer, frames) => {
    expect(stackLayer(frames)).toBe(layer);
  });
});
