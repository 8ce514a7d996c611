/**
 * File name of the C library per operating system, for functions that Deno does not offer.
 *
 * @module
 */

/** File name of the C library by operating system. Other systems are not supported. */
export const LIBC = { linux: "libc.so.6", darwin: "libSystem.B.dylib" } as const;
