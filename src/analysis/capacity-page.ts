/** A capacity plan as a report: measured against fitted, what was predicted, what is needed. */
import type { Capacity, CapacityPlan } from './capacity.js';
import type { ReportPage, ReportSection } from './report/page.js';
import { type Estimate, parametersOf, scalingRate } from './usl.js';

const whole = (value: number): string => Math.round(value).toLocaleString('en');
const percent = (share: number): string => `${share > 0 ? '+' : ''}${(share * 100).toFixed(1)} %`;

function estimateText({ value, low, high }: Estimate): string {
  const digits = (figure: number): string => (figure >= 100 ? whole(figure) : figure.toPrecision(3));
  return Number.isNaN(high) ? digits(value) : `${digits(value)} (${digits(low)} to ${digits(high)})`;
}

/** What limits, in words. */
export function limitText({ fit, curve: { unit } }: Capacity): string {
  const { sigma, kappa, peakN, peakRate } = fit;
  if (kappa.value > 0)
    return `The law has its peak at ${whole(peakN)} ${unit}: ${whole(peakRate)} per second. More serve less.`;
  if (sigma.value > 0) return `The law has no peak; it comes ever closer to ${whole(peakRate)} per second.`;
  return `Nothing limits within what was measured: twice the ${unit} serve twice as much.`;
}

/** undefined where the generator kept up. */
export function generatorText({ curve: { unit, generatorBound = [] } }: Capacity): string | undefined {
  if (generatorBound.length === 0) return undefined;
  return `At ${generatorBound.join(', ')} ${unit} the load generator was the limit: the servers serve more than this says.`;
}

/** undefined where too few points were measured to leave one out. */
export function heldOutText({ heldOut, curve: { unit } }: Capacity): string | undefined {
  if (heldOut === undefined) return undefined;
  const { n, rate, predicted, error } = heldOut;
  return `Without the measurement at ${n} ${unit} the law predicts ${whole(predicted)} per second there; measured were ${whole(rate)} (${percent(error)}).`;
}

export function planText({ curve: { unit }, best }: Capacity, plan: CapacityPlan): string {
  const { rate, headroom, nodes, ratePerNode, together, groups } = plan;
  const free = `with ${Math.round(headroom * 100)} % left free`;
  if (!together)
    return `${whole(rate)} per second need ${whole(nodes)} node${nodes === 1 ? '' : 's'} like the measured one, ${free}: each serves ${whole(best.rate)} per second at ${best.n} ${unit}, planned with ${whole(ratePerNode)}. Nodes are taken to share nothing.`;
  const parted =
    groups > 1 ? ` in ${groups} groups that share nothing, for one alone is beyond its peak` : '';
  return `${whole(rate)} per second need ${whole(nodes)} ${unit}${parted}, ${free}.`;
}

function chartOf({ rows, fit, curve: { unit, name } }: Capacity, index: number): ReportSection['charts'] {
  const largest = rows[rows.length - 1].n;
  const steps = Array.from({ length: 61 }, (_, step) => 1 + ((largest * 1.25 - 1) * step) / 60);
  return [
    {
      id: `scaling-${index}`,
      title: name,
      kind: 'line',
      x: { label: unit },
      y: { label: 'per second' },
      series: [
        { name: 'measured', x: rows.map(({ n }) => n), y: rows.map(({ rate }) => rate) },
        { name: 'fitted', x: steps, y: steps.map((n) => scalingRate(parametersOf(fit), n)) },
      ],
    },
  ];
}

function sectionOf(capacity: Capacity, index: number): ReportSection {
  const { curve, fit, rows, plan } = capacity;
  const texts = [
    limitText(capacity),
    generatorText(capacity),
    heldOutText(capacity),
    plan && planText(capacity, plan),
  ];
  return {
    title: curve.name,
    paragraphs: texts.filter((text) => text !== undefined),
    tables: [
      {
        columns: [curve.unit, 'measured/s', 'fitted/s', 'off by'],
        rows: rows.map(({ n, rate, fitted }) => [
          String(n),
          whole(rate),
          whole(fitted),
          percent(fitted / rate - 1),
        ]),
      },
      {
        columns: ['parameter', 'value (95 % interval)', 'what it is'],
        rows: [
          ['λ', estimateText(fit.lambda), 'per second of one alone'],
          ['σ', estimateText(fit.sigma), 'share of work that waits in line'],
          ['κ', estimateText(fit.kappa), 'cost of agreeing with each other'],
          ['R²', fit.rSquared.toFixed(4), 'share of the variance explained'],
        ],
      },
    ],
    charts: chartOf(capacity, index),
  };
}

export function capacityPage(capacities: readonly Capacity[], subtitle: string): ReportPage {
  return {
    title: 'Capacity: the Universal Scalability Law',
    subtitle,
    sections: capacities.map(sectionOf),
  };
}
