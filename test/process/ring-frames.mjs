// Frames that prove themselves: producer, number, checksum, then bytes that depend on both.
const noise = new Uint8Array(1 << 16);
let state = 12345;
for (let index = 0; index < noise.length; index++) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  noise[index] = state >>> 24;
}
const headerBytes = 12;

function checksum(bytes, from) {
  let hash = 2166136261;
  for (let index = from; index < bytes.length; index++) hash = Math.imul(hash ^ bytes[index], 16777619);
  return hash | 0;
}

/** Sizes that look random: most are small, one in 64 may take up to the largest frame. */
export function frameSizes(maxFrameBytes, producer) {
  return (number) => {
    const dice = noise[(number * 7 + producer * 131) & 0xffff];
    const large = headerBytes + ((dice * 257 + number) % (maxFrameBytes - headerBytes + 1));
    return number % 64 === 63 ? large : headerBytes + (dice % 80);
  };
}

export function fillFrame(frame, producer, number) {
  const from = (number * 13 + producer) % (noise.length - frame.length);
  frame.set(noise.subarray(from, from + frame.length - headerBytes), headerBytes);
  frame.writeInt32LE(producer, 0);
  frame.writeInt32LE(number, 4);
  frame.writeInt32LE(checksum(frame, headerBytes), 8);
  return frame;
}

const int32At = (bytes, at) =>
  bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);

/** Throws unless the frame is whole and the next one of its producer. */
export function verifyFrame(frame, expected) {
  const [producer, number, sum] = [int32At(frame, 0), int32At(frame, 4), int32At(frame, 8)];
  if (number !== expected[producer])
    throw new Error(`producer ${producer}: frame ${number} instead of ${expected[producer]}`);
  if (sum !== checksum(frame, headerBytes))
    throw new Error(`producer ${producer}: frame ${number} is damaged`);
  expected[producer]++;
}
