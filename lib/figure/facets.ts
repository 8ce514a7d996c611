/**
 * Facets: axes in which runs differ. Also groups runs by setting, and identifies pairs.
 *
 * @module
 */
import {
  codeOf,
  deviceOf,
  keyOf,
  plainText,
  PRECISION,
  precisionName,
  settingKey,
  settingNamer,
  textNamer,
} from "../analysis/mod.ts";
import {
  fieldText,
  perturbationOf,
  type RecordedRun,
  type RunSpec,
  sha256Hex,
  varyingFields,
} from "../record/mod.ts";

/** An axis in which runs differ. A value is identified by its complete text. Its label may be shortened. */
export interface Facet {
  /**
   * Key of the axis: the name of a spec field, or `precision`, `perturbation`, `device`, `code`, `tags` or `status`.
   */
  readonly key: string;
  /** Displayed name of the axis. */
  readonly label: string;
  /** Distinct values as text. Numbers are in ascending order, other values in the order of the runs. */
  readonly values: readonly string[];
  /** Returns the value of a run on this axis. */
  readonly valueOf: (run: RecordedRun) => string;
  /**
   * Returns all values of a run on this axis. Only defined for axes on which a run can have several values, such as
   * tags.
   */
  readonly valuesOf?: (run: RecordedRun) => readonly string[];
  /** Returns the label of a value. The label is one line, and different values have different labels. */
  readonly textOf: (value: string) => string;
}

type KnownFacet = Omit<Facet, "values" | "textOf"> & { readonly textOf?: Facet["textOf"] };

/** Returns axes with labels of their own, in display order. */
function knownFacets(runs: readonly RecordedRun[]): KnownFacet[] {
  const tagsOf = ({ note }: RecordedRun) => note === undefined || note.tags.length === 0 ? [""] : note.tags;
  return [
    { key: "data", label: "text", valueOf: textNamer(runs) },
    { key: "T", label: "sequence length", valueOf: ({ manifest: { spec } }) => String(spec.T) },
    { key: "tokenizer", label: "vocabulary", valueOf: ({ manifest: { spec } }) => spec.tokenizer },
    { key: "precision", label: "precision", valueOf: ({ manifest: { spec } }) => precisionName(spec) },
    { key: "seed", label: "seed", valueOf: ({ manifest: { spec } }) => String(spec.seed) },
    {
      key: "perturbation",
      label: "perturbation",
      valueOf: ({ manifest: { spec } }) => perturbationOf(spec),
    },
    { key: "device", label: "device", valueOf: deviceOf },
    { key: "code", label: "code", valueOf: codeOf, textOf: (sha256) => sha256.slice(0, 12) },
    {
      key: "tags",
      label: "tags",
      valueOf: (run) => tagsOf(run).join(),
      valuesOf: tagsOf,
      textOf: (tag) => tag === "" ? "no tag" : plainText(tag),
    },
    { key: "status", label: "status", valueOf: ({ status }) => status },
  ];
}

/** Spec fields that {@linkcode knownFacets} covers. */
const SPOKEN_FOR: readonly (keyof RunSpec)[] = [
  ...["data", "tokenizer", "T", "seed", "perturb", "reorder", ...PRECISION] as const,
];

/**
 * Returns the axes in which runs differ: first the common axes, such as T and precision, then all other fields of the
 * specs.
 */
export function facetsOf(runs: readonly RecordedRun[]): Facet[] {
  const others = varyingFields(runs.map(({ manifest: { spec } }) => spec), SPOKEN_FOR)
    .map((field): KnownFacet => ({
      key: field,
      label: field,
      valueOf: ({ manifest: { spec } }) => fieldText(spec, field),
    }));
  return [...knownFacets(runs), ...others]
    .filter(({ valueOf }) => new Set(runs.map(valueOf)).size > 1)
    .map((axis) => {
      const values = [...new Set(runs.flatMap(axis.valuesOf ?? ((run) => [axis.valueOf(run)])))];
      const areNumbers = values.every((text) => text !== "" && Number.isFinite(Number(text)));
      return {
        ...axis,
        textOf: axis.textOf ?? ((value) => plainText(value)),
        values: areNumbers ? values.sort((a, b) => Number(a) - Number(b)) : values,
      };
    });
}

/** Returns a function that names a run by its precision, its seed, and all other axes in which the runs differ. */
export function runNamer(runs: readonly RecordedRun[]): (run: RecordedRun) => string {
  const facets = facetsOf(runs).filter(({ key }) => !["precision", "seed", "tags", "status"].includes(key));
  return (run) => {
    const { spec } = run.manifest;
    return [
      `${plainText(precisionName(spec))}, seed ${spec.seed}`,
      ...facets.map((facet) => namedValue(facet, facet.valueOf(run), " ")),
    ].join(", ");
  };
}

/**
 * Returns the label of a value with the name of its axis, such as `T = 64`. Omits the name if the value alone is clear,
 * such as a precision.
 */
export function namedValue({ key, textOf }: Facet, value: string, between: " " | " = "): string {
  const text = textOf(value);
  return ["tokenizer", "data", "device", "perturbation"].includes(key) ? text : `${key}${between}${text}`;
}

/** Returns the key of a run's pair. Runs on the same device that differ only in precision have the same key. */
export function pairKey(run: RecordedRun): string {
  return sha256Hex(keyOf(run, PRECISION)).slice(0, 12);
}

/**
 * Returns the metadata of a trace that shows one run. Plotly keeps the metadata as the trace's `meta`. The report's
 * page uses it to find the run.
 */
export function metaOf({ manifest: { runId } }: RecordedRun): { readonly run: string } {
  return { run: runId };
}

/** A group of items whose runs have the same setting: their runs differ only in precision and seed. */
export interface Setting<M> {
  /** Name of the setting: tokenizer, T, and every other axis in which settings differ. */
  readonly name: string;
  /** Tokenizer. */
  readonly tokenizer: string;
  /** Sequence length in tokens. */
  readonly T: number;
  /** Items of the group, such as runs or pairs. */
  readonly members: M[];
}

/**
 * Groups items by the setting of their runs. Groups are ordered by tokenizer (first appearance), then by T and the other axes.
 *
 * @param members Items, such as runs or pairs.
 * @param runOf Returns the run that determines an item's setting.
 */
export function bySetting<M>(members: readonly M[], runOf: (member: M) => RecordedRun): Setting<M>[] {
  const runs = members.map(runOf), nameOf = settingNamer(runs);
  const free = ["precision", "seed", "status", "tags", "tokenizer", "T"];
  const facets = facetsOf(runs).filter(({ key }) => !free.includes(key));
  const tokenizers = [...new Set(runs.map(({ manifest }) => manifest.spec.tokenizer))];
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
  const groups = Map.groupBy(members, (member) => settingKey(runOf(member)));
  return [...groups.values()].sort(inOrder).map((group) => {
    const run = runOf(group[0]!), { tokenizer, T } = run.manifest.spec;
    return { name: nameOf(run), tokenizer, T, members: group };
  });
}
