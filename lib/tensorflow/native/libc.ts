/**
 * The C library by system, for the few calls that Deno does not offer.
 *
 * @module
 */

/** The library's file by the system's name; systems that are not here have none that is used. */
export const LIBC = { linux: "libc.so.6", darwin: "libSystem.B.dylib" } as const;
