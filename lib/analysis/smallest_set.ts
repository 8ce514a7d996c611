/**
 * The smallest set of parts that explains something, by bisection. It knows of no precision and no run.
 *
 * @module
 */

/** What a search came to. */
export interface SmallestSet<P> {
  /**
   * Parts that explain it together, of which none can be left out; empty: it is there without any. Undefined: not even all
   * parts explain it, or the search ended at its bound.
   */
  readonly parts: readonly P[] | undefined;
  /** Why there is no set, where there is none. */
  readonly reason: "not explained" | "too many parts" | undefined;
  /** How many sets were tried. */
  readonly trials: number;
}

/**
 * How many sets a search tries at most for a set of at most `most` of `n` parts: 2 k log2(n / k) + 2 k, rounded up for
 * each of k, and two to begin with (Junker 2004, *QuickXplain*, where it is proved).
 */
export function trialBound(n: number, most: number): number {
  const k = Math.min(n, most);
  return k === 0 ? 2 : 2 + 2 * k * Math.ceil(Math.log2(n / k)) + 2 * k;
}

/**
 * Finds a set of parts that explains something, none of which can be left out, by Junker's QuickXplain (AAAI 2004): halves
 * are tried before quarters, as in delta debugging, with far fewer trials where few parts are to blame.
 *
 * A set that explains it is taken to explain it with more parts too.
 *
 * @param parts In an order that keeps together what is alike.
 * @param explains Whether a set does. It is asked one set at a time.
 * @param most Parts that a set may have to be worth finding (default 4): it bounds the trials by {@linkcode trialBound}.
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
  /** The smallest addition to `given` that explains it, out of `among`; `added`: whether `given` has grown. */
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
