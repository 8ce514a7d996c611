/**
 * Reading of transformers' `config.json`, shared by the architectures.
 *
 * @module
 */
import * as v from "valibot";
import { reasonOf } from "../error/clause.ts";
import { describeIssue } from "../error/schema_issue.ts";
import { UserError } from "../error/user_error.ts";
import { type GptConfig, validateGptConfig } from "./config.ts";

/** Schema of a number above 0. */
export const positive = v.pipe(
  v.number(),
  v.check((value) => value > 0, ({ input }) => `expected a number above 0, got ${input}`),
);

/** Schema of a size, at least 1. Integers above 2^53 - 1 are refused, because a number cannot represent them exactly. */
export const count = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

/** Schema of the vocabulary size. */
export const vocabulary = v.pipe(count, v.minValue(2));

/** Schema of the context length. Positions are 32-bit integers. */
export const positions = v.pipe(count, v.maxValue(2 ** 31 - 1));

/** Schema of a field for weights in other formats than floating-point numbers, such as GPTQ's. */
export const noQuantization = v.nullish(v.never("quantized weights are not supported"));

/** Creates the error that reports why a file is refused. */
export type Refuse = (reason: string) => UserError;

/**
 * Converts the JSON of a `config.json` to losskit's config.
 *
 * @param given The file's JSON.
 * @param source Name of the file and name of the architecture, for errors.
 * @param schema Schema of the fields that losskit reads.
 * @param convert Converts these fields. For an unsupported value, it throws the error that `refuse` creates.
 * @throws {UserError} If the JSON does not match the schema, or the config is inconsistent.
 */
export function parseConfigFile<S extends v.GenericSchema>(
  given: unknown,
  source: { name: string; architecture: string },
  schema: S,
  convert: (found: v.InferOutput<S>, refuse: Refuse) => GptConfig,
): GptConfig {
  const refuse: Refuse = (reason) =>
    new UserError(
      `Cannot use ${source.name}: expected the config.json of a supported ${source.architecture} (${reason}). ` +
        "Correct the file, or use a model that docs/models.md describes.",
    );
  const result = v.safeParse(schema, given);
  if (!result.success) throw refuse(describeIssue(result.issues[0], "the file"));
  const config = convert(result.output, refuse);
  try {
    validateGptConfig(config);
  } catch (error) {
    if (error instanceof RangeError) throw refuse(reasonOf(error));
    throw error;
  }
  return config;
}
