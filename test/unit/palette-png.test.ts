/** Pictures of pages with a palette: small, and the same to the eye. */
import { deflateSync, inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

interface Module {
  palettePng(png: Buffer): Buffer;
}
const script = '../../scripts/screenshots/palette-png.mjs';
const { palettePng } = (await import(script)) as Module;

const signature = Buffer.from('89504e470d0a1a0a', 'hex');

/** A chunk with a checksum nobody reads. */
function chunk(type: string, data: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(data.length);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, data, Buffer.alloc(4)]);
}

function png(width: number, height: number, kind: number, filtered: Buffer): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, kind, 0, 0, 0], 8);
  // In two parts, as large pictures come.
  const data = deflateSync(filtered);
  const parts = [data.subarray(0, 5), data.subarray(5)];
  const chunks = [
    chunk('IHDR', header),
    ...parts.map((part) => chunk('IDAT', part)),
    chunk('IEND', Buffer.alloc(0)),
  ];
  return Buffer.concat([signature, ...chunks]);
}

/** Every pixel as 'rrggbb', row by row. */
function pixels(picture: Buffer): string[] {
  const found = new Map<string, Buffer>();
  for (let at = 8; at < picture.length; at += picture.readUInt32BE(at) + 12)
    found.set(
      picture.toString('latin1', at + 4, at + 8),
      picture.subarray(at + 8, at + 8 + picture.readUInt32BE(at)),
    );
  const width = (found.get('IHDR') as Buffer).readUInt32BE(0);
  const palette = found.get('PLTE') as Buffer;
  const rows = inflateSync(found.get('IDAT') as Buffer);
  return [...rows.entries()]
    .filter(([at]) => at % (width + 1) !== 0)
    .map(([, index]) => palette.toString('hex', index * 3, index * 3 + 3));
}

describe('palettePng', () => {
  it('undoes every filter', () => {
    // Three pixels a row: the first row plain, then each filter of the standard against the row above.
    const rows = [
      [0, 10, 20, 30, 40, 50, 60, 70, 80, 90],
      [1, 10, 20, 30, 30, 30, 30, 30, 30, 30],
      [2, 1, 1, 1, 1, 1, 1, 1, 1, 1],
      [3, 5, 5, 5, 5, 5, 5, 5, 5, 5],
      [4, 1, 2, 3, 1, 2, 3, 1, 2, 3],
    ];
    expect(pixels(palettePng(png(3, 5, 2, Buffer.from(rows.flat()))))).toEqual([
      ...['0a141e', '28323c', '46505a'],
      ...['0a141e', '28323c', '46505a'],
      ...['0b151f', '29333d', '47515b'],
      ...['0a0f14', '1e262d', '374049'],
      ...['0b1117', '1f2830', '38424c'],
    ]);
  });

  it('drops transparency and keeps 256 colours exactly', () => {
    const row = [0, ...Array.from({ length: 256 }, (_, grey) => [grey, grey, grey, 255]).flat()];
    const colours = pixels(palettePng(png(256, 1, 6, Buffer.from(row))));
    expect(colours).toEqual(
      Array.from({ length: 256 }, (_, grey) => grey.toString(16).padStart(2, '0').repeat(3)),
    );
  });

  it('brings more colours to near ones', () => {
    const wanted = Array.from({ length: 1024 }, (_, index) => [index & 255, (index >> 8) * 64, 0]);
    const colours = pixels(palettePng(png(1024, 1, 2, Buffer.from([0, ...wanted.flat()]))));
    expect(new Set(colours).size).toBeLessThanOrEqual(256);
    const far = colours.map((text, index) =>
      Math.abs(Number.parseInt(text.slice(0, 2), 16) - wanted[index][0]),
    );
    expect(Math.max(...far)).toBeLessThan(16);
  });

  it.each([
    ['not a PNG', Buffer.from('GIF89a, a picture of another kind')],
    ['kind 3', png(1, 1, 3, Buffer.from([0, 0]))],
  ])('refuses what it cannot read: %s', (words, picture) => {
    expect(() => palettePng(picture)).toThrow(words);
  });
});
