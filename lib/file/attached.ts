/**
 * Child processes that end with this process, even if this process is killed.
 *
 * @module
 */

/**
 * Shell wrapper that kills the program once the pipe at standard input closes without a line. The system closes the pipe
 * with the process that holds its other end. `exec` keeps the process ID.
 */
const ATTACHED =
  'exec 3<&0 </dev/null; (read -r _ <&3 || kill -KILL $$) >/dev/null 2>&1 & exec 3<&-; exec "$@"';

/**
 * Starts a program that is killed when this process ends. The program may execute user-written code, which need not
 * return. Its standard input is empty.
 *
 * @param command The program and its arguments.
 * @param options Options of the child process.
 */
export function spawnAttached(
  command: readonly string[],
  options: Omit<Deno.CommandOptions, "args" | "stdin"> = {},
): Deno.ChildProcess {
  const child = new Deno.Command("/bin/sh", {
    ...options,
    args: ["-c", ATTACHED, "sh", ...command],
    stdin: "piped",
  }).spawn();
  child.status.then(() => release(child));
  return child;
}

/** Ends the wrapper of a program that has ended. */
async function release({ stdin }: Deno.ChildProcess): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode("\n"));
    await writer.close();
  } catch {
    // The wrapper was killed.
  }
}
