/**
 * Suppression of native code's output to standard error while a library loads.
 *
 * TensorFlow logs before its logging is configured, so environment variables cannot hide those lines. Redirecting
 * file descriptor 2 does. Load errors still arrive as exceptions.
 *
 * @module
 */
import { LIBC } from "./libc.ts";

/** `O_WRONLY` of fcntl.h, on Linux and macOS. */
const O_WRONLY = 1;

/**
 * Runs `work` with file descriptor 2 redirected to the null device, then restores it.
 *
 * @param work Code that may write to standard error.
 * @returns The result of `work`.
 */
export function quietly<R>(work: () => R): R {
  const path = LIBC[Deno.build.os as keyof typeof LIBC];
  if (path === undefined) return work();
  const libc = Deno.dlopen(path, {
    /** `int open(const char* path, int flags)` */
    open: { parameters: ["buffer", "i32"], result: "i32" },
    /** `int dup(int fd)` */
    dup: { parameters: ["i32"], result: "i32" },
    /** `int dup2(int from, int to)` */
    dup2: { parameters: ["i32", "i32"], result: "i32" },
    /** `int close(int fd)` */
    close: { parameters: ["i32"], result: "i32" },
  });
  const { open, dup, dup2, close } = libc.symbols;
  const kept = dup(2);
  const nowhere = open(new TextEncoder().encode("/dev/null\0"), O_WRONLY);
  try {
    if (kept >= 0 && nowhere >= 0) dup2(nowhere, 2);
    return work();
  } finally {
    if (kept >= 0) {
      dup2(kept, 2);
      close(kept);
    }
    if (nowhere >= 0) close(nowhere);
    libc.close();
  }
}
