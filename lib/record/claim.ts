/**
 * Claims: a process owns a run by a lock on a claim file. The operating system releases the lock when the process ends,
 * so that a claim never outlives its owner. Locks do not work between hosts on some shared folders, and on some file
 * systems. The file therefore also contains the host, the process ID and a heartbeat counter. A claim without
 * heartbeats is stale.
 *
 * @module
 */
import * as v from "valibot";
import { EXIT, UserError } from "../error/user_error.ts";
import { readJsonFile } from "../file/json.ts";
import { tryLock } from "../file/lock.ts";
import { openOwnFile } from "../file/own_file.ts";

/** Content of a claim file. */
export interface ClaimHolder {
  /** Host name. */
  readonly host: string;
  /** Process ID. */
  readonly pid: number;
  /** Random text that identifies this claim. */
  readonly token: string;
  /** Heartbeat counter, incremented every few seconds. */
  readonly beat: number;
  /** Generation: the number of processes that have owned the run so far, from 1. */
  readonly generation: number;
}

/** Options of a claim. */
export interface ClaimOptions {
  /** Name of this host. Default: the system's host name. */
  readonly host?: string | undefined;
  /** Heartbeat interval in milliseconds. A claim is stale after five intervals without a heartbeat. Default: 4,000. */
  readonly beatEvery?: number | undefined;
  /** Receives a message before the wait for a heartbeat of another host's claim. Default: discards it. */
  readonly print?: ((line: string) => void) | undefined;
  /** Name of the claimed work in errors. Default: `the run`. */
  readonly work?: string | undefined;
  /** True to lock the file. False for file systems without locks. Default: true. */
  readonly lock?: boolean | undefined;
}

/** Error thrown if another process owns the run. */
export class ClaimedError extends UserError {
  /** Name that distinguishes this error. */
  override readonly name: string = "ClaimedError";

  /**
   * Creates the error for a run that another process owns.
   *
   * @param path The claim file.
   * @param holder The owner, if known.
   * @param work Name of the claimed work. Default: `the run`.
   */
  constructor(path: string, holder: ClaimHolder | undefined, work: string = "the run") {
    const who = holder === undefined ? "another process" : `process ${holder.pid} on ${holder.host}`;
    super(`Cannot claim ${path}: ${who} owns ${work}`, { exitCode: EXIT.interrupted });
  }
}

/**
 * Consecutive failed checks of the claim file that end the claim. A single failure may be a transient fault of a
 * network file system; the next heartbeat rewrites the file.
 */
const MISSES = 3;

/** An active claim. Disposal releases the claim. */
export class Claim implements Disposable {
  readonly #file: Deno.FsFile;
  readonly #path: string;
  readonly #lost = new AbortController();
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #beatEvery: number;
  #own: ClaimHolder;
  /** Time of the last heartbeat, by the monotonic clock and by the wall clock, which also runs during sleep. */
  #beaten: { steady: number; wall: number };
  /** Number of consecutive failed checks of the file. */
  #missed = 0;

  /** @internal */
  constructor(file: Deno.FsFile, at: { path: string; own: ClaimHolder; beatEvery: number }) {
    this.#file = file;
    this.#path = at.path;
    this.#own = at.own;
    this.#beatEvery = at.beatEvery;
    this.#beaten = now();
    this.#timer = setInterval(() => this.#beat(), at.beatEvery);
    this.#timer.unref(); // does not keep a finished process alive
  }

  /**
   * Signal that aborts if this process loses the claim: another host takes the claim over, for example after a
   * suspension of this host, or the file disappears.
   */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /**
   * Sets the generation of this claim above all generations in the journal, and returns the new generation.
   *
   * @param recorded The largest generation in the journal.
   * @throws {ClaimedError} If another process has taken the claim over.
   */
  begin(recorded: number): number {
    if (recorded >= this.#own.generation) {
      this.#own = { ...this.#own, generation: recorded + 1 };
      this.requireHeld({ always: true });
      writeHolder(this.#file, this.#own);
    }
    return this.#own.generation;
  }

  /**
   * Requires that this process still owns the claim. Reads the file only if a heartbeat is overdue, for example after a
   * suspension. Another process can take the claim over only if a heartbeat is overdue.
   *
   * @param options `always`: true to read the file in any case. Default: false.
   * @throws {ClaimedError} If another process owns the claim, or the file is missing.
   */
  requireHeld({ always = false }: { always?: boolean } = {}): void {
    const { steady, wall } = now(), late = 1.5 * this.#beatEvery;
    const overdue = steady - this.#beaten.steady > late || Math.abs(wall - this.#beaten.wall) > late;
    if (!this.#lost.signal.aborted && (always || overdue)) {
      if (isStill(this.#file, this.#path)) this.#beat();
      else this.#lost.abort();
    }
    if (this.#lost.signal.aborted) throw new ClaimedError(this.#path, readHolder(this.#path));
  }

  #beat(): void {
    const holder = readHolder(this.#path);
    this.#missed = holder === undefined ? this.#missed + 1 : 0;
    const taken = holder !== undefined && holder.token !== this.#own.token;
    if (taken || this.#missed >= MISSES) return this.#lost.abort();
    this.#own = { ...this.#own, beat: this.#own.beat + 1 };
    this.#beaten = now();
    try {
      writeHolder(this.#file, this.#own);
    } catch {
      // The disk is full. A lock is still held, and the run itself reports the error.
    }
  }

  /** Releases the run and removes the file. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    try {
      // Remove the file while it is locked, so that a process that has it open detects the removal.
      if (readHolder(this.#path)?.token === this.#own.token) Deno.removeSync(this.#path);
    } catch {
      // The folder is read-only or missing.
    }
    this.#file.close();
  }
}

/**
 * Claims a run for this process.
 *
 * @param path The claim file.
 * @param options Options of the claim.
 * @throws {ClaimedError} If another process owns the run.
 * @throws {UserError} If the folder is not writable.
 */
export async function takeClaim(path: string, options: ClaimOptions = {}): Promise<Claim> {
  const { host = Deno.hostname(), beatEvery = 4000, print = () => {}, lock = true, work } = options;
  for (;;) {
    const file = open(path);
    try {
      const lockable = lock && tryLock(file);
      if (lock && lockable === false) throw new ClaimedError(path, readHolder(path), work);
      if (!isStill(file, path)) { // the owner exited between opening and locking
        file.close();
        continue;
      }
      const before = readHolder(path);
      const unsure = before !== undefined && (before.host !== host || lockable !== true);
      if (unsure && await beats(path, { before, beatEvery, print })) {
        throw new ClaimedError(path, before, work);
      }
      if (unsure && !isStill(file, path)) { // released during the wait
        file.close();
        continue;
      }
      const generation = (before?.generation ?? 0) + 1;
      const own = { host, pid: Deno.pid, token: crypto.randomUUID(), beat: 0, generation };
      writeHolder(file, own);
      if (lockable !== true) {
        await wait(beatEvery / 4); // lets a concurrent claim appear
        if (readHolder(path)?.token !== own.token) throw new ClaimedError(path, readHolder(path), work);
      }
      return new Claim(file, { path, own, beatEvery });
    } catch (error) {
      file.close();
      throw error;
    }
  }
}

/** Returns true if a process on this machine holds the lock of a claim. Another host may still own the run. */
export function isClaimed(path: string): boolean {
  try {
    using file = Deno.openSync(path, { read: true, write: true });
    return tryLock(file) === false;
  } catch {
    return false; // missing or unreadable file: the worker reports the error
  }
}

/**
 * Removes the claim file that a killed process of this host left. Keeps the file of a running process, which holds the
 * lock. If the system cannot lock files, removes no file.
 *
 * @param path The claim file. May be missing.
 */
export function removeStaleClaim(path: string): void {
  try {
    using file = Deno.openSync(path, { read: true, write: true });
    const { host = Deno.hostname() } = readHolder(path) ?? {};
    if (host === Deno.hostname() && tryLock(file) === true && isStill(file, path)) Deno.removeSync(path);
  } catch {
    // The file is missing, or the folder is read-only.
  }
}

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const schema = v.object({
  ...{ host: v.string(), pid: count, token: v.string(), beat: count },
  generation: v.optional(v.pipe(count, v.minValue(1)), 1), // losskit 0.1 has no generations
});

/** Reads the owner from a claim file. Returns undefined if the file is missing, empty or invalid. */
export function readHolder(path: string): ClaimHolder | undefined {
  try {
    const result = v.safeParse(schema, readJsonFile(path));
    return result.success ? result.output : undefined;
  } catch {
    return undefined; // missing, or not JSON
  }
}

function open(path: string): Deno.FsFile {
  try {
    return openOwnFile(path);
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError(
      `Cannot claim ${path}: expected a writable folder, got ${
        cause instanceof Error ? cause.message : cause
      }`,
      { cause },
    );
  }
}

function isStill(file: Deno.FsFile, path: string): boolean {
  try {
    return file.statSync().ino === Deno.statSync(path).ino;
  } catch {
    return false;
  }
}

/**
 * Returns true if a claim's heartbeat counter changes. Waits by the local clock, independent of other hosts' clocks.
 */
async function beats(
  path: string,
  { before, beatEvery, print }: { before: ClaimHolder; beatEvery: number; print: (line: string) => void },
): Promise<boolean> {
  print(
    `${path}: claimed by process ${before.pid} on ${before.host}; waiting ${
      Math.round(5 * beatEvery / 1000)
    } s for its heartbeat`,
  );
  for (let i = 0; i < 5; i++) {
    await wait(beatEvery);
    const seen = readHolder(path); // undefined: released or temporarily unreadable
    if (seen !== undefined && (seen.token !== before.token || seen.beat !== before.beat)) return true;
  }
  return false;
}

function writeHolder(file: Deno.FsFile, holder: ClaimHolder): void {
  const bytes = new TextEncoder().encode(`${JSON.stringify(holder)}\n`);
  file.seekSync(0, Deno.SeekMode.Start);
  let written = 0;
  while (written < bytes.length) written += file.writeSync(bytes.subarray(written));
  file.truncateSync(bytes.length);
}

function now(): { steady: number; wall: number } {
  return { steady: performance.now(), wall: Date.now() };
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
