/**
 * The C library's file name per system, for functions that Deno lacks.
 *
 * @module
 */

/** The C library's file name by operating system. Unlisted systems are unsupported. */
export const LIBC = { linux: "libc.so.6", darwin: "libSystem.B.dylib" } as const;
