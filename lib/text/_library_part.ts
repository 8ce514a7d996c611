/**
 * Shared code of the schemas for the parts of a `tokenizer.json` other than its model: normalizer, pre-tokenizer,
 * post-processor and decoder. A schema converts a part to a form for which the npm package `@huggingface/tokenizers`
 * gives the same result as Hugging Face's library. Parts without such a form are refused.
 *
 * @module
 */
import * as v from "valibot";

/** A normalizer, pre-tokenizer, post-processor or decoder, as the package takes it. */
export type Part = { readonly type: string } & Readonly<Record<string, unknown>>;

/** Schema of a part of one type. */
export type PartSchema = v.GenericSchema<unknown, Part>;

/** Schema of a part that may be null or missing. */
export type OptionalPart = v.GenericSchema<unknown, Part | null>;

/** Schema of a flag. */
export const flag = v.boolean();

/** Schema of a count or an id. */
export const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** Schema of one character. */
export const character = v.pipe(
  v.string(),
  v.check((text) => Array.from(text).length === 1, "must be one character"),
);

/** Schema of a pattern, converted to the text of a regular expression. */
export const pattern = v.union([
  v.pipe(
    v.strictObject({ String: v.pipe(v.string(), v.minLength(1)) }),
    v.transform(({ String: text }) => literal(text)),
  ),
  v.pipe(
    v.strictObject({
      Regex: v.pipe(v.string(), v.check((text) => !matchesNothing(text), "must not match an empty text")),
    }),
    v.transform(({ Regex }) => Regex),
  ),
], "must have a String or a Regex");

/** Returns whether a pattern matches an empty text. JavaScript and Rust find such matches in different places. */
function matchesNothing(regex: string): boolean {
  try {
    return new RegExp(regex, "u").test("");
  } catch {
    return false; // syntax that JavaScript lacks; the package translates it or refuses the pattern
  }
}

/** Returns the regular expression of a text. */
export function literal(text: string): string {
  return Array.from(text, (one) => `\\x{${one.codePointAt(0)!.toString(16)}}`).join("");
}

/**
 * Returns the schema of a part of one type.
 *
 * @param entries Schemas of the part's fields.
 * @param convert Converts the part to the package's form. Default: the forms are equal.
 */
export function part<E extends v.ObjectEntries>(
  entries: E,
  convert: (given: v.InferOutput<v.ObjectSchema<E, undefined>>) => Part = (given) => given as unknown as Part,
): PartSchema {
  return v.pipe(v.object({ type: v.string(), ...entries }), v.transform((given) => convert(given as never)));
}

/** Returns the message for a value that the package does not support. */
export const unsupported = ({ received }: { received: string }): string => `${received} is not supported`;

/** Returns the schema of a part of one of several types. */
export function oneOf(types: Readonly<Record<string, PartSchema>>): OptionalPart {
  const unknown = v.object({ type: v.picklist(Object.keys(types), unsupported) });
  const schemaOf = (given: unknown) => {
    const { type } = Object(given) as { type?: unknown };
    return typeof type === "string" && Object.hasOwn(types, type) ? types[type]! : unknown as PartSchema;
  };
  return v.nullish(v.lazy(schemaOf), null);
}

/** Returns the schema of a list of parts of one kind. */
export function listOf(schema: () => OptionalPart) {
  return v.array(v.nonNullish(v.lazy(schema)));
}

/** Returns the package's form of a list of parts of one kind. */
export function sequence(field: string, parts: readonly Part[]): Part {
  return { type: "Sequence", [field]: parts };
}

/** Returns the package's `Replace`. */
export const replace = (regex: string, content: string): Part => ({
  type: "Replace",
  pattern: { Regex: regex },
  content,
});

/** The package passes the text on to `replaceAll`, where `$` has a meaning. */
export const plain = (content: string): string => content.replaceAll("$", "$$$$");

/** Schema of `Replace`, which is a normalizer and a decoder. */
export const replacing = part(
  { pattern, content: v.string() },
  ({ pattern, content }) => replace(pattern, plain(content)),
);

/** Returns true if a part has a type, or is a sequence that contains a part of the type. */
export function hasType(given: unknown, type: string): boolean {
  const { type: own, decoders } = Object(given) as { type?: unknown; decoders?: unknown };
  return own === type || Array.isArray(decoders) && decoders.some((one) => hasType(one, type));
}
