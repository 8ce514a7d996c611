/**
 * Axes in which runs differ, groups of runs with equal settings, and keys of pairs.
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

/** Axis in which runs differ. Values are whole text, which identifies them; labels may be shortened. */
export interface Facet {
  /** Key: a field of the spec, or `precision`, `perturbation`, `device`, `code`, `tags` or `status`. */
  readonly key: string;
  /** Label for readers. */
  readonly label: string;
  /** Distinct values as text: numbers in ascending order, names in order of the runs. */
  readonly values: readonly string[];
  /** Returns the value of a run. */
  readonly valueOf: (run: RecordedRun) => string;
  /** Returns the values of a run, of an axis on which a run can have several. Default: the value. */
  readonly valuesOf?: (run: RecordedRun) => readonly string[];
  /** Returns the label of a value: one line, different for different values. */
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

/** Returns the axes in which runs differ: known axes first, then all other fields of their specs. */
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

/** Returns a value with the name of its axis, unless the value speaks for itself. */
export function namedValue({ key, textOf }: Facet, value: string, between: " " | " = "): string {
  const text = textOf(value);
  return ["tokenizer", "data", "device", "perturbation"].includes(key) ? text : `${key}${between}${text}`;
}

/** Returns the key shared by runs on one device that differ only in precision. */
export function pairKey(run: RecordedRun): string {
  return sha256Hex(keyOf(run, PRECISION)).slice(0, 12);
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
