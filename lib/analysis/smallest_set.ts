/**
 * Search for the smallest explanatory set by bisection, independent of precision and runs.
 *
 * @module
 */

/** Result of a search. */
export interface SmallestSet<P> {
  /**
   * Minimal set of parts that explains the effect. Empty if the effect exists without parts. Undefined if all parts
   * together do not explain it, or the search reached its bound.
   */
  readonly parts: readonly P[] | undefined;
  /** Reason for a missing set. */
  readonly reason: "not explained" | "too many parts" | undefined;
  /** Number of sets that were tried. */
  readonly trials: number;
}

/**
 * Returns the maximum number of trials for a set of at most `most` of `n` parts: 2 k log2(n / k) + 2 k, rounded up for
 * each k, plus two initial trials (proof: Junker 2004, *QuickXplain*).
 */
export function trialBound(n: number, most: number): number {
  const k = Math.min(n, most);
  return k === 0 ? 2 : 2 + 2 * k * Math.ceil(Math.log2(n / k)) + 2 * k;
}

/**
 * Finds a minimal set of parts that explains an effect, by Junker's QuickXplain (AAAI 2004). Halves are tried before
 * quarters, as in delta debugging, with far fewer trials for small sets.
 *
 * Assumes monotonicity: a superset of an explanatory set is explanatory.
 *
 * @param parts All parts. Similar parts should be adjacent.
 * @param explains Tests a set. Called for one set at a time.
 * @param most Maximum number of parts in a set (default 4). Limits the trials to {@linkcode trialBound}.
 */
export async function smallestSet<P>(
  parts: readonly P[],
  explains: (set: readonly P[]) => boolean | Promise<boolean>,
  most: number = 4,
): Promise<SmallestSet<P>> {
  const bound = trialBound(parts.length, most);
  let trials = 0;
  const ask = async (set: readonly P[]): Promise<boolean> => {
    if (trials >= bound) throw new OverBound();
    trials++;
    return await explains(set);
  };
  /**
   * Returns the smallest subset of `among` that explains the effect with `given`. `added` is true if `given` has grown.
   */
  const search = async (given: readonly P[], added: boolean, among: readonly P[]): Promise<readonly P[]> => {
    if (added && await ask(given)) return [];
    if (among.length === 1) return among;
    const half = Math.ceil(among.length / 2);
    const [left, right] = [among.slice(0, half), among.slice(half)];
    const ofRight = await search([...given, ...left], true, right);
    const ofLeft = await search([...given, ...ofRight], ofRight.length > 0, left);
    return [...ofLeft, ...ofRight];
  };
  try {
    if (!await ask(parts)) return { parts: undefined, reason: "not explained", trials };
    if (parts.length === 0 || await ask([])) return { parts: [], reason: undefined, trials };
    const found = await search([], false, parts);
    if (found.length > most) return { parts: undefined, reason: "too many parts", trials };
    return { parts: found, reason: undefined, trials };
  } catch (error) {
    if (error instanceof OverBound) return { parts: undefined, reason: "too many parts", trials };
    throw error;
  }
}

class OverBound extends Error {}
