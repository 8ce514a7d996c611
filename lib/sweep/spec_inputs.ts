/**
 * Inputs that specs name: initial models, tokenizer files and modules. Their paths are replaced by names that contain
 * the hash of the content. Runs take the options of their initial model.
 *
 * @module
 */
import { contentExport, contentHash, isModulePath, splitModulePath } from "../options/content_name.ts";
import { dirname, join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { exists, isFile } from "../file/exists.ts";
import { ARCHITECTURES, completeConfig, type GptConfig } from "../model/mod.ts";
import { MODEL_FIELDS } from "../options/model_fields.ts";
import { WHOLE_FIELDS } from "../options/whole_fields.ts";
import type { RunSpec } from "../record/mod.ts";
import { type InitialModel, initialModel, knownModel } from "../run/initial_model.ts";
import { tokenizerInput } from "../run/inputs.ts";
import { modelOf } from "../run/model_of.ts";
import { CODE_FIELDS, type CodeField, loadCode, moduleInputs } from "../run/own_code.ts";
import { isTokenizerPath } from "../text/mod.ts";
import type { FieldValue, When } from "./axes.ts";
import { eachValue } from "../run/spec_values.ts";

/** Value of `initFrom` for random weights. */
const NONE = WHOLE_FIELDS.initFrom.default;

/** A run without modules. */
const BUILT_IN = {
  architecture: "gpt2",
  loss: "crossEntropy",
  optimizer: "adamw",
  schedule: "cosine",
} as const;

/** Fields of a model that a run may choose itself: they change no weight. */
const FREE: readonly string[] = ["dropout", "initStd"];

/** Locations of a spec's inputs, and whether modules among them are trusted. */
export interface InputPlaces {
  /** Folder of a sweep that contains inputs of the spec. Default: none. */
  readonly dir?: string | undefined;
  /**
   * File of the spec. Paths in the spec that begin with `./` or `../` may be relative to the file's folder. Default:
   * none.
   */
  readonly source?: string | undefined;
  /**
   * True to trust the modules in `dir`. Default: false. Then only modules that this user has named by path before are
   * trusted.
   */
  readonly runRecordedCode?: boolean | undefined;
}

/**
 * Reads the inputs that a spec names, and replaces their paths by names that contain the hash of the content. Runs with
 * an initial model (`initFrom`) get that model's options and tokenizer through added conditions (`when`). Options that
 * the spec sets take precedence.
 *
 * @param spec A spec as written, not yet validated. Values other than objects are returned unchanged, so that the
 * schema reports them.
 * @param options Locations of the inputs, and whether modules in `dir` are trusted.
 * @throws {UserError} If an input is missing, damaged or unsupported.
 */
export async function withInputs(
  spec: object,
  { dir, source, runRecordedCode }: InputPlaces = {},
): Promise<object> {
  if (typeof spec !== "object" || spec === null || Array.isArray(spec)) return spec; // for the schema to refuse
  const files = new Set<string>(), folders = new Set<string>();
  const modules = new Map<string, [path: string, field: CodeField]>();
  eachValue(spec, (value, field) => {
    if (typeof value !== "string") return;
    const isName = contentHash(value) !== undefined;
    if (field === "initFrom" && value !== NONE) folders.add(value);
    if (isTokenizerField(field) && (isName || isTokenizerPath(value))) files.add(value);
    if (field in CODE_FIELDS && (isName || isModulePath(value))) {
      modules.set(`${field} ${value}`, [value, field as CodeField]);
    }
  });
  if (files.size + folders.size + modules.size === 0) return spec;
  const names = new Map<string, string>();
  const typed = [...modules].filter(([, [path]]) => isModulePath(path));
  const added = await moduleInputs(typed.map(([, [path, field]]) => [placeOf(path, source), field]));
  typed.forEach(([key], i) => names.set(key, added[i]!));
  for (const [path, field] of modules.values()) {
    if (!isModulePath(path)) {
      await loadCode({ ...BUILT_IN, [field]: path }, { dir: dir ?? ".", runRecordedCode });
    }
  }
  const models = new Map<unknown, InitialModel>(), tokenizers = new Map<unknown, string>();
  for (const path of files) tokenizers.set(path, (await tokenizerInput(placeOf(path, source), dir)).name);
  for (const path of folders) {
    models.set(path, await initialModel(placeOf(path, source), { dir, runRecordedCode }));
  }
  for (const { architecture } of models.values()) {
    if (architecture === undefined) continue;
    await loadCode({ ...BUILT_IN, architecture: architecture as "gpt2" }, {
      dir: dir ?? ".",
      runRecordedCode,
    });
  }
  const named = eachValue(spec, (value, field) => {
    if (field === "initFrom") return models.get(value)?.name ?? value;
    const own = names.get(`${field} ${value}`);
    if (own !== undefined) return own;
    return isTokenizerField(field) ? tokenizers.get(value) ?? value : value;
  });
  if (models.size === 0) return named;
  const given = fieldsSetBy(named);
  const conditions: When[] = [...models.values()].map((model) => ({
    if: { initFrom: model.name },
    set: Object.fromEntries(Object.entries(fieldsOf(model)).filter(([field]) => !given.has(field))),
  }));
  const { when } = named as { when?: unknown };
  return { ...named, when: [...conditions, ...(Array.isArray(when) ? when : [])] };
}

function isTokenizerField(field: string): boolean {
  return field === "vocab" || field === "tokenizer";
}

/** Returns a path as seen from the process: `./…` and `../…` may be relative to the spec's file. */
function placeOf(path: string, source: string | undefined): string {
  if (source === undefined || !/^\.\.?[\\/]/.test(path) || !isFile(source)) return path;
  const beside = join(dirname(source), path);
  return exists(beside) || exists(splitModulePath(beside).file) ? beside : path;
}

/** Returns the fields of a run that a spec sets, directly or on an axis. */
function fieldsSetBy(spec: object): ReadonlySet<string> {
  const { axes, zip, vocab } = spec as { axes?: unknown; zip?: unknown; vocab?: unknown };
  const inAxes = [axes, ...(Array.isArray(zip) ? zip : [])].flatMap((one) => Object.keys(Object(one)));
  return new Set([...Object.keys(spec), ...inAxes, ...(vocab === undefined ? [] : ["tokenizer"])]);
}

/** Returns the fields of the runs that start from a model. */
function fieldsOf(
  { config, tokenizer, tokens, architecture }: InitialModel,
): Readonly<Record<string, FieldValue>> {
  const full = completeConfig(config);
  const { nInner } = completeConfig({ ...config, nInner: 0 });
  const model = Object.fromEntries(
    Object.entries(MODEL_FIELDS).map(([name, field]) => [
      name,
      full[name as keyof typeof MODEL_FIELDS] ?? field.default,
    ]),
  );
  return {
    ...model,
    nInner: full.nInner === nInner ? 0 : full.nInner,
    nKvHead: full.nKvHead === full.nHead ? 0 : full.nKvHead,
    architecture: architecture ?? architectureOf(full),
    tokenizer,
    padVocab: config.vocabSize > tokens ? config.vocabSize : 0,
  };
}

function architectureOf(config: GptConfig): RunSpec["architecture"] {
  const options = Object.entries(ARCHITECTURES.llama).filter(([name]) => name !== "tiedHead");
  return options.every(([name, value]) => config[name as keyof GptConfig] === value) ? "llama" : "gpt2";
}

/** Returns the hash and the export of a user-written architecture. Returns an empty text for built-in ones. */
function moduleOf(architecture: string): string {
  const hash = contentHash(architecture);
  return hash === undefined ? "" : `${hash}#${contentExport(architecture)}`;
}

/**
 * Requires that a run has the options and the tokenizer of its initial model (`initFrom`).
 *
 * @throws {UserError} If a field contradicts the model. The message names the first such field.
 */
export function requireInitialModel(run: RunSpec): void {
  const { initFrom, T } = run;
  if (initFrom === NONE) return;
  const refuse = (wanted: string, got: string, remedy: string): never => {
    throw new UserError(
      `Cannot initialize the run from ${initFrom}: expected ${wanted}, got ${got}. ${remedy}.`,
    );
  };
  const model = knownModel(initFrom);
  if (model === undefined) return refuse("the folder of a model", "another word", "Correct the path");
  const { config, tokenizer, tokens, architecture } = model;
  if (contentHash(run.tokenizer) !== contentHash(tokenizer)) {
    refuse(
      `the model's tokenizer (${tokens} tokens)`,
      run.tokenizer,
      "Omit vocab, or set it to the model's tokenizer.json",
    );
  }
  if (moduleOf(run.architecture) !== moduleOf(architecture ?? "gpt2")) {
    refuse(
      `the architecture ${architecture ?? "of a built-in model"}, as the model has`,
      run.architecture,
      "Omit architecture, or restore the model's module",
    );
  }
  const [own, other] = [completeConfig(config), completeConfig(modelOf(run, tokens))];
  for (const [field, value] of Object.entries(own) as [keyof typeof own, unknown][]) {
    if (FREE.includes(field) || field === "blockSize" || (other[field] ?? 0) === (value ?? 0)) continue;
    const name = field === "vocabSize" ? "padVocab" : field;
    refuse(`${name} ${value ?? 0}, as the model has`, String(other[field] ?? 0), `Omit ${name}`);
  }
  if (T > config.blockSize) {
    refuse(`T of at most ${config.blockSize} (the model's context length)`, String(T), "Set a smaller seq");
  }
}
