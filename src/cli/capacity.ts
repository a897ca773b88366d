import { planCapacity } from '../analysis/capacity.js';
import { capacityPage, generatorText, heldOutText, limitText, planText } from '../analysis/capacity-page.js';
import { readScaling } from '../workbench/capacity/read-scaling.js';
import { writeReport } from '../workbench/report/write-report.js';
import { defineCommand } from './command.js';
import { ExitCode } from './exit-codes.js';
import { numberOption } from './parse-input.js';
import { columns, paint, printJson, printLine } from './terminal.js';
import { UsageError } from './usage-error.js';

/** More than anything serves. */
const mostPerSecond = 1e12;

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
    const rate =
      options.rate === undefined ? undefined : numberOption('rate', options.rate, 0.001, 0, mostPerSecond);
    const headroom = numberOption('headroom', options.headroom, 0, 30, 99) / 100;
    const curves = await readScaling(file, options.unit);
    const plans = curves.map((curve) => planCapacity(curve, rate === undefined ? {} : { rate, headroom }));
    if (options.json === true) printJson(plans);
    else printLine(plans.map(render).join('\n\n\n'));
    if (options.html !== undefined)
      writeReport(capacityPage(plans, `ringwire capacity ${file}`), options.html);
    return ExitCode.Ok;
  },
});
