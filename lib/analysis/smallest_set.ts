/**
 * Search for a minimal set of items that explains an effect, by bisection. Does not depend on precision or runs.
 *
 * @module
 */

/** Result of {@linkcode smallestSet}. */
export interface SmallestSet<P> {
  /**
   * Minimal set of parts that explains the effect. Empty if the empty set explains the effect. Undefined if all parts
   * together do not explain the effect, or the set would have too many parts.
   */
  readonly parts: readonly P[] | undefined;
  /** Reason why no set was found. Undefined if a set was found. */
  readonly reason: "not explained" | "too many parts" | undefined;
  /** Number of sets that were tried. */
  readonly trials: number;
}

/**
 * Returns the maximum number of trials that find a set of at most `most` of `n` parts. For a set of k parts, the bound
 * is 2 k log2(n / k) + 2 k (proof: Junker 2004, *QuickXplain*). Two initial trials are added.
 */
export function trialBound(n: number, most: number): number {
  const k = Math.min(n, most);
  return k === 0 ? 2 : 2 + 2 * k * Math.ceil(Math.log2(n / k)) + 2 * k;
}

/**
 * Finds a minimal set of parts that explains an effect, by Junker's QuickXplain (AAAI 2004). Like delta debugging, the
 * search tries halves before quarters, but requires far fewer trials for small sets.
 *
 * Assumes monotonicity: a superset of an explanatory set is explanatory.
 *
 * @param parts All parts. Similar parts should be adjacent.
 * @param explains Returns true if a set explains the effect. Called for one set at a time.
 * @param most Maximum number of parts in the set. Default: 4. The number of trials is at most {@linkcode trialBound}.
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
