import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { cgroupFindings } from '../../src/cli/doctor/limits.js';
import { nodeFlagFindings } from '../../src/cli/doctor/node-flags.js';
import { readCgroup } from '../../src/observability/cgroup.js';

const mebibyte = 1024 * 1024;
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A folder with these files below it, as a root of `proc` and `sys`. */
function rootWith(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'ringwire-cgroup-'));
  folders.push(root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), `${text}\n`);
  }
  return root;
}

describe('readCgroup', () => {
  it('takes the least of version 2 limits on the way up', () => {
    const root = rootWith({
      'proc/self/cgroup': '0::/app.slice/mcp',
      'sys/fs/cgroup/app.slice/mcp/cpu.max': 'max 100000',
      'sys/fs/cgroup/app.slice/mcp/cpu.stat':
        'usage_usec 5\nnr_periods 200\nnr_throttled 50\nthrottled_usec 9',
      'sys/fs/cgroup/app.slice/mcp/memory.max': 'max',
      'sys/fs/cgroup/app.slice/mcp/memory.current': String(100 * mebibyte),
      'sys/fs/cgroup/app.slice/cpu.max': '150000 100000',
      'sys/fs/cgroup/app.slice/memory.max': String(512 * mebibyte),
    });
    expect(readCgroup(root)).toEqual({
      cpus: 1.5,
      throttledShare: 0.25,
      memoryBytes: 512 * mebibyte,
      memoryUsedBytes: 100 * mebibyte,
    });
  });

  it('reads version 1, whose lack of a limit is a very large one', () => {
    const files = {
      'proc/self/cgroup': '5:cpu,cpuacct:/docker/a\n4:memory:/docker/a\n0::/',
      'sys/fs/cgroup/cpu/docker/a/cpu.cfs_quota_us': '50000',
      'sys/fs/cgroup/cpu/docker/a/cpu.cfs_period_us': '100000',
      'sys/fs/cgroup/memory/docker/a/memory.limit_in_bytes': '9223372036854771712',
      'sys/fs/cgroup/memory/docker/a/memory.usage_in_bytes': '4096',
    };
    expect(readCgroup(rootWith(files))).toEqual({ cpus: 0.5, memoryUsedBytes: 4096 });
    const unlimited = { ...files, 'sys/fs/cgroup/cpu/docker/a/cpu.cfs_quota_us': '-1' };
    expect(readCgroup(rootWith(unlimited))).toEqual({ memoryUsedBytes: 4096 });
  });

  it('says nothing where there is nothing to read, or nonsense', () => {
    expect(readCgroup(rootWith({}))).toEqual({});
    expect(readCgroup(rootWith({ 'proc/self/cgroup': 'x', 'sys/fs/cgroup/cpu.max': 'many' }))).toEqual({});
  });
});

describe('findings of the doctor', () => {
  const heap = 64 * mebibyte;
  const status = (limits: Parameters<typeof cgroupFindings>[0], heapLimitBytes = heap): string[] =>
    cgroupFindings(limits, heapLimitBytes).map((finding) => `${finding.name}: ${finding.status}`);

  it('judge the quota and the memory of the group', () => {
    expect(status({})).toEqual(['cpu quota: ok', 'memory: ok']);
    expect(status({ cpus: 2, throttledShare: 0 })[0]).toBe('cpu quota: ok');
    expect(status({ cpus: 2, throttledShare: 0.2 })[0]).toBe('cpu quota: could be better');
    expect(status({ cpus: 0.5 })[0]).toBe('cpu quota: could be better');
    expect(status({ memoryBytes: 512 * mebibyte })[1]).toBe('memory: ok');
    expect(status({ memoryBytes: 512 * mebibyte, memoryUsedBytes: 500 * mebibyte })[1]).toBe(
      'memory: could be better',
    );
    const [, memory] = cgroupFindings({ memoryBytes: 512 * mebibyte }, 4096 * mebibyte);
    expect(memory).toMatchObject({
      status: 'could be better',
      change: 'export NODE_OPTIONS="--max-old-space-size=345"',
    });
  });

  it('name the flags and variables that cost speed, and leave others alone', () => {
    expect(nodeFlagFindings([], {})).toEqual([{ name: 'node flags', status: 'ok', found: 'none' }]);
    const calm = nodeFlagFindings(['--trace-warnings'], { NODE_OPTIONS: '--max-old-space-size=512' });
    expect(calm).toMatchObject([{ status: 'ok', found: '--trace-warnings --max-old-space-size=512' }]);
    const found = nodeFlagFindings(['--inspect=0.0.0.0:9229', '--trace_gc'], {
      NODE_OPTIONS: '--jitless',
      NODE_V8_COVERAGE: '/tmp/coverage',
      NODE_DEBUG: '',
    });
    expect(found.map(({ status, change }) => [status, change])).toEqual([
      ['could be better', 'start node without it: --inspect=0.0.0.0:9229'],
      ['could be better', 'start node without it: --trace_gc'],
      ['could be better', 'remove it from NODE_OPTIONS: --jitless'],
      ['could be better', 'unset NODE_V8_COVERAGE'],
    ]);
  });
});
