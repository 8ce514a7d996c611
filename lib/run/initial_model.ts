/**
 * Models whose weights are the initial weights of runs (`initFrom`): another run, or a Hugging Face folder.
 *
 * @module
 */
import { join, resolve } from "node:path";
import * as v from "valibot";
import { UserError } from "../error/user_error.ts";
import { contentHash, contentName } from "../options/content_name.ts";
import { exists } from "../file/exists.ts";
import { readRegular } from "../file/regular.ts";
import {
  completeConfig,
  decodeSafetensors,
  encodeSafetensors,
  type GptConfig,
  initialParameters,
  type ParameterRecord,
  parameterShapes,
  perturbParameters,
  sizeOf,
} from "../model/mod.ts";
import { canonicalJson, decodeJson, type RunSpec, sha256Hex } from "../record/mod.ts";
import { addInput, addTokenizer, foundInput, requireInput, TOKENIZER, tokenizerInput } from "./inputs.ts";
import { openModel } from "./open_model.ts";

/** Names of the files of a model. */
const CONFIG = "model.json", WEIGHTS = "model.safetensors";

/** A model whose weights are the initial weights of runs. */
export interface InitialModel {
  /** Name of the model, `NAME@HASH`, with the hash of config, weights and tokenizer. */
  readonly name: string;
  /** Name of the model's tokenizer, `NAME@HASH`. */
  readonly tokenizer: string;
  /** Number of tokens of the model's tokenizer. */
  readonly tokens: number;
  /** Config of the model, without an architecture of a user. `vocabSize` is at least `tokens`. */
  readonly config: GptConfig;
  /** Name of the user-written architecture, `NAME@HASH`. Undefined for built-in architectures. */
  readonly architecture: string | undefined;
}

/** Initial models that this process has read, by name. Checks of specs use them. */
const models = new Map<string, InitialModel>();

/** Returns an initial model that this process has read, by its name `NAME@HASH`. Returns undefined for other names. */
export function knownModel(name: string): InitialModel | undefined {
  return models.get(name);
}

/**
 * Reads a model whose weights are the initial weights of runs.
 *
 * @param path Folder of a run, or Hugging Face folder of a GPT-2 or LLaMA. Or the name `NAME@HASH` of a model in `dir`.
 * @param options `dir`: folder of a sweep that holds a copy of the model. Only needed for `NAME@HASH`. Default: only
 * models that this process has already read can be named by `NAME@HASH`. `runRecordedCode`: true to trust the
 * architecture in the model's folder. Default: false.
 * @throws {UserError} If the folder contains no supported model, or its files are damaged.
 */
export async function initialModel(
  path: string,
  { dir, runRecordedCode }: { dir?: string | undefined; runRecordedCode?: boolean | undefined } = {},
): Promise<InitialModel> {
  if (contentHash(path) !== undefined && !exists(path)) {
    const known = models.get(path);
    if (known !== undefined) return known;
    const { tokenizer, config, architecture } = readModel(path, dir);
    const { tokens } = await tokenizerInput(tokenizer, dir);
    const model = { name: path, tokenizer, tokens, config, architecture };
    models.set(path, model);
    return model;
  }
  const read = async () => {
    using opened = await openModel(path, {
      ...{ action: "initialize a run from", note: () => {} },
      runRecordedCode,
    });
    const { config, parameters, tokenizer, run } = opened;
    const architecture = config.architecture === undefined ? undefined : run?.spec.architecture;
    return {
      config: plainConfig(config),
      architecture,
      tokenizer,
      weights: encodeWeights(parameters, config),
    };
  };
  const { config, architecture, tokenizer, weights } = await read();
  if (tokenizer.vocabSize > config.vocabSize) {
    throw new UserError(
      `Cannot initialize a run from ${path}: expected a tokenizer of at most ${config.vocabSize} tokens, as the model ` +
        `has, got ${tokenizer.vocabSize}. Use the tokenizer that the model was trained with.`,
    );
  }
  const { name: tokenizerName } = addTokenizer(tokenizer, join(resolve(path), TOKENIZER));
  const json = modelJson({ config, tokenizer: tokenizerName, architecture });
  const sha256 = modelSha256(json, weights), name = contentName(resolve(path), sha256);
  addInput(name, async () => {
    const again = (await read()).weights;
    if (modelSha256(json, again) === sha256) {
      return { [CONFIG]: json, [WEIGHTS]: again };
    }
    throw new UserError(
      `Cannot initialize a run from ${path}: expected unchanged weights, got others than a moment ago. ` +
        "Wait until the run that writes them is finished.",
    );
  });
  const model = { name, tokenizer: tokenizerName, tokens: tokenizer.vocabSize, config, architecture };
  models.set(name, model);
  return model;
}

/** Returns a config as JSON can represent it, with every option and without an architecture of a user. */
function plainConfig(config: GptConfig): GptConfig {
  return JSON.parse(JSON.stringify({ ...completeConfig(config), architecture: undefined }));
}

function encodeWeights(parameters: ParameterRecord, config: GptConfig): Uint8Array<ArrayBuffer> {
  const names = Object.keys(parameterShapes(config));
  const tensors = Object.fromEntries(names.map((name) => {
    const { shape, values } = parameters[name]!;
    return [name, { shape, values }]; // float32, whatever the stored type
  }));
  return encodeSafetensors({ tensors, metadata: {} });
}

function modelJson(
  { config, tokenizer, architecture }: Pick<InitialModel, "config" | "tokenizer" | "architecture">,
): string {
  return `${canonicalJson({ config, tokenizer, ...(architecture !== undefined && { architecture }) })}\n`;
}

function modelSha256(json: string, weights: Uint8Array<ArrayBuffer>): string {
  return sha256Hex(`${json}${sha256Hex(weights)}\n`);
}

const modelSchema = v.object({
  config: v.looseObject({}),
  tokenizer: v.string(),
  architecture: v.optional(v.string()),
});

function readModel(
  name: string,
  dir: string | undefined,
): Pick<InitialModel, "config" | "tokenizer" | "architecture"> & {
  weights: Uint8Array<ArrayBuffer>;
  folder: string;
} {
  const folder = foundInput(name, [dir]);
  const path = join(folder, CONFIG);
  const bytes = readRegular(path), weights = readRegular(join(folder, WEIGHTS));
  const json = new TextDecoder().decode(bytes);
  requireInput(name, { sha256: modelSha256(json, weights), folder });
  const found = decodeJson(bytes, { path, form: modelSchema, what: "an initial model" });
  const { config, tokenizer, architecture } = found;
  return { config: config as unknown as GptConfig, tokenizer, architecture, weights, folder };
}

/**
 * Returns the initial weights of a run: random weights, or the weights of the model that `initFrom` names.
 *
 * @param spec The run's spec.
 * @param options `model`: config of the run's model. `dir`: the sweep's folder, which holds a copy of the initial
 * model.
 * @throws {UserError} If the initial model is missing or damaged, or has weights of other shapes.
 */
export function initialParametersOf(
  { initFrom, seed, perturb, reorder }: Pick<RunSpec, "initFrom" | "seed" | "perturb" | "reorder">,
  { model, dir }: { model: GptConfig; dir: string },
): ParameterRecord {
  if (contentHash(initFrom) === undefined) return initialParameters(model, seed, { perturb, reorder });
  const { weights, folder } = readModel(initFrom, dir);
  const { tensors } = decodeSafetensors(weights, join(folder, WEIGHTS));
  const parameters = Object.fromEntries(
    Object.entries(parameterShapes(model)).map(([name, shape]) => {
      const found = tensors[name];
      const isFitting = found?.shape.length === shape.length &&
        shape.every((size, i) => size === found.shape[i] || isCut(name, i) && size < found.shape[i]!);
      if (!isFitting) {
        throw new UserError(
          `Cannot initialize the run from ${initFrom}: expected ${name} of shape [${shape}], got ` +
            `${found === undefined ? "none" : `shape [${found.shape}]`}. Use the model's own options.`,
        );
      }
      return [name, { shape, values: found!.values.slice(0, sizeOf(shape)) }];
    }),
  );
  perturbParameters(parameters, { seed, perturb, reorder });
  return parameters;
}

/** Returns true for the rows of the position embeddings. A run with a shorter context uses the first rows. */
function isCut(parameter: string, dimension: number): boolean {
  return parameter === "wpe.weight" && dimension === 0;
}
