/**
 * Growth of the gap with sequence length (T) and vocabulary size (V): effects over a grid of settings, with confidence
 * intervals over seeds.
 *
 * @module
 */
import { table } from "./arquero.ts";
import { type RecordedRun, seriesOf } from "../record/mod.ts";
import { type PairGroup, pairGroups } from "./groups.ts";
import { count, percent, signed } from "./format.ts";
import { deviceOf, precisionName } from "./precision_name.ts";
import { gapOf, type Pair } from "./stability.ts";
import { detectable } from "./power.ts";
import { DEFAULT_LEVEL, type Estimate, estimate, holm, meanP } from "./student.ts";
import type { Table } from "./tables.ts";
import { plainText } from "./plain_text.ts";

/**
 * Metric of a pair. `validation`: gap of the final validation loss in nats per token. `bitsPerByte`: gap of the final
 * validation loss in bits per byte, comparable between vocabularies. `distance`: mean absolute gap of the training loss
 * per step in nats per token.
 */
export type GapMeasure = "validation" | "bitsPerByte" | "distance";

/** Descriptions and units of the metrics. */
export const GAP_MEASURES: Readonly<Record<GapMeasure, { readonly what: string; readonly unit: string }>> = {
  validation: { what: "gap of the final validation loss", unit: "nats per token" },
  bitsPerByte: { what: "gap of the final validation loss", unit: "bits per byte" },
  distance: { what: "distance of training losses", unit: "nats per token" },
};

/** One setting of a grid: a combination of T and V. */
export interface GridCell {
  /** Name of the tokenizer. */
  readonly tokenizer: string;
  /** Vocabulary size, taken from the tokenizer's name. Undefined if the name does not state it, as `character`. */
  readonly V: number | undefined;
  /** Sequence length in tokens. */
  readonly T: number;
  /** Final validation loss in float32, mean over seeds, in nats per token. */
  readonly loss: Estimate;
  /** Final validation loss in float32 in bits per byte. */
  readonly lossBitsPerByte: Estimate;
  /** Mean over seeds of each gap. */
  readonly gaps: Readonly<Record<GapMeasure, Estimate>>;
}

/** Mean of a metric over a grid, or change of the metric with a doubling of T or V. */
export interface GridEffect {
  /** Metric. */
  readonly measure: GapMeasure;
  /**
   * Kind of the effect. `mean`: mean over the grid. `T`: change with a doubling of T. `V`: change with a doubling of V.
   * `T × V`: change of the effect of T with a doubling of V.
   */
  readonly of: "mean" | "T" | "V" | "T × V";
  /** Size of the effect in the metric's unit: mean over seeds. */
  readonly effect: Estimate;
  /** p-value of the test of a zero effect, after Holm's correction over the effects on the metric. */
  readonly adjustedP: number;
  /** Smallest effect that is detected with a probability of 0.8, in the metric's unit. */
  readonly detectable: number;
}

/** Grid of settings in one lower precision. */
export interface Grid {
  /** The lower precision. */
  readonly precision: string;
  /** Seeds that all settings have. */
  readonly seeds: readonly number[];
  /** Confidence level of each interval. */
  readonly level: number;
  /**
   * Tokenizers whose names do not state a vocabulary size, such as `character`, if the grid excludes their settings. Each
   * of them with several T has a grid of its own.
   */
  readonly leftOut: readonly string[];
  /** Settings, ordered by V, then by T. */
  readonly cells: readonly GridCell[];
  /** Effects. An axis with a single value has no effect. */
  readonly effects: readonly GridEffect[];
}

/** Pairs of a setting by seed. */
interface PairsOf {
  readonly tokenizer: string;
  readonly V: number | undefined;
  readonly T: number;
  readonly bySeed: ReadonlyMap<number, Pair>;
}

/**
 * Returns the grids of runs by lower precision. One grid has T × V of all tokenizers whose name states the vocabulary
 * size (`bpe:512`). Each other tokenizer, such as `character`, has a grid over T. A grid requires all combinations of T and
 * V, at least two settings, and at least two seeds that all settings have.
 *
 * Each seed is one observation. For each seed, the effects are the slopes of a least-squares fit of the gap to centered
 * log2 T, log2 V and their product. The means of the slopes over seeds have t intervals (summary measures: Matthews et
 * al. 1990). Variation that is common to all settings of a seed does not widen the intervals.
 */
export function gapGrids(runs: readonly RecordedRun[], level: number = DEFAULT_LEVEL): Grid[] {
  return [...settingsByPrecision(runs)].flatMap(([precision, settings]) =>
    gridsOf(settings, level, precision)
  );
}

/**
 * Names each lower precision that has several settings with at least two seeds each, but no grid, and states what a grid
 * requires.
 */
export function missingGrids(runs: readonly RecordedRun[]): string[] {
  return [...settingsByPrecision(runs)].flatMap(([precision, settings]) => {
    const places = new Set(settings.map(({ tokenizer, T }) => `${T} ${tokenizer}`));
    if (places.size < 2 || settings.some(({ bySeed }) => bySeed.size < 2)) return [];
    if (gridsOf(settings, DEFAULT_LEVEL, precision).length > 0) return [];
    return [
      `${
        plainText(precision)
      }: no estimate. It requires several T of one vocabulary, or all combinations of T and of ` +
      "several vocabularies with their sizes in their names (bpe:512), alike in all else and with two seeds in common.",
    ];
  });
}

function settingsByPrecision(runs: readonly RecordedRun[]): Map<string, PairsOf[]> {
  const several = new Set(runs.map(deviceOf)).size > 1;
  const byPrecision = Map.groupBy(pairGroups(runs), ({ pairs: [first] }) => {
    const precision = precisionName(first!.other.manifest.spec);
    return several ? `${precision} on ${deviceOf(first!.other)}` : precision;
  });
  return new Map([...byPrecision].map(([precision, groups]) => [precision, groups.map(settingOf)]));
}

/** Returns the grid of the settings with a V, and the grid of each tokenizer without a V. */
function gridsOf(settings: readonly PairsOf[], level: number, precision: string): Grid[] {
  const withV = settings.filter(({ V }) => V !== undefined);
  const others = Map.groupBy(settings.filter(({ V }) => V === undefined), ({ tokenizer }) => tokenizer);
  return [withV, ...others.values()].flatMap((members) => {
    const grid = gridOf(members.toSorted((a, b) => (a.V ?? 0) - (b.V ?? 0) || a.T - b.T), level);
    const leftOut = members === withV ? [...others.keys()] : [];
    return grid === undefined ? [] : [{ precision, leftOut, ...grid }];
  });
}

function settingOf({ pairs }: PairGroup): PairsOf {
  const { tokenizer, T } = pairs[0]!.other.manifest.spec;
  const size = /:([0-9]+)$/.exec(tokenizer)?.[1];
  return {
    ...{ tokenizer, T },
    V: size === undefined ? undefined : Number(size),
    bySeed: new Map(pairs.map((pair) => [pair.other.manifest.spec.seed, pair])),
  };
}

function gridOf(
  settings: readonly PairsOf[],
  level: number,
): Omit<Grid, "precision" | "leftOut"> | undefined {
  const [Vs, Ts] = [new Set(settings.map(({ V }) => V)), new Set(settings.map(({ T }) => T))];
  const places = new Set(settings.map(({ V, T }) => `${V} ${T}`));
  // With one setting per combination, and no missing combination, the centered columns are orthogonal.
  const isWhole = settings.length === places.size && places.size === Vs.size * Ts.size && settings.length > 1;
  if (!isWhole) return undefined;
  const valuesOf = new Map(settings.map((setting) => [
    setting,
    new Map([...setting.bySeed].map(([seed, pair]) => [seed, measure(pair)])),
  ]));
  const seeds = [...settings[0]!.bySeed.keys()].filter((seed) =>
    settings.every((setting) => {
      const values = valuesOf.get(setting)!.get(seed);
      return values !== undefined && Object.values(values.gaps).every(Number.isFinite);
    })
  ).sort((a, b) => a - b);
  if (seeds.length < 2) return undefined;
  const of = (setting: PairsOf, seed: number) => valuesOf.get(setting)!.get(seed)!;
  const measures = Object.keys(GAP_MEASURES) as GapMeasure[];
  const over = (value: (seed: number) => number) => estimate(seeds.map(value), level);
  const x = centred(settings.map(({ T }) => Math.log2(T))),
    v = centred(settings.map(({ V }) => V === undefined ? 0 : Math.log2(V)));
  const columns: [GridEffect["of"], number[]][] = [
    ["mean", settings.map(() => 1)],
    ["T", x],
    ["V", v],
    ["T × V", x.map((one, i) => one * v[i]!)],
  ];
  return {
    seeds,
    level,
    cells: settings.map((setting) => ({
      tokenizer: setting.tokenizer,
      V: setting.V,
      T: setting.T,
      loss: over((seed) => of(setting, seed).loss),
      lossBitsPerByte: over((seed) => of(setting, seed).lossBitsPerByte),
      gaps: Object.fromEntries(
        measures.map((name) => [name, over((seed) => of(setting, seed).gaps[name])]),
      ) as Record<GapMeasure, Estimate>,
    })),
    effects: measures.flatMap((name) =>
      tested(
        columns.flatMap(([effect, column]) => {
          const size = column.reduce((sum, one) => sum + one ** 2, 0);
          if (size === 0) return [];
          const slope = (seed: number) =>
            settings.reduce((sum, setting, i) => sum + column[i]! * of(setting, seed).gaps[name], 0) / size;
          return [{ measure: name, of: effect, effect: over(slope) }];
        }),
        level,
      )
    ),
  };
}

/** Adds p-values with Holm's correction, and detectable effects, to the effects on a metric. */
function tested(
  effects: readonly Omit<GridEffect, "adjustedP" | "detectable">[],
  level: number,
): GridEffect[] {
  const adjusted = holm(effects.map(({ effect }) => meanP(effect)!));
  return effects.map((one, i) => ({
    ...one,
    adjustedP: adjusted[i]!,
    detectable: detectable(one.effect, (1 - level) / effects.length)!,
  }));
}

function measure(pair: Pair): { loss: number; lossBitsPerByte: number; gaps: Record<GapMeasure, number> } {
  const gap = gapOf(pair);
  const last = seriesOf(pair.baseline).evals.at(-1);
  return {
    loss: last?.loss ?? NaN,
    lossBitsPerByte: last?.bitsPerByte ?? NaN,
    gaps: {
      validation: gap.finalValidation,
      bitsPerByte: gap.finalBitsPerByte,
      distance: gap.meanAbsolute,
    },
  };
}

function centred(values: readonly number[]): number[] {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return values.map((value) => value - mean);
}

/**
 * Returns a table with one row per setting: `V` (or `tokenizer` if it states no V), `T`, the float32 loss in nats per
 * token and in bits per byte, and the gaps with half the widths of their confidence intervals.
 */
export function gridTable({ cells }: Grid): Table {
  const column = <C>(value: (cell: GridCell) => C): C[] => cells.map(value);
  return table([
    cells[0]?.V === undefined
      ? ["tokenizer", column(({ tokenizer }) => tokenizer)]
      : ["V", column(({ V }) => V)],
    ["T", column(({ T }) => T)],
    ["valLoss", column(({ loss }) => loss.mean)],
    ["bitsPerByte", column(({ lossBitsPerByte }) => lossBitsPerByte.mean)],
    ["valGap", column(({ gaps }) => gaps.validation.mean)],
    ["half", column(({ gaps }) => gaps.validation.half ?? null)],
    ["bitsGap", column(({ gaps }) => gaps.bitsPerByte.mean)],
    ["bitsHalf", column(({ gaps }) => gaps.bitsPerByte.half ?? null)],
    ["distance", column(({ gaps }) => gaps.distance.mean)],
    ["distanceHalf", column(({ gaps }) => gaps.distance.half ?? null)],
  ]);
}

/**
 * Summarizes a grid in one sentence per metric: changes with a doubling of T and of V, their significance, and
 * detectable effects.
 */
export function gridSentences({ precision, seeds, level, effects, leftOut, cells: [cell] }: Grid): string[] {
  const name = plainText(precision) + (cell?.V === undefined ? `, ${plainText(cell?.tokenizer ?? "")}` : "");
  const sentences = (Object.keys(GAP_MEASURES) as GapMeasure[]).map((measured) => {
    const own = effects.filter(({ measure }) => measure === measured);
    const parts = own.flatMap(({ of, effect: { mean, half = NaN }, adjustedP, detectable }) => {
      const digits = decimalsOf(half);
      const size = `${signed(mean, digits)} ± ${half.toFixed(digits)}`;
      const note = ` (${adjustedP < 1 - level ? "" : "not significant, "}p = ${
        Number(adjustedP.toPrecision(2))
      }, detectable: ${detectable.toFixed(digits)})`;
      if (of === "mean") return [`is ${size} on average${note}`];
      if (of === "T × V") return [`and a doubling of V changes the effect of T by ${size}${note}`];
      return [`changes by ${size} with a doubling of ${of}${note}`];
    });
    const { what, unit } = GAP_MEASURES[measured];
    return `${name}: the ${what} in ${unit} (${percent(level)}, ${count(seeds.length, "paired seed")}) ${
      parts.join(", ")
    }. p-values and detectable effects have Holm's correction over ${count(own.length, "effect")}.`;
  });
  if (leftOut.length === 0) return sentences;
  const names = leftOut.map((tokenizer) => plainText(tokenizer)).join(", ");
  return [...sentences, `${plainText(precision)}: without ${names}, which has no V in its name.`];
}

/** Maximum number of decimals of an effect. */
const MOST_DECIMALS = 6;

/** Returns the number of decimals that shows two significant digits of an interval's half width. */
function decimalsOf(half: number): number {
  if (!(half > 0)) return MOST_DECIMALS;
  return Math.max(0, Math.min(MOST_DECIMALS, 1 - Math.floor(Math.log10(half))));
}
