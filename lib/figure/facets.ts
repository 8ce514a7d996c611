/**
 * What runs are told apart by: the axes that a page filters by, the settings that figures are of, and what binds a pair.
 *
 * @module
 */
import { deviceOf, keyOf, plainText, precisionName } from "../analysis/mod.ts";
import { canonicalJson, type RecordedRun, type RunSpec, sha256Hex } from "../record/mod.ts";
import { plotlyText } from "./escape.ts";
import type { PlotlyObject } from "./figure.ts";

/** An axis in which runs differ. */
export interface Facet {
  /** Its key: a field of the spec, or `precision`, `device` or `status`. */
  readonly key: string;
  /** What a reader calls it. */
  readonly label: string;
  /** Its values: numbers by size, names as the runs have them. */
  readonly values: readonly string[];
  /** A run's value. */
  readonly valueOf: (run: RecordedRun) => string;
}

/** Axes that readers have a name for, in the order that they are shown in. */
const KNOWN: readonly Omit<Facet, "values">[] = [
  { key: "data", label: "text", valueOf: ({ manifest: { spec } }) => plainText(spec.data) },
  { key: "T", label: "sequence length", valueOf: ({ manifest: { spec } }) => String(spec.T) },
  { key: "tokenizer", label: "vocabulary", valueOf: ({ manifest: { spec } }) => plainText(spec.tokenizer) },
  {
    key: "precision",
    label: "precision",
    valueOf: ({ manifest: { spec } }) => plainText(precisionName(spec)),
  },
  { key: "seed", label: "seed", valueOf: ({ manifest: { spec } }) => String(spec.seed) },
  {
    key: "device",
    label: "device",
    valueOf: (run) => plainText(deviceOf(run)),
  },
  { key: "status", label: "status", valueOf: ({ status }) => status },
];

/** Fields that an axis above speaks for, or that follow from others: B follows T where a step's tokens are fixed. */
const SPOKEN_FOR: readonly string[] = [
  "data",
  "tokenizer",
  "T",
  "B",
  "seed",
  "policy",
  "overrides",
  "threads",
];

/** The axes in which runs differ: the known ones, and every other field of their specs. */
export function facetsOf(runs: readonly RecordedRun[]): Facet[] {
  const [first] = runs;
  if (first === undefined) return [];
  const others = (Object.keys(first.manifest.spec) as (keyof RunSpec)[])
    .filter((field) => !SPOKEN_FOR.includes(field))
    .map((field) => ({
      key: field,
      label: field,
      valueOf: ({ manifest: { spec } }: RecordedRun) => {
        const value: unknown = spec[field];
        return plainText(typeof value === "string" ? value : canonicalJson(value ?? null));
      },
    }));
  return [...KNOWN, ...others].map((axis) => {
    const values = [...new Set(runs.map(axis.valueOf))];
    const areNumbers = values.every((text) => text !== "" && Number.isFinite(Number(text)));
    return { ...axis, values: areNumbers ? values.sort((a, b) => Number(a) - Number(b)) : values };
  }).filter(({ values }) => values.length > 1);
}

/** What a page reads off a trace or a row: the run's value on every axis, and the key that its pair have too. */
export interface RunMeta {
  /** Values by axis, as {@linkcode plotlyText} writes them: no text of a run is ever raw in a figure. */
  readonly facets: { readonly [axis: string]: string };
  /** The same for runs that differ in their precision alone, on one device. */
  readonly pair: string;
}

/** Makes the {@linkcode RunMeta} of runs. Plotly passes it through as a trace's `meta`. */
export function metaOf(runs: readonly RecordedRun[]): (run: RecordedRun) => RunMeta & PlotlyObject {
  const facets = facetsOf(runs);
  return (run) => ({
    facets: Object.fromEntries(facets.map(({ key, valueOf }) => [key, plotlyText(valueOf(run))])),
    pair: sha256Hex(keyOf(run, ["policy", "overrides"])).slice(0, 12),
  });
}

/** Runs of one setting: equal in all but precision and seed. */
export interface Setting<M> {
  /** In words: vocabulary, T, and whatever else differs between settings. */
  readonly name: string;
  /** The vocabulary, and T, for a place in a grid. */
  readonly tokenizer: string;
  /** Tokens in a sequence. */
  readonly T: number;
  /** What was grouped. */
  readonly members: M[];
}

/** Groups what runs stand for by their settings, vocabularies in their order and each by T. */
export function bySetting<M>(members: readonly M[], runOf: (member: M) => RecordedRun): Setting<M>[] {
  const free = ["precision", "seed", "status", "tokenizer", "T"];
  const facets = facetsOf(members.map(runOf)).filter(({ key }) => !free.includes(key));
  const groups = Map.groupBy(members, (member) => {
    const run = runOf(member), { spec, data } = run.manifest;
    return JSON.stringify([
      data.sha256,
      spec.tokenizer,
      spec.T,
      ...facets.map(({ valueOf }) => valueOf(run)),
    ]);
  });
  const tokenizers = [...new Set(members.map((member) => runOf(member).manifest.spec.tokenizer))];
  const placeOf = ([member]: readonly M[]): number[] => {
    const run = runOf(member!), { tokenizer, T } = run.manifest.spec;
    return [
      tokenizers.indexOf(tokenizer),
      T,
      ...facets.map(({ values, valueOf }) => values.indexOf(valueOf(run))),
    ];
  };
  const inOrder = (a: readonly M[], b: readonly M[]): number => {
    const [left, right] = [placeOf(a), placeOf(b)];
    return left.map((place, i) => place - right[i]!).find((difference) => difference !== 0) ?? 0;
  };
  return [...groups.values()].sort(inOrder).map((group) => {
    const run = runOf(group[0]!), { tokenizer, T } = run.manifest.spec;
    const rest = facets.map(({ key, valueOf }) =>
      ["data", "device"].includes(key) ? valueOf(run) : `${key} ${valueOf(run)}`
    );
    return { name: [`${tokenizer}, T = ${T}`, ...rest].join(", "), tokenizer, T, members: group };
  });
}
