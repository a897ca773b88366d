/**
 * The Universal Scalability Law (Gunther, "Guerrilla Capacity Planning", 2007): what N of something serve together,
 *
 *   X(N) = λN / (1 + σ(N - 1) + κN(N - 1))
 *
 * with λ what one serves alone, σ the share of work that must wait in line (contention) and κ the cost of agreeing with
 * each other (coherence), which makes more serve less beyond a peak.
 */
import { RingwireError } from '../errors.js';
import { type Equation, inverseDiagonal, solveBounded, type Vector3 } from './least-squares.js';

export interface ScalingPoint {
  /** Connections, workers, nodes: whatever there is N of. */
  readonly n: number;
  /** What they serve per second. */
  readonly rate: number;
}

export interface Estimate {
  readonly value: number;
  /** The 95 % interval from the curvature of the fit; not below 0. NaN where as many points as parameters were given. */
  readonly low: number;
  readonly high: number;
}

export interface ScalingFit {
  readonly lambda: Estimate;
  readonly sigma: Estimate;
  readonly kappa: Estimate;
  /** Share of the rates' variance that the law explains: 1 is all of it. */
  readonly rSquared: number;
  /** Where more of them serve less; Infinity where κ is 0. */
  readonly peakN: number;
  /** What is served there, or the ceiling λ/σ where there is no peak; Infinity where nothing limits. */
  readonly peakRate: number;
}

const fewestPoints = 4;

type Parameters = Readonly<{ lambda: number; sigma: number; kappa: number }>;

export function scalingRate({ lambda, sigma, kappa }: Parameters, n: number): number {
  return (lambda * n) / (1 + sigma * (n - 1) + kappa * n * (n - 1));
}

/** The parameters alone, of a fit. */
export function parametersOf({ lambda, sigma, kappa }: ScalingFit): Parameters {
  return { lambda: lambda.value, sigma: sigma.value, kappa: kappa.value };
}

/** Of one to four degrees of freedom, where the expansion is too coarse. */
const studentTable = [12.706204736174694, 4.302652729749464, 3.182446305284264, 2.7764451051977987];

/** The value that 97.5 % of Student's t distribution are below (the expansion of Cornish and Fisher). */
export function studentQuantile(freedom: number): number {
  if (freedom < 1) return Number.NaN;
  if (freedom <= studentTable.length) return studentTable[freedom - 1];
  const z = 1.959963984540054;
  const terms = [
    (z ** 3 + z) / 4,
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96,
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384,
    (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / 92160,
  ];
  return terms.reduce((sum, term, index) => sum + term / freedom ** (index + 1), z);
}

/** Gradient of X(N) / rate in λ, σ, κ. */
function gradient({ lambda, sigma, kappa }: Parameters, { n, rate }: ScalingPoint): Vector3 {
  const below = 1 + sigma * (n - 1) + kappa * n * (n - 1);
  const slope = (-lambda * n) / (below * below * rate);
  return [n / (below * rate), slope * (n - 1), slope * n * (n - 1)];
}

function check(points: readonly ScalingPoint[]): void {
  const wrong = points.find(
    ({ n, rate }) => !(n > 0 && rate > 0 && Number.isFinite(n) && Number.isFinite(rate)),
  );
  if (wrong !== undefined)
    throw new RingwireError(
      'CONFIG_INVALID',
      `A scaling run is of points with n and rate above 0, not n ${wrong.n} with rate ${wrong.rate}.`,
    );
  const distinct = new Set(points.map(({ n }) => n)).size;
  if (distinct < fewestPoints)
    throw new RingwireError(
      'CONFIG_INVALID',
      `A scaling run needs at least ${fewestPoints} different n to be fitted; there ${distinct === 1 ? 'is' : 'are'} ${distinct}.`,
    );
}

/** A start for the iteration: N/X is linear in 1, N - 1 and N(N - 1). */
function linearStart(points: readonly ScalingPoint[]): Parameters {
  const rows = points.map(({ n, rate }): Equation => [[rate / n, (rate / n) * (n - 1), rate * (n - 1)], 1]);
  // The parameters differ by many powers of ten: scaled to what they amount to at the largest n.
  const largest = Math.max(...points.map(({ n }) => n));
  const scales: Vector3 = [1, 1 / largest, 1 / (largest * largest)];
  const scaled = rows.map(
    ([row, value]) => [row.map((cell, at) => cell * scales[at]) as unknown as Vector3, value] as const,
  );
  const [inverse, contention, coherence] = solveBounded(scaled).map((value, at) => value * scales[at]);
  if (!(inverse > 0))
    return { lambda: Math.max(...points.map(({ n, rate }) => rate / n)), sigma: 0.1, kappa: 0 };
  return { lambda: 1 / inverse, sigma: contention / inverse, kappa: coherence / inverse };
}

/** Of the errors as shares of the rates: what disturbs a measurement disturbs large rates more than small ones. */
const squares = (points: readonly ScalingPoint[], parameters: Parameters): number =>
  points.reduce((sum, { n, rate }) => sum + (1 - scalingRate(parameters, n) / rate) ** 2, 0);

/** Levenberg and Marquardt, each step solved under the bounds that no parameter falls below 0. */
function refine(points: readonly ScalingPoint[], start: Parameters, withoutKappa: boolean): Parameters {
  let best = start;
  let error = squares(points, best);
  let damping = 1e-3;
  for (let round = 0; round < 500 && damping < 1e12; round += 1) {
    const current: Vector3 = [best.lambda, best.sigma, best.kappa];
    // Columns are scaled to the same length: λ is thousands, κ millionths.
    const gradients = points.map((point) => gradient(best, point));
    const scales = current.map((_, at) => {
      const length = Math.hypot(...gradients.map((row) => row[at]));
      return length > 0 ? 1 / length : 1;
    }) as unknown as Vector3;
    // Solved for the parameters themselves, not for the step, so that the bound is 0 for each.
    const rows = points.map(({ n, rate }, index) => {
      const row = gradients[index].map((value, at) =>
        withoutKappa && at === 2 ? 0 : value * scales[at],
      ) as unknown as Vector3;
      const at = gradients[index].reduce((sum, value, which) => sum + value * current[which], 0);
      return [row, 1 - scalingRate(best, n) / rate + at] as const;
    });
    const damped = current.map((value, at) => {
      const row: [number, number, number] = [0, 0, 0];
      row[at] = Math.sqrt(damping);
      return [row as Vector3, (Math.sqrt(damping) * value) / scales[at]] as const;
    });
    const [lambda, sigma, kappa] = solveBounded([...rows, ...damped]).map((value, at) => value * scales[at]);
    const next = { lambda, sigma, kappa };
    const nextError = squares(points, next);
    if (nextError < error) {
      const gain = (error - nextError) / error;
      best = next;
      error = nextError;
      damping = Math.max(damping / 10, 1e-12);
      if (gain < 1e-14) break;
    } else {
      damping *= 10;
    }
  }
  return best;
}

/** Half widths of the 95 % intervals. A parameter at its bound of 0 takes no part: it is known. */
function halfWidths(points: readonly ScalingPoint[], parameters: Parameters): Vector3 {
  const values = [parameters.lambda, parameters.sigma, parameters.kappa];
  const free = [0, 1, 2].filter((at) => values[at] > 0);
  const freedom = points.length - free.length;
  const variance = squares(points, parameters) / freedom;
  const rows = points.map((point) => gradient(parameters, point));
  const inverse = inverseDiagonal(free, rows);
  const t = studentQuantile(freedom);
  return [0, 1, 2].map((at) => {
    const index = free.indexOf(at);
    return index < 0 ? 0 : t * Math.sqrt(variance * inverse[index]);
  }) as unknown as Vector3;
}

/**
 * A κ that is not told from 0 decides everything beyond what was measured: it makes a peak of a curve that only levels
 * off. So the law is fitted without it unless it is above 0 by this many standard errors: a one-sided test at 5 %.
 */
const kappaErrors = 1.645;

function chosenParameters(points: readonly ScalingPoint[]): { parameters: Parameters; widths: Vector3 } {
  const full = refine(points, linearStart(points), false);
  const widths = halfWidths(points, full);
  const kappaError = widths[2] / studentQuantile(points.length - 3);
  if (full.kappa > kappaErrors * kappaError) return { parameters: full, widths };
  const parameters = refine(points, { ...full, kappa: 0 }, true);
  return { parameters, widths: halfWidths(points, parameters) };
}

/**
 * Fits the law by least squares of the relative errors, with λ, σ and κ of at least 0; κ is 0 unless it can be
 * told from it. Throws CONFIG_INVALID below four different n, and where
 * an n or a rate is not above 0.
 */
export function fitScaling(points: readonly ScalingPoint[]): ScalingFit {
  check(points);
  const { parameters, widths } = chosenParameters(points);
  const { lambda, sigma, kappa } = parameters;
  const estimate = (value: number, at: number): Estimate => ({
    value,
    low: Math.max(0, value - widths[at]),
    high: value + widths[at],
  });
  const mean = points.reduce((sum, { rate }) => sum + rate, 0) / points.length;
  const spread = points.reduce((sum, { rate }) => sum + (rate - mean) ** 2, 0);
  const unexplained = points.reduce((sum, { n, rate }) => sum + (rate - scalingRate(parameters, n)) ** 2, 0);
  const peakN = kappa > 0 ? Math.sqrt(Math.max(0, 1 - sigma) / kappa) : Number.POSITIVE_INFINITY;
  const ceiling = sigma > 0 ? lambda / sigma : Number.POSITIVE_INFINITY;
  return {
    lambda: estimate(lambda, 0),
    sigma: estimate(sigma, 1),
    kappa: estimate(kappa, 2),
    rSquared: spread === 0 ? 1 : 1 - unexplained / spread,
    peakN: Math.max(1, peakN),
    peakRate: kappa > 0 ? scalingRate(parameters, Math.max(1, peakN)) : ceiling,
  };
}

/** The smallest whole N that serves `rate`; undefined where no N does. */
export function smallestN(fit: ScalingFit, rate: number): number | undefined {
  const parameters = parametersOf(fit);
  // X(N) rises up to its peak: below it, κrN² + (σr - κr - λ)N + r(1 - σ) = 0 at its smaller root.
  const { lambda, sigma, kappa } = parameters;
  const [a, b, c] = [kappa * rate, (sigma - kappa) * rate - lambda, rate * (1 - sigma)];
  const inside = b * b - 4 * a * c;
  if (b >= 0 || inside < 0) return undefined;
  // This form of the root holds for a = 0 too.
  const root = (2 * c) / (-b + Math.sqrt(inside));
  const n = Math.max(1, Math.ceil(root - 1e-9));
  // Beyond the peak a whole number may serve less than the root between two of them.
  return scalingRate(parameters, n) >= rate * (1 - 1e-9) ? n : undefined;
}
