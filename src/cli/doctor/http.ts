import { chooseEngine } from '../../transports/http/listen.js';
import { resolveOptions } from '../../transports/options.js';
import { couldBeBetter, type Finding, ok } from './check.js';

/** Which engine an http listener gets and why, and whether events of HTTP sessions can be kept on disk. */
export async function httpFindings(): Promise<Finding[]> {
  return [await engine(), await lmdb()];
}

async function engine(): Promise<Finding> {
  const endpoint = { kind: 'http', isSecure: false, host: '127.0.0.1', port: 0, path: '/' } as const;
  const chosen = await chooseEngine(endpoint, resolveOptions());
  const found = `${chosen.engine}: ${chosen.reason}`;
  if (chosen.engine === 'uws') return ok('http', found);
  return couldBeBetter('http', found, 'npm install uWebSockets.js@npm:uwebsockets@3');
}

async function lmdb(): Promise<Finding> {
  try {
    await import('lmdb');
    return ok('lmdb', 'loaded; events of HTTP sessions can be kept on disk');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_MODULE_NOT_FOUND')
      return ok('lmdb', 'not installed; only event stores on disk need it');
    return couldBeBetter('lmdb', `does not load: ${message.split('\n')[0]}`, 'npm install lmdb@3');
  }
}
