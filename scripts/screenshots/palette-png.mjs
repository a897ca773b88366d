// Makes a PNG of at most 256 colours of one with all: pages of text and lines lose nothing that is seen, and three
// quarters of their bytes. Reads what Chromium writes: 8 bits a channel, RGB or RGBA, not interlaced.
import { deflateSync, inflateSync } from 'node:zlib';

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const maxColours = 256;

const crcTable = Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value >>> 0;
});

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ crcTable[(crc ^ byte) & 0xff];
  return (crc ^ 0xffffffff) >>> 0;
}

function chunk(type, data) {
  const bytes = Buffer.alloc(data.length + 12);
  bytes.writeUInt32BE(data.length, 0);
  bytes.write(type, 4, 'latin1');
  data.copy(bytes, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, data.length + 8)), data.length + 8);
  return bytes;
}

function readChunks(png) {
  if (!png.subarray(0, 8).equals(signature)) throw new Error('not a PNG');
  const data = [];
  let header;
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const type = png.toString('latin1', at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + length);
    if (type === 'IHDR') header = body;
    if (type === 'IDAT') data.push(body);
    at += length + 12;
  }
  const [depth, kind, , , interlaced] = header.subarray(8);
  if (depth !== 8 || (kind !== 2 && kind !== 6) || interlaced !== 0)
    throw new Error(`a PNG of kind ${kind}, depth ${depth}; wanted RGB or RGBA of 8 bits, not interlaced`);
  return {
    width: header.readUInt32BE(0),
    height: header.readUInt32BE(4),
    channels: kind === 2 ? 3 : 4,
    filtered: inflateSync(Buffer.concat(data)),
  };
}

/** The predictor of filter 4: whichever of left, up and corner is nearest to left + up - corner. */
function paeth(left, up, corner) {
  const [a, b, c] = [left, up, corner].map((value) => Math.abs(left + up - corner - value));
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}

/** Rows one after the other, filters undone (https://www.w3.org/TR/png-3/#9Filters). */
function unfilter({ width, height, channels, filtered }) {
  const stride = width * channels;
  const rows = Buffer.alloc(stride * height);
  for (let row = 0; row < height; row++) {
    const filter = filtered[row * (stride + 1)];
    for (let column = 0; column < stride; column++) {
      const at = row * stride + column;
      const left = column < channels ? 0 : rows[at - channels];
      const up = row === 0 ? 0 : rows[at - stride];
      const corner = row === 0 || column < channels ? 0 : rows[at - stride - channels];
      const predicted = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter];
      rows[at] = filtered[row * (stride + 1) + 1 + column] + predicted;
    }
  }
  return rows;
}

const distance = (a, b) =>
  ((a >> 16) - (b >> 16)) ** 2 + (((a >> 8) & 255) - ((b >> 8) & 255)) ** 2 + ((a & 255) - (b & 255)) ** 2;

/** The most frequent colours, each at some distance from all before it; and for every colour the nearest of them. */
function choosePalette(counts) {
  const byUse = [...counts].sort((a, b) => b[1] - a[1]).map(([colour]) => colour);
  let chosen = byUse;
  for (let apart = 4; chosen.length > maxColours; apart *= 1.5) {
    chosen = [];
    for (const colour of byUse)
      if (chosen.every((other) => distance(colour, other) >= apart)) chosen.push(colour);
  }
  const nearest = new Map();
  for (const colour of byUse) {
    let best = 0;
    for (let index = 1; index < chosen.length; index++)
      if (distance(colour, chosen[index]) < distance(colour, chosen[best])) best = index;
    nearest.set(colour, best);
  }
  return { chosen, nearest };
}

/** `png` with a palette. Transparency is dropped: pages have a ground. */
export function palettePng(png) {
  const picture = readChunks(png);
  const { width, height, channels } = picture;
  const rows = unfilter(picture);
  const colours = new Uint32Array(width * height);
  const counts = new Map();
  for (let pixel = 0; pixel < colours.length; pixel++) {
    const at = pixel * channels;
    const colour = (rows[at] << 16) | (rows[at + 1] << 8) | rows[at + 2];
    colours[pixel] = colour;
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const { chosen, nearest } = choosePalette(counts);
  const indexed = Buffer.alloc((width + 1) * height);
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++)
      indexed[row * (width + 1) + 1 + column] = nearest.get(colours[row * width + column]);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  const palette = Buffer.from(chosen.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]));
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('PLTE', palette),
    chunk('IDAT', deflateSync(indexed, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
