/**
 * Whether the long fault tests run: `deno task soak`.
 *
 * @module
 */

/** Set by `deno task soak`. */
export const soaking: boolean = Deno.env.get("LOSSKIT_SOAK") === "1";
