/**
 * Redirection of the output of the process, including the output of native code.
 *
 * @module
 */
import { LIBC } from "./libc.ts";

/** `O_WRONLY` of fcntl.h, on Linux and macOS. */
const O_WRONLY = 1;

/** Flags of fcntl.h that differ between systems: append, and refuse a link. */
const FLAGS = {
  linux: { O_APPEND: 0x400, O_NOFOLLOW: Deno.build.arch === "aarch64" ? 0x8000 : 0x20000 },
  darwin: { O_APPEND: 0x8, O_NOFOLLOW: 0x100 },
} as const;

const SYMBOLS = {
  /** `int open(const char* path, int flags)` */
  open: { parameters: ["buffer", "i32"], result: "i32" },
  /** `int dup(int fd)` */
  dup: { parameters: ["i32"], result: "i32" },
  /** `int dup2(int from, int to)` */
  dup2: { parameters: ["i32", "i32"], result: "i32" },
  /** `int close(int fd)` */
  close: { parameters: ["i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/**
 * Appends all further output of the process (standard output and standard error) to a file.
 *
 * @param path An existing file.
 * @throws {Error} If the file cannot be opened, or is a link.
 */
export function appendOutputTo(path: string): void {
  const os = Deno.build.os as keyof typeof LIBC;
  const libc = Deno.dlopen(LIBC[os], SYMBOLS);
  const { open, dup2, close } = libc.symbols;
  const fd = open(
    new TextEncoder().encode(`${path}\0`),
    O_WRONLY | FLAGS[os].O_APPEND | FLAGS[os].O_NOFOLLOW,
  );
  try {
    if (fd < 0) throw new Error(`Cannot write ${path}: expected a file that can be opened, got an error.`);
    dup2(fd, 1);
    dup2(fd, 2);
  } finally {
    if (fd >= 0) close(fd);
    libc.close();
  }
}

/**
 * Runs `work` without its output on standard error, which is file descriptor 2. TensorFlow logs some lines before it
 * reads the environment variables that hide logs. Load errors are still thrown.
 *
 * @param work Code that may write to standard error.
 * @returns The result of `work`.
 */
export function quietly<R>(work: () => R): R {
  const path = LIBC[Deno.build.os as keyof typeof LIBC];
  if (path === undefined) return work();
  const libc = Deno.dlopen(path, SYMBOLS);
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
