/**
 * Cuts a batch array into its elements. The scanner has validated the whole array, so this looks at structure only.
 */
const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;

/**
 * Start and end (exclusive) of every element, in pairs. `frame` must be a valid JSON array. undefined when it has
 * more than maxElements, which bounds the work as well.
 */
export function elementRanges(frame: Uint8Array, maxElements: number): number[] | undefined {
  const ranges: number[] = [];
  let position = frame.indexOf(0x5b) + 1;
  let start = position;
  let depth = 0;
  let isEmpty = true;
  for (; position < frame.length; position += 1) {
    const byte = frame[position];
    if (byte === quote) {
      position = stringEnd(frame, position);
      isEmpty = false;
    } else if (depth === 0 && (byte === comma || byte === 0x5d)) {
      if (isEmpty) return ranges;
      if (ranges.length === 2 * maxElements) return undefined;
      ranges.push(start, position);
      if (byte !== comma) return ranges;
      start = position + 1;
    } else if (byte === 0x5b || byte === 0x7b) {
      depth += 1;
      isEmpty = false;
    } else if (byte === 0x5d || byte === 0x7d) {
      depth -= 1;
    } else if (byte > 0x20) {
      isEmpty = false;
    }
  }
  return ranges;
}

/** The position of the quote that ends the string which begins at `position`. */
function stringEnd(frame: Uint8Array, position: number): number {
  let end = position + 1;
  while (end < frame.length && frame[end] !== quote) end += frame[end] === backslash ? 2 : 1;
  return end;
}
