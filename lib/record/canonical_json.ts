/**
 * Canonical JSON: equal values have equal texts, so that their checksums agree.
 *
 * @module
 */
import canonicalize from "canonicalize";

/**
 * Returns JSON with sorted keys and without white space, as RFC 8785 defines. Omits undefined fields. Unlike RFC 8785,
 * writes lone surrogates as escape sequences, because names in tokenizers and notebooks can contain lone surrogates.
 *
 * @throws {TypeError} For values that JSON cannot represent: NaN, infinities, functions, and undefined in lists.
 */
export function canonicalJson(value: unknown): string {
  requireJson(value);
  return canonicalize(value)!;
}

/** Requires values that JSON can represent. `canonicalize` writes `null` for some others, or omits them. */
function requireJson(value: unknown): void {
  if (Array.isArray(value)) return value.forEach(requireJson);
  if (typeof value === "object" && value !== null) {
    return Object.values(value).forEach((entry) => entry === undefined || requireJson(entry));
  }
  if (value === null || ["boolean", "string"].includes(typeof value) || Number.isFinite(value)) return;
  throw new TypeError(
    `Cannot write JSON: expected finite numbers, text, booleans, null, lists or objects, got ${
      String(value)
    }`,
  );
}
