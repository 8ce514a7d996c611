/**
 * Axes in which runs differ, groups of runs with equal settings, and keys of pairs.
 *
 * @module
 */
import { deviceOf, keyOf, plainText, precisionName } from "../analysis/mod.ts";
import {
  fieldText,
  perturbationOf,
  type RecordedRun,
  type RunSpec,
  sha256Hex,
  varyingFields,
} from "../record/mod.ts";

/** Axis in which runs differ. */
export interface Facet {
  /** Key: a field of the spec, or `precision`, `device` or `status`. */
  readonly key: string;
  /** Label for readers. */
  readonly label: string;
  /** Distinct values as text: numbers in ascending order, names in order of the runs. */
  readonly values: readonly string[];
  /** Returns the value of a run. */
  readonly valueOf: (run: RecordedRun) => string;
}

/** Axes with labels of their own, in display order. */
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
  { key: "perturbation", label: "perturbation", valueOf: ({ manifest: { spec } }) => perturbationOf(spec) },
  {
    key: "device",
    label: "device",
    valueOf: (run) => plainText(deviceOf(run)),
  },
  { key: "tags", label: "tags", valueOf: ({ note }) => plainText(note?.tags.join(", ") || "none") },
  { key: "status", label: "status", valueOf: ({ status }) => status },
];

/** Spec fields covered by {@linkcode KNOWN}, and threads. */
const SPOKEN_FOR: readonly (keyof RunSpec)[] = [
  ...["data", "tokenizer", "T", "seed", "perturb", "reorder", "policy", "overrides", "threads"] as const,
];

/** Returns the axes in which runs differ: known axes first, then all other fields of their specs. */
export function facetsOf(runs: readonly RecordedRun[]): Facet[] {
  const others = varyingFields(runs.map(({ manifest: { spec } }) => spec), SPOKEN_FOR).map((field) => ({
    key: field,
    label: field,
    valueOf: ({ manifest: { spec } }: RecordedRun) => plainText(fieldText(spec, field)),
  }));
  return [...KNOWN, ...others].map((axis) => {
    const values = [...new Set(runs.map(axis.valueOf))];
    const areNumbers = values.every((text) => text !== "" && Number.isFinite(Number(text)));
    return { ...axis, values: areNumbers ? values.sort((a, b) => Number(a) - Number(b)) : values };
  }).filter(({ values }) => values.length > 1);
}

/** Returns the key shared by runs on one device that differ only in precision. */
export function pairKey(run: RecordedRun): string {
  return sha256Hex(keyOf(run, ["policy", "overrides"])).slice(0, 12);
}

/** Metadata of a trace of one run. Plotly keeps it as the trace's `meta`; the report's page finds the run by it. */
export function metaOf({ manifest: { runId } }: RecordedRun): { readonly run: string } {
  return { run: runId };
}

/** Runs of one setting: equal in everything except precision and seed. */
export interface Setting<M> {
  /** Description: tokenizer, T, and every other axis in which settings differ. */
  readonly name: string;
  /** Tokenizer. */
  readonly tokenizer: string;
  /** Sequence length in tokens. */
  readonly T: number;
  /** Members of the group. */
  readonly members: M[];
}

/**
 * Groups items by the setting of their runs. Groups are ordered by tokenizer (first appearance), then by T.
 *
 * @param members Items, such as runs or pairs.
 * @param runOf Returns the run that determines an item's setting.
 */
export function bySetting<M>(members: readonly M[], runOf: (member: M) => RecordedRun): Setting<M>[] {
  const free = ["precision", "seed", "status", "tags", "tokenizer", "T"];
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
