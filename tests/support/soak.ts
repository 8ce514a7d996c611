/**
 * Switch for the long form of the fault tests, `deno task soak`.
 *
 * @module
 */

/** True under `deno task soak`. */
export const soaking: boolean = Deno.env.get("LOSSKIT_SOAK") === "1";
