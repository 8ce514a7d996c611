/**
 * Reading of transformers' `config.json`, shared by the architectures.
 *
 * @module
 */
import * as v from "valibot";
import { describeIssue } from "../error/schema_issue.ts";
import { UserError } from "../error/user_error.ts";
import { type GptConfig, validateGptConfig } from "./config.ts";

/** Schema of a size: above 2^53 - 1, integers are not exact. */
export const count = v.pipe(v.number(), v.safeInteger());

/** Returns the error that refuses a file for a reason. */
export type Refuse = (reason: string) => UserError;

/**
 * Converts the JSON of a `config.json` to losskit's config.
 *
 * @param given The file's JSON.
 * @param source Name of the file, and of the architecture, for errors.
 * @param schema Schema of the fields that are read.
 * @param convert Converts the fields. Throws the error of `refuse` for unsupported ones.
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
      `Cannot use ${source.name}: expected the config.json of a supported ${source.architecture} (${reason})`,
    );
  const result = v.safeParse(schema, given);
  if (!result.success) throw refuse(describeIssue(result.issues[0], "the file"));
  const config = convert(result.output, refuse);
  try {
    validateGptConfig(config);
  } catch (error) {
    if (error instanceof RangeError) throw refuse(error.message);
    throw error;
  }
  return config;
}
