/**
 * Settings and their names. A setting is a set of runs that differ only in precision and seed.
 *
 * @module
 */
import {
  fieldText,
  isPerturbed,
  perturbationOf,
  type RecordedRun,
  type RunSpec,
  varyingFields,
} from "../record/mod.ts";

import { deviceOf, precisionName } from "./precision_name.ts";
import { keyOf, PRECISION } from "./stability.ts";
import { plainText } from "./plain_text.ts";

/** Fields that are not part of a setting, or have a place of their own in its name and in tables. */
export const NAMED_FIELDS: readonly (keyof RunSpec)[] = [
  ...["data", "tokenizer", "T", "seed", "perturb", "reorder", ...PRECISION] as const,
];

/** Returns the key of a run's setting. Runs that differ only in precision and seed have the same key. */
export function settingKey(run: RecordedRun): string {
  return keyOf(run, [...PRECISION, "seed"]);
}

/**
 * Returns a function that names the setting of a run: the tokenizer, T, and every other field in which the runs differ.
 * Different settings have different names.
 */
export function settingNamer(runs: readonly RecordedRun[]): (run: RecordedRun) => string {
  const specs = runs.map(({ manifest: { spec } }) => spec);
  const differ = (of: (run: RecordedRun) => string) => new Set(runs.map(of)).size > 1;
  const varying = varyingFields(specs, NAMED_FIELDS), text = textNamer(runs);
  const isSeveral = {
    text: differ(text),
    perturbation: specs.some(isPerturbed),
    device: differ(deviceOf),
    code: differ(codeOf),
  };
  return (run) => {
    const { spec } = run.manifest;
    return [
      `${plainText(spec.tokenizer)}, T = ${spec.T}`,
      ...isSeveral.text ? [`data = ${plainText(text(run))}`] : [],
      ...varying.map((field) => `${field} = ${plainText(fieldText(spec, field))}`),
      ...isSeveral.perturbation ? [`perturbation ${perturbationOf(spec)}`] : [],
      ...isSeveral.device ? [plainText(deviceOf(run))] : [],
      ...isSeveral.code ? [`code ${codeOf(run).slice(0, 12)}`] : [],
    ].join(", ");
  };
}

/** Returns the SHA-256 of the losskit code that executed a run. */
export function codeOf({ manifest: { libSha256 } }: RecordedRun): string {
  return libSha256;
}

/**
 * Returns a function that names the text of a run. Adds the checksum if runs have different texts with the same name.
 */
export function textNamer(runs: readonly RecordedRun[]): (run: RecordedRun) => string {
  const texts = new Map<string, Set<string>>();
  for (const { manifest: { spec, data } } of runs) {
    texts.set(spec.data, (texts.get(spec.data) ?? new Set()).add(data.sha256));
  }
  return ({ manifest: { spec, data } }) =>
    (texts.get(spec.data)?.size ?? 0) > 1 ? `${spec.data} (SHA-256 ${data.sha256.slice(0, 12)})` : spec.data;
}

/**
 * Returns a comparison that keeps the runs in order of text, tokenizer, T and precision, and sorts those that are equal in
 * these by their other numeric fields, ascending.
 */
export function settingOrder(runs: readonly RecordedRun[]): (a: RecordedRun, b: RecordedRun) => number {
  const keyOfBlock = ({ manifest: { spec } }: RecordedRun) =>
    JSON.stringify([spec.data, spec.tokenizer, spec.T, precisionName(spec)]);
  const blocks = new Map<string, number>();
  for (const key of runs.map(keyOfBlock)) if (!blocks.has(key)) blocks.set(key, blocks.size);
  const fields = varyingFields(runs.map(({ manifest: { spec } }) => spec), NAMED_FIELDS);
  return (a, b) => {
    const block = blocks.get(keyOfBlock(a))! - blocks.get(keyOfBlock(b))!;
    if (block !== 0) return block;
    for (const field of fields) {
      const [left, right] = [a.manifest.spec[field], b.manifest.spec[field]];
      if (typeof left === "number" && typeof right === "number" && left !== right) return left - right;
    }
    return 0;
  };
}
