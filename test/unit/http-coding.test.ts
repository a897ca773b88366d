import zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { compressionCacheBytes } from '../../src/limits.js';
import { AnswerCompressor, decodeBody } from '../../src/transports/http/content-coding.js';
import type { HeaderList } from '../../src/transports/http/http-server.js';
import { resolveHttpOptions } from '../../src/transports/http/resolve-http-options.js';

const megabyte = 1024 * 1024;
const text = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'add', params: [1, 2, 'grün €'] });
const forms: [string, Buffer][] = [
  ['gzip', zlib.gzipSync(text)],
  ['x-gzip', zlib.gzipSync(text)],
  ['deflate', zlib.deflateSync(text)],
  ['br', zlib.brotliCompressSync(text)],
];

function compressor(options: object = {}): AnswerCompressor {
  const { compression } = resolveHttpOptions({ compression: options });
  if (compression === false) throw new Error('compression is off');
  return new AnswerCompressor(compression);
}

describe('decodeBody', () => {
  it.each(forms)('undoes %s', async (coding, body) => {
    expect((await decodeBody(coding, body, megabyte)).toString()).toBe(text);
    expect((await decodeBody(` ${coding.toUpperCase()} `, body, megabyte)).toString()).toBe(text);
  });

  it('takes a bare deflate stream, and no coding at all', async () => {
    expect((await decodeBody('deflate', zlib.deflateRawSync(text), megabyte)).toString()).toBe(text);
    expect((await decodeBody('identity', Buffer.from(text), megabyte)).toString()).toBe(text);
  });

  it.each(forms)('refuses %s that is cut at any byte', async (coding, body) => {
    for (let length = 0; length < body.length; length++) {
      await expect(decodeBody(coding, body.subarray(0, length), megabyte)).rejects.toMatchObject({
        code: 'FRAME_INVALID',
      });
    }
  });

  it('refuses gzip with a wrong checksum', async () => {
    const body = Buffer.from(forms[0][1]);
    body[body.length - 6] ^= 1;
    await expect(decodeBody('gzip', body, megabyte)).rejects.toMatchObject({ code: 'FRAME_INVALID' });
  });

  it.each(['gzip, br', 'zstd', 'gzip,', 'constructor'])('refuses the coding "%s"', async (coding) => {
    const refused = decodeBody(coding, forms[0][1], megabyte);
    await expect(refused).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(refused).rejects.toThrow('gzip, deflate and br');
  });

  it('refuses a byte more than the limit and takes the limit', async () => {
    const body = zlib.gzipSync('x'.repeat(1000));
    expect(await decodeBody('gzip', body, 1000)).toHaveLength(1000);
    await expect(decodeBody('gzip', body, 999)).rejects.toMatchObject({ code: 'FRAME_TOO_LARGE' });
    await expect(decodeBody('identity', Buffer.alloc(1000), 999)).rejects.toMatchObject({
      code: 'FRAME_TOO_LARGE',
    });
  });

  it('refuses a bomb below the limit by how much it grows', async () => {
    const bombs: [string, Buffer][] = [
      ['gzip', zlib.gzipSync(Buffer.alloc(8 * megabyte))],
      ['br', zlib.brotliCompressSync(Buffer.alloc(8 * megabyte))],
    ];
    for (const [coding, body] of bombs) {
      const refused = decodeBody(coding, body, 64 * megabyte);
      await expect(refused).rejects.toMatchObject({ code: 'FRAME_TOO_LARGE' });
      await expect(refused).rejects.toThrow('200 times');
    }
  });

  it('takes a small body of equal bytes', async () => {
    const spaces = ' '.repeat(60_000);
    expect(await decodeBody('br', zlib.brotliCompressSync(spaces), megabyte)).toHaveLength(60_000);
  });
});

describe('AnswerCompressor.choose', () => {
  const json: HeaderList = ['content-type', 'application/json'];
  const cases: [accept: string, coding: string | undefined][] = [
    ['gzip, deflate, br', 'br'],
    ['gzip', 'gzip'],
    ['x-gzip', 'gzip'],
    ['GZIP', 'gzip'],
    ['br;q=0.5, gzip;q=0.8', 'gzip'],
    ['br;q=0, gzip;q=0', undefined],
    ['br;q=0, *', 'gzip'],
    ['*', 'br'],
    ['*;q=0', undefined],
    ['identity', undefined],
    ['identity;q=1, gzip;q=0.5', undefined],
    ['identity;q=0.5, gzip;q=0.5', 'gzip'],
    ['gzip;q=2', undefined],
    ['gzip; q=0.001', 'gzip'],
    ['deflate', undefined],
    ['', undefined],
  ];
  it.each(cases)('"%s" takes %s', (accept, coding) => {
    expect(compressor().choose(accept, 10_000, json)).toBe(coding);
  });

  it('keeps the answers of different clients apart', () => {
    const one = compressor();
    expect(one.choose('gzip', 10_000, json)).toBe('gzip');
    expect(one.choose('br', 10_000, json)).toBe('br');
    expect(one.choose('identity', 10_000, json)).toBeUndefined();
    expect(one.choose('gzip', 10_000, json)).toBe('gzip');
  });

  it('leaves small bodies, event streams, coded and unchangeable answers alone', () => {
    const one = compressor({ thresholdBytes: 1000 });
    expect(one.choose('gzip', 999, json)).toBeUndefined();
    expect(one.choose('gzip', 1000, json)).toBe('gzip');
    expect(one.choose('gzip', 5000, ['content-type', 'text/event-stream'])).toBeUndefined();
    expect(one.choose('gzip', 5000, [...json, 'content-encoding', 'br'])).toBeUndefined();
    expect(one.choose('gzip', 5000, [...json, 'cache-control', 'no-cache, no-transform'])).toBeUndefined();
  });

  it('keeps to the encodings of the options, in their order', () => {
    expect(compressor({ encodings: ['gzip'] }).choose('br, gzip', 10_000, json)).toBe('gzip');
    expect(compressor({ encodings: ['gzip', 'br'] }).choose('br, gzip', 10_000, json)).toBe('gzip');
    expect(compressor({ encodings: [] }).choose('br, gzip', 10_000, json)).toBeUndefined();
  });
});

describe('AnswerCompressor.encode', () => {
  const body = JSON.stringify(Array.from({ length: 400 }, (_, index) => ({ index, name: `grün ${index}` })));

  it.each([
    ['br', zlib.brotliDecompressSync],
    ['gzip', zlib.gunzipSync],
  ] as const)('%s: at once below offloadBytes, by a promise from there on', async (coding, undo) => {
    const small = compressor({ offloadBytes: body.length + 1 }).encode(coding, body);
    expect(Buffer.isBuffer(small)).toBe(true);
    expect(undo(small as Buffer).toString()).toBe(body);
    const large = compressor({ offloadBytes: body.length }).encode(coding, body);
    expect(large).toBeInstanceOf(Promise);
    expect(undo(await large).toString()).toBe(body);
    const bytes = compressor().encode(coding, Buffer.from(body));
    expect(undo(await bytes).toString()).toBe(body);
  });

  it('keeps the form of a text from its second time on, for each coding', async () => {
    const one = compressor({ offloadBytes: 0 });
    await one.encode('gzip', body);
    const second = await one.encode('gzip', body);
    expect(one.encode('gzip', body)).toBe(second);
    const other = one.encode('br', body);
    expect(other).toBeInstanceOf(Promise);
    await other;
    expect(one.encode('br', body)).toBe(await other);
    expect(one.encode('gzip', body)).toBe(second);
  });

  it('forgets what was used least recently once the cache is full', async () => {
    const one = compressor();
    const texts = Array.from({ length: 7 }, (_, index) => `${index}${'x'.repeat(compressionCacheBytes / 5)}`);
    const keep = async (each: string): Promise<Buffer> => {
      await one.encode('gzip', each);
      return one.encode('gzip', each);
    };
    const first = await keep(texts[0]);
    const secondText = await keep(texts[1]);
    for (const each of texts.slice(2)) {
      await one.encode('gzip', each);
      expect(one.encode('gzip', texts[0])).toBe(first);
    }
    expect(await one.encode('gzip', texts[1])).not.toBe(secondText);
  });
});

describe('AnswerCompressor.headFor', () => {
  it('adds the coding and vary, once for each list', () => {
    const one = compressor();
    const head: HeaderList = ['content-type', 'application/json'];
    expect(one.headFor('br', head)).toEqual([...head, 'vary', 'accept-encoding', 'content-encoding', 'br']);
    expect(one.headFor('br', head)).toBe(one.headFor('br', head));
    expect(one.headFor(undefined, head)).toEqual([...head, 'vary', 'accept-encoding']);
    expect(head).toHaveLength(2);
  });

  it('adds to a vary that is there', () => {
    const one = compressor();
    expect(one.headFor(undefined, ['vary', 'origin'])).toEqual(['vary', 'origin, accept-encoding']);
    expect(one.headFor(undefined, ['vary', 'origin, Accept-Encoding'])).toEqual([
      'vary',
      'origin, Accept-Encoding',
    ]);
    expect(one.headFor(undefined, ['vary', '*'])).toEqual(['vary', '*']);
  });
});
