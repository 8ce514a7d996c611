/**
 * Parses and checks user-written specs.
 *
 * @module
 */
import { reasonOf } from "../error/clause.ts";
import * as v from "valibot";
import { didYouMean } from "../error/did_you_mean.ts";
import { expectationOf, isSchemaMessage, shownValue } from "../error/schema_issue.ts";
import { UserError } from "../error/user_error.ts";
import { withOneEvalLimit } from "../options/loop_fields.ts";
import { OWN_KEYS } from "../file/json.ts";
import { canonicalJson } from "../record/mod.ts";
import { parseTokenizerName } from "../text/mod.ts";
import { withArchitectures } from "./architectures.ts";
import { zipped } from "./axes.ts";
import { expand, type Refuse } from "./expand.ts";
import { withFullNames } from "../run/names.ts";
import { uselessFields } from "../run/run_problem.ts";
import { DEFAULT_SWEEP, LISTED, OF_SWEEP, SPEC_FIELDS, specSchema, type SweepSpec } from "./spec.ts";

/**
 * Validates a spec and fills in missing fields. If `warmupSteps` is missing and the given `steps` do not exceed its
 * default, the runs have no warm-up.
 *
 * @param written The spec as written by a user, for example the content of a JSON file.
 * @param source Name of the spec in errors.
 * @param defaults Values of missing fields. Default: {@linkcode DEFAULT_SWEEP}.
 * @throws {UserError} If a field is unknown, a value is invalid, or values contradict each other.
 */
export function parseSweepSpec(
  written: unknown,
  source: string,
  defaults: SweepSpec = DEFAULT_SWEEP,
): SweepSpec {
  const refuse = (reason: string): never => {
    if (reason.startsWith("Cannot use ")) throw new UserError(reason); // names a module of the user
    // A reason from a part of the run, such as the model, begins with what that part cannot do.
    throw new UserError(`Cannot use ${source}: ${reasonOf(reason)}`);
  };
  if (typeof written !== "object" || written === null || Array.isArray(written)) {
    return refuse("expected an object of fields, got another value");
  }
  requireNames(written, { place: "", refuse });
  const { given, presets } = withArchitectures(withFullNames(written) as Readonly<Record<string, unknown>>);
  const known = Object.keys(DEFAULT_SWEEP);
  const unknown = Object.keys(given).filter((field) => !known.includes(field));
  if (unknown.length > 0) {
    const named = unknown.map((field) => `${field}${didYouMean(field, known)}`);
    refuse(`unknown field ${named.join(", ")}. The fields are ${known.join(", ")}`);
  }
  const result = v.safeParse(specSchema, {
    ...defaults,
    ...shortWarmup(given, defaults),
    ...withOneEvalLimit(given),
  });
  if (!result.success) {
    const [issue] = result.issues, path = v.getDotPath(issue) ?? "the spec";
    const place = path.replace(/(?<=^when\.)\d+/, (i) => String(Number(i) - presets));
    return refuse(describeField(place, issue));
  }
  const spec = result.output;
  if (spec.budget !== undefined && Object.hasOwn(given, "steps")) {
    refuse("expected either steps or budget, got both");
  }
  checkAxes({ ...spec, when: spec.when.slice(presets) }, { given, refuse }); // positions as in the written list
  // With a budget of operations, the number of steps depends on V. Check with the smallest vocabulary here.
  const { runs } = expand(spec, { data: String(spec.data), threads: 1, vocabSize: () => 2 }, refuse);
  const tokenizers = new Set(runs.map(({ tokenizer }) => tokenizer));
  if (tokenizers.size > 1 && runs.some(({ evalTokens }) => evalTokens !== "all")) {
    refuse(
      `expected evalBytes with ${tokenizers.size} tokenizers, got evalTokens. Equal numbers of tokens are different texts, ` +
        "whose losses are not comparable",
    );
  }
  const useless = runs.map(uselessFields);
  const places = [given, spec.axes, ...spec.zip, ...spec.when.map(({ set }) => set)];
  for (const [field, why] of Object.entries(useless[0]!)) {
    const isWritten = places.some((fields) => Object.hasOwn(fields, field));
    if (isWritten && useless.every((one) => Object.hasOwn(one, field))) {
      refuse(`${field} ${why}. Remove it`);
    }
  }
  return spec;
}

/** Describes an issue of a field, as `expected …, got …` unless the schema's message states no expectation. */
function describeField(place: string, issue: v.BaseIssue<unknown>): string {
  const { message, expected, input } = issue;
  if (expected === "never") return `${place}: unknown field`;
  const isOwn = isSchemaMessage(issue);
  if (!isOwn && !/^(not )?to /.test(message)) return `${place}: ${message}`;
  const expectation = isOwn ? `to be ${expectationOf(issue)}` : message;
  const isList = Array.isArray(DEFAULT_SWEEP[place as keyof SweepSpec]);
  const isAxis = Array.isArray(input) && Object.hasOwn(SPEC_FIELDS, place) && !OF_SWEEP.includes(place) &&
    !isList;
  const remedy = isAxis ? `. List several values in axes: {"axes": {"${place}": [...]}}` : "";
  return `expected ${place} ${expectation}, got ${shownValue(input)}${remedy}`;
}

/** Returns no warm-up for runs that are not longer than the default warm-up. */
function shortWarmup({ steps }: { steps?: unknown }, { warmupSteps }: SweepSpec): Partial<SweepSpec> {
  return typeof steps === "number" && steps <= warmupSteps ? { warmupSteps: 0 } : {};
}

/** Refuses property names of `Object.prototype` at any level, because schemas ignore them. */
function requireNames(value: object, { place, refuse }: { place: string; refuse: Refuse }): void {
  for (const [key, inner] of Object.entries(value)) {
    if (OWN_KEYS.includes(key)) refuse(`${place}unknown field ${key}`);
    if (place.length > 1000) {
      refuse("expected nesting without cycles, got a path of more than 1,000 characters"); // or a cycle
    }
    if (typeof inner === "object" && inner !== null) {
      requireNames(inner, { place: `${place}${key}: `, refuse });
    }
  }
}

/** Requires that axes, zipped axes and conditions refer to existing fields, and that their values are valid. */
function checkAxes(spec: SweepSpec, { given, refuse }: { given: object; refuse: Refuse }): void {
  const taken = new Map<string, string>();
  const take = (field: string, place: string) => {
    const list = Object.hasOwn(LISTED, field) ? LISTED[field as keyof typeof LISTED].list : field;
    const before = taken.get(field) ??
      (Object.hasOwn(given, list) ? list : field === "steps" && spec.budget ? "budget" : undefined);
    if (before !== undefined) refuse(`${place} and ${before} both set ${field}. Set it once`);
    taken.set(field, place);
  };
  for (
    const [place, axes] of [
      ["axes", spec.axes],
      ...spec.zip.map((axes, i) => [`zip.${i}`, axes] as const),
    ] as const
  ) {
    for (const [field, list] of Object.entries(axes)) {
      checkField(field, place, refuse);
      take(field, place);
      list.forEach((value, i) => checkValue(field, { value, place: `${place}.${field}.${i}`, refuse }));
      if (place === "axes") requireDistinct(list, { place: `axes.${field}`, refuse });
    }
    if (place !== "axes") requireDistinct(zipped(axes), { place, refuse });
  }
  spec.when.forEach(({ if: wanted, set }, i) => {
    for (const field of Object.keys(wanted)) {
      checkField(field, `when.${i}.if`, refuse);
      if (field === "steps" && spec.budget !== undefined) {
        refuse(
          `when.${i}.if: steps follow from budget, after the conditions. Use exclude, or steps without budget`,
        );
      }
    }
    for (const [field, value] of Object.entries(set)) {
      if (field === "steps" && spec.budget !== undefined) {
        refuse(`when.${i}.set and budget both set steps. Set it once`);
      }
      checkValue(field, { value, place: `when.${i}.set.${field}`, refuse });
    }
  });
  spec.exclude.forEach((wanted, i) => {
    for (const field of Object.keys(wanted)) checkField(field, `exclude.${i}`, refuse);
  });
  for (const name of spec.vocab) parseTokenizerName(name);
}

function requireDistinct(
  list: readonly unknown[],
  { place, refuse }: { place: string; refuse: Refuse },
): void {
  const texts = list.map(canonicalJson);
  const again = texts.find((text, i) => texts.indexOf(text) !== i);
  if (again !== undefined) refuse(`expected ${place} not to repeat a value, got ${again} twice`);
}

function checkField(field: string, place: string, refuse: Refuse): void {
  if (Object.hasOwn(LISTED, field) || field === "B") return;
  if (Object.hasOwn(SPEC_FIELDS, field) && !OF_SWEEP.includes(field)) return;
  const own = Object.keys(SPEC_FIELDS).filter((name) =>
    !OF_SWEEP.includes(name) && !Object.hasOwn(LISTED, name)
  );
  const known = [...Object.keys(LISTED), ...own];
  refuse(
    `${place}: unknown field ${field}${didYouMean(field, known)}. The fields of a run are ${
      known.join(", ")
    }`,
  );
}

function checkValue(
  field: string,
  { value, place, refuse }: { value: unknown; place: string; refuse: Refuse },
): void {
  if (field === "B") refuse(`${place}: B follows from tokensPerStep and T. Set those`);
  checkField(field, place, refuse);
  const form: v.GenericSchema = Object.hasOwn(LISTED, field)
    ? LISTED[field as keyof typeof LISTED].form
    : SPEC_FIELDS[field]!;
  const result = v.safeParse(form, value);
  if (!result.success) refuse(describeField(place, result.issues[0]));
  if (field === "tokenizer") parseTokenizerName(String(value));
}
