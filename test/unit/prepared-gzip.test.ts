import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { PreparedGzip } from '../../src/transports/http/prepared-gzip.js';

describe('gzip of an end that was compressed before', () => {
  const ends = ['', 'x', '{"tools":[]}', 'é\u2028😀'.repeat(1_000), 'long '.repeat(100_000)];
  const beginnings = ['', '1', '{"jsonrpc":"2.0","id":12345', '"日本語"', 'y'.repeat(65_535)];

  it.each(ends.map((end) => [end.length, end] as const))('of %i characters', (_, end) => {
    const prepared = new PreparedGzip(end);
    for (const beginning of beginnings) {
      // gunzip checks CRC-32 and length.
      const whole = gunzipSync(prepared.after(beginning) as Buffer).toString();
      expect(whole === beginning + end).toBe(true);
    }
    expect((prepared.after('small') as Buffer).length).toBeLessThan(end.length / 10 + 100);
  });

  it('takes no beginning that one block cannot hold', () => {
    expect(new PreparedGzip('end').after('y'.repeat(65_536))).toBeUndefined();
  });
});
