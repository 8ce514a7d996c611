/**
 * Rates measured by simulation, and tests of them: how often something happens among simulated cases, against a bound.
 *
 * @module
 */
import { assert } from "@std/assert";
import { soaking } from "./soak.ts";

/** A rate to measure. */
export interface RateCase {
  /** Name of the rate. */
  readonly name: string;
  /** Number of cases in a test. */
  readonly cases: number;
  /** Returns true, or the number of events, for a simulated case. Cases are numbered from 1. */
  readonly happens: (simulation: number) => boolean | number;
  /** Upper bound of the true rate. Default: none. */
  readonly most?: number;
  /** Lower bound of the true rate. Default: none. */
  readonly least?: number;
}

/** Cases of a rate under `deno task soak`. */
const SOAK_CASES = 10_000;

/**
 * Registers a test of a rate. Fails if the found rate is outside of the bounds by more than 3 standard deviations of a rate at
 * the bound: a correct rate fails in less than 0.14 % of choices of the simulations, which are fixed. Prints the rate under
 * `deno task soak`.
 */
export function testRate({ name, cases, happens, most, least }: RateCase): void {
  const n = soaking ? SOAK_CASES : cases;
  // Counts of rare events are Poisson numbers, whose variance is larger than a binomial number's.
  const slack = (rate: number) => 3 * Math.sqrt(Math.max(rate * (rate <= 1 ? 1 - rate : 1), 1 / n) / n);
  Deno.test(`${name}: ${most === undefined ? `at least ${least}` : `at most ${most}`}`, () => {
    let sum = 0;
    for (let i = 1; i <= n; i++) sum += Number(happens(i));
    const rate = sum / n;
    if (soaking) console.log(`RATE ${name}: ${rate} of ${n}`);
    assert(
      most === undefined || rate <= most + slack(most),
      `${name}: expected at most ${most}, got ${rate}`,
    );
    assert(
      least === undefined || rate >= least - slack(least),
      `${name}: expected at least ${least}, got ${rate}`,
    );
  });
}
