/** Who is measured and with what, in the words of results. */
import type { LoadTarget } from '../load/load-plan.js';
import type { MeasuredTransport, ServerUsage } from '../servers/measured-server.js';
import type { ResolvedLoad } from './expand.js';
import type { RunSubject } from './run-result.js';

/** Which of our transports has the limits of the target's. */
export function schemeOf(target: LoadTarget | undefined): MeasuredTransport | undefined {
  if (target === undefined) return undefined;
  if ('command' in target) return 'stdio';
  if (!/^https?:/i.test(target.url)) return undefined;
  return target.http2 === true ? 'http2' : 'http';
}

export function subjectOf(
  transport: MeasuredTransport | undefined,
  target: LoadTarget | undefined,
  load: ResolvedLoad,
): RunSubject {
  const { connections, depth, rate, payload } = load;
  return {
    transport: transport ?? (target !== undefined && 'url' in target ? target.url.split(':')[0] : 'stdio'),
    contender: transport === undefined ? nameOfTarget(target) : 'ringwire',
    connections,
    ...(depth === undefined ? {} : { depth }),
    ...(rate === undefined ? {} : { targetRate: rate }),
    ...(payload === undefined ? {} : { payload }),
    mix: mixName(load),
  };
}

/** Without query and arguments: they may hold what nobody should find in a file of results. */
function nameOfTarget(target: LoadTarget | undefined): string {
  if (target === undefined) return 'unknown';
  if ('url' in target) return target.url.replace(/[?#].*$/s, '');
  return target.command
    .slice(0, 2)
    .map((word) => word.replace(/^.*[\\/]/, ''))
    .join(' ');
}

function mixName({ mix, payloads, method, tool, resource, operations }: ResolvedLoad): string {
  if (operations !== undefined) return operations.map(({ name }) => name).join('+');
  if (method !== undefined) return method;
  if (payloads !== undefined) return 'sizes';
  return mix ?? (tool !== undefined ? `call ${tool}` : resource !== undefined ? 'read' : 'mcp');
}

export function contenderOf(subject: RunSubject, usage: ServerUsage | undefined): string {
  if (subject.contender !== 'ringwire') return subject.contender;
  const kind = usage?.engine ?? usage?.implementation;
  return kind === undefined ? 'ringwire' : `ringwire-${kind}`;
}
