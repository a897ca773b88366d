import { readCgroup } from '../observability/cgroup.js';
import { defineCommand } from './command.js';
import { certificateFindings } from './doctor/certificates.js';
import type { Finding } from './doctor/check.js';
import { firstAnswerFindings } from './doctor/first-answer.js';
import { httpFindings } from './doctor/http.js';
import { cgroupFindings } from './doctor/limits.js';
import { nodeFlagFindings } from './doctor/node-flags.js';
import { runtimeFindings } from './doctor/runtime.js';
import { systemFindings } from './doctor/system.js';
import { ExitCode } from './exit-codes.js';
import { refuseWords } from './parse-input.js';
import { type Colour, columns, paint, printJson, printLine } from './terminal.js';

const colours: Record<Finding['status'], Colour> = {
  ok: 'green',
  'could be better': 'yellow',
  broken: 'red',
};

function render(findings: readonly Finding[]): string {
  const rows = findings.map(({ name, status, found }) => [status, name, found]);
  const lines = columns(rows).split('\n');
  return findings
    .flatMap(({ status, change }, index) => {
      const line = paint(status, colours[status]) + lines[index].slice(status.length);
      return change === undefined ? [line] : [line, `  change it: ${paint(change, 'bold')}`];
    })
    .join('\n');
}

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'Say what runs on this machine and what would make it faster',
  usage: '[--cert FILE] [--tls URL] [--json]',
  details:
    'Every line is ok, could be better, or broken, the last two with the command that changes it; doctor itself changes\nnothing. Starts a server of its own three times to time its first answer. Ends with 1 when something is broken.',
  options: {
    cert: {
      type: 'string',
      multiple: true,
      placeholder: 'FILE',
      description: 'Say whom the certificates in a PEM file are for and when they expire',
    },
    tls: {
      type: 'string',
      multiple: true,
      placeholder: 'URL',
      description: 'Say so of what answers at an https, wss or tls address',
    },
    json: { type: 'boolean', description: 'Print the findings as JSON' },
  },
  examples: [
    'ringwire doctor',
    'ringwire doctor --cert /etc/ssl/mcp.pem --tls https://mcp.example.com/mcp',
    'ringwire doctor --json',
  ],
  async run({ options, positionals }) {
    refuseWords('doctor', positionals);
    const findings = [
      ...runtimeFindings(),
      ...(await httpFindings()),
      ...nodeFlagFindings(),
      ...systemFindings(),
      ...cgroupFindings(readCgroup()),
      ...(await firstAnswerFindings()),
      ...(await certificateFindings(options.cert ?? [], options.tls ?? [])),
    ];
    const isBroken = findings.some(({ status }) => status === 'broken');
    if (options.json === true) printJson({ healthy: !isBroken, findings });
    else printLine(render(findings));
    return isBroken ? ExitCode.Failure : ExitCode.Ok;
  },
});
