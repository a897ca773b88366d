/** The options of a connection as the native engine takes them. */
import { FramingCode } from '../../binding/constants.generated.js';
import type { ResolvedOptions } from '../options.js';

/** [FramingCode, maxFrameBytes, highWatermarkBytes, lowWatermarkBytes]. */
export function packOptions(options: ResolvedOptions): Int32Array {
  const framing = options.framing === 'length' ? FramingCode.Length : FramingCode.Newline;
  return Int32Array.of(framing, options.maxFrameBytes, options.highWatermarkBytes, options.lowWatermarkBytes);
}
