/**
 * Pairs of runs that differ only in precision, grouped over seeds, and reasons why two runs are not a pair.
 *
 * @module
 */
import { canonicalJson, isPerturbed, perturbationOf, type RecordedRun, type RunSpec } from "../record/mod.ts";

import { precisionName } from "./precision_name.ts";
import { settingKey, settingNamer, settingOrder } from "./settings.ts";
import { keyOf, type Pair, pairRuns, PRECISION } from "./stability.ts";
import { plainText } from "./plain_text.ts";

/** Pairs of one setting and one lower precision. */
export interface PairGroup {
  /** Name of the setting: tokenizer, T, and other fields that differ between groups. */
  readonly setting: string;
  /** Finished pairs, one per seed. */
  readonly pairs: readonly Pair[];
  /** Finished float32 runs of the setting, with all seeds. */
  readonly seeds: readonly RecordedRun[];
  /** Finished float32 runs of the setting, each paired with a finished perturbed copy. */
  readonly perturbed: readonly Pair[];
  /** Number of pairs that were excluded because a run is unfinished. */
  readonly unfinished: number;
}

/**
 * Pairs runs in lower precisions with float32 runs, and groups the pairs by setting and lower precision. Omits groups
 * without a finished pair.
 */
export function pairGroups(runs: readonly RecordedRun[]): PairGroup[] {
  const pairs = pairRuns(runs);
  const groups = [
    ...Map.groupBy(
      pairs,
      ({ other }) => `${precisionName(other.manifest.spec)} ${settingKey(other)}`,
    ).values(),
  ];
  const firsts = groups.map(([first]) => first!.other), nameOf = settingNamer(firsts);
  const compare = settingOrder(firsts);
  groups.sort(([a], [b]) => compare(a!.other, b!.other));
  return groups.flatMap((group) => {
    const finished = group.filter(({ baseline, other }) =>
      baseline.status === "finished" && other.status === "finished"
    );
    const [first] = finished;
    if (first === undefined) return [];
    const key = keyOf(first.baseline, ["seed"]);
    return [{
      setting: nameOf(first.other),
      pairs: finished.sort((a, b) => a.other.manifest.spec.seed - b.other.manifest.spec.seed),
      seeds: runs.filter((run) => run.status === "finished" && keyOf(run, ["seed"]) === key),
      perturbed: perturbedPairs(runs, first.baseline),
      unfinished: group.length - finished.length,
    }];
  });
}

/**
 * Pairs each unperturbed run with its perturbed copies, which have the same seed. Only considers finished runs of
 * `among` that differ from `like` in nothing but the seed and the perturbation.
 */
export function perturbedPairs(among: readonly RecordedRun[], like: RecordedRun): Pair[] {
  const free = ["seed", "perturb", "reorder"] as const, key = keyOf(like, free);
  const finished = among.filter((run) => run.status === "finished" && keyOf(run, free) === key);
  const isChanged = ({ manifest: { spec } }: RecordedRun) => isPerturbed(spec);
  const bases = new Map(
    finished.filter((run) => !isChanged(run)).map((run) => [run.manifest.spec.seed, run]),
  );
  const perturbed = new Map(
    finished.filter(isChanged)
      .map((run) => [`${run.manifest.spec.seed} ${perturbationOf(run.manifest.spec)}`, run]),
  );
  return [...perturbed.values()].flatMap((other) => {
    const baseline = bases.get(other.manifest.spec.seed);
    return baseline === undefined ? [] : [{ baseline, other }];
  });
}

/**
 * Describes why two runs cannot be compared. Comparable runs are finished, have the same text, and differ only in
 * precision or only in seed.
 *
 * @returns The reason, as `expected …, got ….`, or undefined for comparable runs.
 */
export function pairProblem(a: RecordedRun, b: RecordedRun): string | undefined {
  for (const [which, { status, manifest }] of [["first", a], ["second", b]] as const) {
    if (status !== "finished") {
      return `expected finished runs, got ${status} for the ${which} run, ${manifest.runId}.`;
    }
  }
  if (a.manifest.data.sha256 !== b.manifest.data.sha256) {
    return `expected runs on the same text, got SHA-256 ${a.manifest.data.sha256} (${
      plainText(a.manifest.data.name)
    }) ` +
      `and ${b.manifest.data.sha256} (${plainText(b.manifest.data.name)}).`;
  }
  const [left, right] = [a.manifest.spec, b.manifest.spec];
  const different = (Object.keys(left) as (keyof RunSpec)[]).filter((field) =>
    canonicalJson(left[field]) !== canonicalJson(right[field])
  );
  const say = (field: keyof RunSpec) =>
    `${field} ${JSON.stringify(left[field])} and ${JSON.stringify(right[field])}`;
  const wrong = different.find((field) => field !== "seed" && !isPrecision(field));
  if (wrong !== undefined) {
    return `expected runs that differ in precision only, or in seed only, got ${say(wrong)}.`;
  }
  const precision = different.find((field) => isPrecision(field));
  if (precision !== undefined && different.includes("seed")) {
    return `expected runs that differ in precision only, or in seed only, got ${say(precision)}, ${
      say("seed")
    }.`;
  }
  return undefined;
}

function isPrecision(field: keyof RunSpec): boolean {
  return PRECISION.some((one) => one === field);
}

/** Describes differences of code and machine between two runs, which may explain a gap. */
export function pairNotes(a: RecordedRun, b: RecordedRun): string[] {
  const notes = a.manifest.libSha256 === b.manifest.libSha256
    ? []
    : ["different versions of lib/ made the two runs"];
  const [left, right] = [a.manifest.environment, b.manifest.environment];
  for (const field of ["device", "cpuModel", "tensorflowVersion", "rounding", "onednn"] as const) {
    if (left[field] === right[field]) continue;
    notes.push(
      `${field} differs: ${plainText(String(left[field]))} and ${plainText(String(right[field]))}`,
    );
  }
  return notes;
}

/**
 * Returns finished runs that differ from a run only in seed, one per seed. They measure the differences between seeds.
 */
export function otherSeeds(
  run: RecordedRun,
  among: readonly RecordedRun[],
  but: readonly number[],
): RecordedRun[] {
  const key = keyOf(run, ["seed"]);
  const bySeed = new Map<number, RecordedRun>();
  for (const one of among) {
    const { seed } = one.manifest.spec;
    if (one.status === "finished" && !but.includes(seed) && keyOf(one, ["seed"]) === key) {
      bySeed.set(seed, one);
    }
  }
  return [...bySeed.values()];
}
