/**
 * From which step on two kinds of runs part, and from which step a run is lost. Plain numbers.
 *
 * @module
 */
import { least } from "../number/extent.ts";
import { median, runningMedians } from "./median.ts";

/** A stretch of a run's steps. */
export interface Block {
  /** Its first step, from 1. */
  readonly first: number;
  /** Its last step. */
  readonly last: number;
}

/** In how many blocks a run is looked at: each is a twentieth of it. */
export const BLOCKS = 20;

/** Parts steps 1 to `steps` into at most {@linkcode BLOCKS} blocks of equal length, the last one maybe shorter. */
export function blocksOf(steps: number): Block[] {
  const length = Math.max(1, Math.ceil(steps / BLOCKS));
  return Array.from({ length: Math.ceil(steps / length) }, (_, i) => ({
    first: i * length + 1,
    last: Math.min(steps, (i + 1) * length),
  }));
}

/** The mean over each block of what is finite in it; NaN where nothing is. `values` begin at step 1. */
export function blockMeans(values: ArrayLike<number>, blocks: readonly Block[]): number[] {
  return blocks.map(({ first, last }) => {
    let sum = 0, count = 0;
    for (let i = first - 1; i < Math.min(last, values.length); i++) {
      if (Number.isFinite(values[i]!)) sum += values[i]!, count++;
    }
    return sum / count;
  });
}

/**
 * Where the unbroken run of true values begins that reaches to the end; undefined: the last value is not true.
 *
 * Blocks are tested from the last one back, and the first test that finds nothing ends it. Each may be made at the full
 * level: that any of them is a false alarm needs the first of them to be one (tests in a fixed sequence; Maurer, Hothorn
 * and Lehmacher 1995). So no level is spent on the number of blocks, and what is found holds to the end.
 */
export function tailBegin(found: readonly boolean[]): number | undefined {
  const lastFalse = found.lastIndexOf(false);
  return lastFalse === found.length - 1 ? undefined : lastFalse + 1;
}

/** Losses whose median tells where a run stands: a loss that leaps and comes back has not diverged. */
const WINDOW = 32;

/** What a rise must be beyond to be more than noise, in standard deviations of a step's loss. */
const NOISE = 5;

/** The least rise that is one, nats per token: the loss of a model that learns nothing moves in its last digits. */
const LEAST = 0.05;

/**
 * The step at which a run was lost for good; undefined: it was not.
 *
 * It is lost where losses stop being finite to the end; or where the median of 32 losses (of a quarter of a shorter run)
 * rises, to stay, above the lowest such median by more than half of what had been learnt until then, by more than 5 standard
 * deviations of a single loss, which are taken from the changes between neighbouring steps, and by more than 0.05 nats.
 *
 * @param losses Training losses by step, from step 1, nats per token.
 */
export function divergedAt(losses: ArrayLike<number>): number | undefined {
  const finite = new Float64Array(losses).map((loss) => Number.isFinite(loss) ? loss : Infinity);
  const lastFinite = finite.findLastIndex(Number.isFinite);
  if (lastFinite < losses.length - 1) return lastFinite + 2;
  const window = Math.min(WINDOW, Math.floor(losses.length / 4));
  if (window < 2) return undefined; // too few to tell a rise from noise
  const medians = runningMedians(finite, window);
  const lowest = least(medians);
  const changes = finite.subarray(1).map((loss, i) => Math.abs(loss - finite[i]!)).filter(Number.isFinite);
  const noise = median(changes) * 1.4826 / Math.SQRT2; // of normal noise, its standard deviation
  const line = lowest + Math.max((medians[0]! - lowest) / 2, NOISE * noise, LEAST);
  if (!(medians.at(-1)! > line)) return undefined;
  const under = medians.findLastIndex((one) => one <= line);
  // The window's median crosses when half of it has: the first of the losses that made it cross.
  const first = finite.findIndex((loss, i) => i > under && loss > line);
  return first + 1;
}
