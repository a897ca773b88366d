import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { bytesContract } from './bytes-contract.js';
import { encodingContract } from './encoding-contract.js';
import { type TransportCase, transportContract } from './transport-contract.js';

const directory = mkdtempSync(join(tmpdir(), 'ringwire-contract-'));
afterAll(() => rmSync(directory, { recursive: true }));

let serial = 0;
const tcp = (): string => 'tcp://127.0.0.1:0';
const unix = (): string => `unix:${join(directory, `${serial++}.sock`)}`;
const memory = (): string => `memory:contract-${serial++}`;

const cases: readonly TransportCase[] = [
  { name: 'memory', url: memory, implementation: 'twin' },
  { name: 'tcp twin', url: tcp, implementation: 'twin' },
  { name: 'unix twin', url: unix, implementation: 'twin' },
  { name: 'tcp native', url: tcp, implementation: 'native' },
  { name: 'unix native', url: unix, implementation: 'native' },
];

for (const subject of cases) {
  transportContract(subject);
  encodingContract(subject);
  if (subject.url !== memory) bytesContract(subject);
}
