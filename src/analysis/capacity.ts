/** What a scaling run says about more of the same: its law, how well that predicts, and how many a rate needs. */
import { median } from './statistics.js';
import {
  fitScaling,
  parametersOf,
  type ScalingFit,
  type ScalingPoint,
  scalingRate,
  smallestN,
} from './usl.js';

export interface ScalingCurve {
  /** Whose: 'ringwire-native, tcp'. */
  readonly name: string;
  /** What there is N of: 'connections', 'workers', 'nodes'. */
  readonly unit: string;
  /** Rising by n, each n once. */
  readonly points: readonly ScalingPoint[];
  /** Where the load generator was the limit, rising: more would have been served there. */
  readonly generatorBound?: readonly number[];
}

/** The law without the largest point, asked for it: how far a prediction beyond what was measured can be trusted. */
export interface HeldOut {
  readonly n: number;
  readonly rate: number;
  readonly predicted: number;
  /** predicted / rate - 1. */
  readonly error: number;
}

export interface CapacityPlan {
  /** Per second, wanted. */
  readonly rate: number;
  /** Share of a node's best rate that is left free for peaks and for a node that is lost. */
  readonly headroom: number;
  /** How many in all. */
  readonly nodes: number;
  /** What each serves at most, as planned with: per second. */
  readonly ratePerNode: number;
  /** Whether N itself is nodes: then `nodes` of them work together and share what they share. */
  readonly together: boolean;
  /** More than one group of nodes that share nothing: where one group is beyond its peak. */
  readonly groups: number;
}

export interface Capacity {
  readonly curve: ScalingCurve;
  readonly fit: ScalingFit;
  readonly rows: readonly { readonly n: number; readonly rate: number; readonly fitted: number }[];
  /** Undefined below five points: the law needs four. */
  readonly heldOut?: HeldOut;
  /** The best the law has within what was measured: nothing beyond is promised. */
  readonly best: ScalingPoint;
  readonly plan?: CapacityPlan;
}

/** Units that are machines or processes: more of them is what one buys. Others are load on one machine. */
const nodeUnits = new Set([
  'nodes',
  'hosts',
  'instances',
  'machines',
  'pods',
  'replicas',
  'servers',
  'workers',
]);

/** Merges points of the same n into the median of their rates. */
export function scalingCurve(name: string, unit: string, points: readonly ScalingPoint[]): ScalingCurve {
  const rates = new Map<number, number[]>();
  for (const { n, rate } of points) rates.set(n, [...(rates.get(n) ?? []), rate]);
  const merged = [...rates].map(([n, all]) => ({ n, rate: median(all) }));
  return { name, unit, points: merged.sort((a, b) => a.n - b.n) };
}

function heldOut(points: readonly ScalingPoint[]): HeldOut | undefined {
  if (points.length < 5) return undefined;
  const { n, rate } = points[points.length - 1];
  const predicted = scalingRate(parametersOf(fitScaling(points.slice(0, -1))), n);
  return { n, rate, predicted, error: predicted / rate - 1 };
}

function bestWithin(fit: ScalingFit, largest: number): ScalingPoint {
  const n = Math.max(1, Math.min(Math.floor(fit.peakN), largest));
  return { n, rate: scalingRate(parametersOf(fit), n) };
}

function planFor(
  fit: ScalingFit,
  unit: string,
  best: ScalingPoint,
  rate: number,
  headroom: number,
): CapacityPlan {
  const wanted = rate / (1 - headroom);
  if (!nodeUnits.has(unit)) {
    const nodes = Math.ceil(wanted / best.rate - 1e-9);
    return { rate, headroom, nodes, ratePerNode: best.rate * (1 - headroom), together: false, groups: nodes };
  }
  const peakN = Number.isFinite(fit.peakN) ? Math.floor(fit.peakN) : best.n;
  const peakRate = scalingRate(parametersOf(fit), peakN);
  const n = smallestN(fit, wanted);
  const groups = n === undefined ? Math.ceil(wanted / peakRate - 1e-9) : 1;
  const perGroup = n ?? smallestN(fit, wanted / groups) ?? peakN;
  const nodes = perGroup * groups;
  return { rate, headroom, nodes, ratePerNode: rate / nodes, together: true, groups };
}

/** Throws CONFIG_INVALID as fitScaling() does. `headroom` is a share below 1, 0.3 by default. */
export function planCapacity(
  curve: ScalingCurve,
  { rate, headroom = 0.3 }: { readonly rate?: number; readonly headroom?: number } = {},
): Capacity {
  const { points, unit } = curve;
  const fit = fitScaling(points);
  const parameters = parametersOf(fit);
  const best = bestWithin(fit, points[points.length - 1].n);
  const left = heldOut(points);
  return {
    curve,
    fit,
    rows: points.map((point) => ({ ...point, fitted: scalingRate(parameters, point.n) })),
    ...(left === undefined ? {} : { heldOut: left }),
    best,
    ...(rate === undefined ? {} : { plan: planFor(fit, unit, best, rate, headroom) }),
  };
}
