/**
 * Search for the smallest set of parts whose precision causes an effect. The caller's function measures the effect of a
 * set; this module trains nothing.
 *
 * @module
 */
import type { PrecisionOverride } from "../precision/mod.ts";
import {
  type CulpritSearch,
  type FoundFrom,
  type Part,
  partName,
  returned,
  wholeClasses,
} from "./culprit.ts";
import { smallestSet, trialBound } from "./smallest_set.ts";

/** Function that returns the share of the total effect that remains when overrides set some parts to float32. */
export type ShareOf = (returned: readonly PrecisionOverride[]) => number | Promise<number>;

/** Options of {@linkcode searchCulprit}. */
export interface CulpritOptions {
  /** Maximum number of parts in a set. Default: 4. */
  readonly most?: number;
  /**
   * Share of the effect that a set must explain. Lowering only the set must cause at least this share. Returning only
   * the set to float32 must leave at most 1 - share. Default: 0.8.
   */
  readonly share?: number;
  /**
   * True to measure each part alone first, with one trial per part, and to rank the parts by the result. Default:
   * false.
   */
  readonly alone?: boolean;
  /**
   * Parts in the order of their expected effect, for example by their errors in a replayed step. Only the first parts
   * of this order, and whole operation classes, are tried. Default: every subset may be tried.
   */
  readonly ranking?: readonly Part[] | undefined;
  /** Share of the effect that is negligible. If less remains, no further parts are added to a set. Default: 0.01. */
  readonly least?: number;
  /**
   * Returns a key of the effective precision. Overrides with equal keys have the same effect, which is measured only
   * once. Default: all overrides are distinct.
   */
  readonly keyOf?: ((returned: readonly PrecisionOverride[]) => string | Promise<string>) | undefined;
}

/** A partner must leave at most this share of what its set leaves without it. */
const PARTNER = 1 / 3;

/** Number of candidates that are tried as the next partner. */
const CANDIDATES = 3;

/**
 * Returns the maximum number of trials of a search, over both directions and both levels. The empty and the full set
 * are not counted, because their shares are known.
 */
export function culpritBound(
  parts: readonly Part[],
  { most = 4, alone = false, ranking }: Pick<CulpritOptions, "most" | "alone" | "ranking"> = {},
): number {
  const among = ranking === undefined ? [parts.length] : [];
  const directions = [...among, wholeClasses(parts).length].map((n) => 2 * (trialBound(n, most) - 2));
  const prefixes = alone || ranking !== undefined ? most * (most + 3) + 1 + most * CANDIDATES : 0;
  return directions.reduce((a, b) => a + b, 0) + prefixes + (alone ? parts.length : 0);
}

/**
 * Searches for the smallest set of parts that explains an effect. Lowering only the set causes the effect. Returning
 * only the set to float32 removes the effect. With a ranking, the search then adds parts whose effect a larger part
 * masks. Each added part reduces the remaining effect to a third or less.
 *
 * @param parts All parts.
 * @param shareOf Returns the share of the effect when all parts are in lower precision, except those that the overrides
 * set to float32. The share is 1 without overrides. The share with all parts in float32 is 0 by definition, and is
 * never measured.
 * @param options See {@linkcode CulpritOptions}.
 */
export async function searchCulprit(
  parts: readonly Part[],
  shareOf: ShareOf,
  options: CulpritOptions = {},
): Promise<CulpritSearch> {
  const { most = 4, share = 0.8, alone = false, least = 0.01 } = options;
  const trials = new Trials(parts, shareOf, options.keyOf);
  const singles: { part: Part; share: number }[] = [];
  if (alone) { for (const part of parts) singles.push({ part, share: await trials.lowered([part]) }); }
  const ranking = options.ranking ??
    singles.toSorted((a, b) => b.share - a.share).map(({ part }) => part);
  const search = new Search(trials, { most, share });
  const both = async (how: (direction: Direction) => Promise<FoundFrom>) =>
    [await how("lowered"), await how("returned")] as const;
  let level: CulpritSearch["level"] = "parts";
  let [lowered, back] = await both((direction) =>
    search.from(parts, direction, { ranking, exhaustive: options.ranking === undefined })
  );
  if (lowered.parts === undefined || back.parts === undefined) {
    level = "classes";
    [lowered, back] = await both((direction) =>
      search.from(wholeClasses(parts), direction, { ranking: [], exhaustive: true })
    );
  } else [lowered, back] = await search.withPartners([lowered, back], { ranking, least });
  return { level, lowered, returned: back, alone: singles, trials: trials.count };
}

type Direction = "lowered" | "returned";

/** Measured sets. */
class Trials {
  readonly #parts: readonly Part[];
  readonly #shareOf: ShareOf;
  readonly #keyOf: NonNullable<CulpritOptions["keyOf"]>;
  readonly #known = new Map<string, number>();
  readonly #keys = new Map<string, string>();

  constructor(parts: readonly Part[], shareOf: ShareOf, keyOf: CulpritOptions["keyOf"]) {
    this.#parts = parts;
    this.#shareOf = shareOf;
    this.#keyOf = keyOf ?? ((overrides) => JSON.stringify(overrides));
  }

  /** Number of measured sets of distinct precision. */
  get count(): number {
    return this.#known.size;
  }

  /** Returns the share of the effect if only these parts are in lower precision. */
  async lowered(set: readonly Part[]): Promise<number> {
    const low = new Set(set.flatMap(placesOf));
    const back = this.#parts.filter((part) => !placesOf(part).some((place) => low.has(place)));
    if (back.length === this.#parts.length) return 0;
    if (back.length === 0) return 1;
    const overrides = returned(back), text = JSON.stringify(overrides);
    const key = this.#keys.get(text) ?? await this.#keyOf(overrides);
    this.#keys.set(text, key);
    const share = this.#known.get(key) ?? await this.#shareOf(overrides);
    this.#known.set(key, share);
    return share;
  }

  /** Returns the share that remains if only these parts are in float32. */
  async returned(set: readonly Part[]): Promise<number> {
    const places = new Set(set.flatMap(placesOf));
    return await this.lowered(
      this.#parts.filter((part) => !placesOf(part).some((place) => places.has(place))),
    );
  }
}

class Search {
  readonly #trials: Trials;
  readonly #most: number;
  readonly #share: number;

  constructor(trials: Trials, { most, share }: { most: number; share: number }) {
    this.#trials = trials;
    this.#most = most;
    this.#share = share;
  }

  /** Finds the smallest set from a direction: the first parts of a ranking, or any set. */
  async from(
    among: readonly Part[],
    direction: Direction,
    { ranking, exhaustive }: { ranking: readonly Part[]; exhaustive: boolean },
  ): Promise<FoundFrom> {
    const explains = async (set: readonly Part[]) => {
      const found = await this.#trials[direction](set);
      return direction === "lowered" ? found >= this.#share : found <= 1 - this.#share;
    };
    for (let n = 1; n <= Math.min(this.#most, ranking.length); n++) {
      const set = inOrder(among, ranking.slice(0, n));
      if (!await explains(set)) continue;
      const smallest = await without(set, explains);
      return { parts: smallest, reason: undefined, share: await this.#trials[direction](smallest) };
    }
    if (!exhaustive) return { parts: undefined, reason: "too many parts", share: NaN };
    const { parts, reason } = await smallestSet(among, explains, this.#most);
    return { parts, reason, share: parts === undefined ? NaN : await this.#trials[direction](parts) };
  }

  /** Adds partners to a set found from both directions. */
  async withPartners(
    [lowered, back]: readonly [FoundFrom, FoundFrom],
    { ranking, least }: { ranking: readonly Part[]; least: number },
  ): Promise<readonly [FoundFrom, FoundFrom]> {
    const names = (set: FoundFrom) => set.parts?.map(partName).join();
    if (names(lowered) !== names(back)) return [lowered, back];
    let set = back.parts!, { share } = back;
    const next = async (): Promise<boolean> => {
      for (const part of ranking.filter((one) => !set.includes(one)).slice(0, CANDIDATES)) {
        const remaining = await this.#trials.returned([...set, part]);
        if (Math.abs(remaining) > PARTNER * share) continue;
        [set, share] = [[...set, part], remaining];
        return true;
      }
      return false;
    };
    while (set.length < this.#most && share > least && await next());
    if (set.length === back.parts!.length) return [lowered, back];
    const found = inOrder(ranking, set);
    const how = { parts: found, reason: undefined };
    return [{ ...how, share: await this.#trials.lowered(found) }, { ...how, share }];
  }
}

/** Returns the parts of a set in the order of a list. */
function inOrder(list: readonly Part[], set: readonly Part[]): Part[] {
  const names = set.map(partName);
  return list.filter((part) => names.includes(partName(part)));
}

/** Removes the parts that are not necessary. */
async function without(
  set: readonly Part[],
  explains: (set: readonly Part[]) => Promise<boolean>,
): Promise<readonly Part[]> {
  let kept = set;
  for (const one of set) {
    const rest = kept.filter((part) => part !== one);
    if (rest.length > 0 && await explains(rest)) kept = rest;
  }
  return kept;
}

/** Returns the places of a part. */
function placesOf({ layers, opClass }: Part): string[] {
  return layers.map((layer) => `${opClass}@${layer}`);
}
