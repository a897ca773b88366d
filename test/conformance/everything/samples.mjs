/** Content that several tools, resources and prompts send. */

/** A red pixel. */
export const png =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mP4z8AAAAMBAQD3A0FDAAAAAElFTkSuQmCC';

/** A WAV file without a sample: RIFF header, format, an empty data chunk. */
export const wav = (() => {
  const file = Buffer.alloc(44);
  file.write('RIFF', 0, 'latin1');
  file.writeUInt32LE(file.length - 8, 4);
  file.write('WAVEfmt ', 8, 'latin1');
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20); // PCM
  file.writeUInt16LE(1, 22); // channels
  file.writeUInt32LE(8_000, 24);
  file.writeUInt32LE(8_000, 28);
  file.writeUInt16LE(1, 32);
  file.writeUInt16LE(8, 34); // bits per sample
  file.write('data', 36, 'latin1');
  return file.toString('base64');
})();

/** A form with one field that must be filled in. */
export function form(message, name, type = 'string') {
  return {
    message,
    requestedSchema: { type: 'object', properties: { [name]: { type } }, required: [name] },
  };
}
