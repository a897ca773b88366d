import { planCapacity } from '../analysis/capacity.js';
import { capacityPage, generatorText, heldOutText, limitText, planText } from '../analysis/capacity-page.js';
import { readScaling } from '../workbench/capacity/read-scaling.js';
import { writeReport } from '../workbench/report/write-report.js';
import { defineCommand } from './command.js';
import { ExitCode } from './exit-codes.js';
import { columns, paint, printJson, printLine } from './terminal.js';
import { UsageError } from './usage-error.js';

function numberOption(name: string, text: string | undefined, below: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (value >= 0 && value < below && text.trim() !== '') return value;
  const range = below === Number.POSITIVE_INFINITY ? 'of at least 0' : `from 0 to below ${below}`;
  throw new UsageError(`--${name} must be a number ${range}, not ${JSON.stringify(text)}.`);
}

type Capacity = ReturnType<typeof planCapacity>;

function render(capacity: Capacity): string {
  const { tables = [] } = capacityPage([capacity], '').sections[0];
  const texts = [limitText(capacity), generatorText(capacity), heldOutText(capacity)].filter(
    (text) => text !== undefined,
  );
  if (capacity.heldOut === undefined)
    texts.push('With five different N or more the largest is left out, to see how well it is predicted.');
  if (capacity.plan !== undefined) texts.push(paint(planText(capacity, capacity.plan), 'bold'));
  return [
    paint(capacity.curve.name, 'bold'),
    ...tables.map((table) => columns([table.columns, ...table.rows])),
    texts.join('\n'),
  ].join('\n\n');
}

export const capacity = defineCommand({
  name: 'capacity',
  summary: 'Predict what more connections, workers or nodes will serve, from a scaling run',
  usage: 'FILE [--rate RATE] [OPTIONS]',
  details:
    'FILE holds the records of a scaling run (JSON lines, as ringwire bench writes them) or lines of comma-separated\nvalues, N and rate; a first line may name them (workers,rate). The Universal Scalability Law is fitted to each\ncontender and transport. It needs four different N; with five it also predicts the largest from the others.',
  options: {
    rate: {
      type: 'string',
      placeholder: 'RATE',
      description: 'Wanted per second: how many nodes that needs',
    },
    headroom: {
      type: 'string',
      placeholder: 'PERCENT',
      description: 'Left free on each node, 30 by default',
    },
    unit: {
      type: 'string',
      placeholder: 'NAME',
      description:
        'What there is N of. Of nodes, workers, hosts and the like N itself is planned, of others nodes like the measured one',
    },
    html: { type: 'string', placeholder: 'FILE', description: 'Write a page with charts' },
    json: { type: 'boolean', description: 'Print the result as JSON' },
  },
  examples: [
    'ringwire capacity scaling.jsonl',
    'ringwire capacity scaling.jsonl --rate 200000 --headroom 40',
    'ringwire capacity workers.csv --unit workers --rate 50000 --html capacity.html',
  ],
  async run({ options, positionals }) {
    const [file, ...more] = positionals;
    if (file === undefined || more.length > 0)
      throw new UsageError(
        'ringwire capacity takes one file.',
        'For instance: ringwire capacity scaling.jsonl',
      );
    const rate = numberOption('rate', options.rate, Number.POSITIVE_INFINITY);
    if (rate === 0) throw new UsageError('--rate must be above 0.');
    const headroom = (numberOption('headroom', options.headroom, 100) ?? 30) / 100;
    const curves = await readScaling(file, options.unit);
    const plans = curves.map((curve) => planCapacity(curve, rate === undefined ? {} : { rate, headroom }));
    if (options.html !== undefined)
      writeReport(capacityPage(plans, `ringwire capacity ${file}`), options.html);
    if (options.json === true) printJson(plans);
    else printLine(plans.map(render).join('\n\n\n'));
    return ExitCode.Ok;
  },
});
