/**
 * Who works on a run: a file that its process locks. The system lifts the lock when the process ends, however it ends, so
 * that a claim never outlives its work. Where locks do not reach (another host over a shared folder, a file system
 * without them), the file tells host, process and a count that goes up: one that stands still is stale.
 *
 * @module
 */
import { EXIT, UserError } from "../error/user_error.ts";
import { tryLock } from "../file/lock.ts";
import { openOwnFile } from "../file/own_file.ts";

/** What a claim's file says of its holder. */
export interface ClaimHolder {
  /** The machine's name. */
  readonly host: string;
  /** The process. */
  readonly pid: number;
  /** Tells this claim from any other. */
  readonly token: string;
  /** Goes up every few seconds. */
  readonly beat: number;
  /** Counts the owners of the run, from 1. */
  readonly generation: number;
}

/** What a claim needs to know of its surroundings; tests replace it. */
export interface ClaimOptions {
  /** This machine's name. Default: the system's. */
  readonly host?: string | undefined;
  /** Time between two counts, in milliseconds; five of them without one are the end of a claim. Default: 4 s. */
  readonly beatEvery?: number | undefined;
  /** Told before it is waited for whether another host's claim still counts. */
  readonly print?: ((line: string) => void) | undefined;
  /** What is claimed, for errors. Default: "the run". */
  readonly work?: string | undefined;
  /** Whether to lock the file. Default: yes; no, where the file system has no locks. */
  readonly lock?: boolean | undefined;
}

/** Another process works on the run. The same command may find it done later. */
export class ClaimedError extends UserError {
  /** Tells it from other errors. */
  override readonly name: string = "ClaimedError";

  /**
   * Says who is at work.
   *
   * @param path The claim's file.
   * @param holder Who holds it, where that is known.
   * @param work What is claimed. Default: "the run".
   */
  constructor(path: string, holder: ClaimHolder | undefined, work: string = "the run") {
    const who = holder === undefined ? "another process" : `process ${holder.pid} on ${holder.host}`;
    super(`Cannot claim ${path}: ${who} is at work on ${work}`, { exitCode: EXIT.interrupted });
  }
}

/**
 * Looks in a row at which a claim's file is away or says nothing that end the claim. A single one may be a hiccup of a
 * network's file system, and is mended by what is written next.
 */
const MISSES = 3;

/** A claim that is held until it is disposed of. */
export class Claim implements Disposable {
  readonly #file: Deno.FsFile;
  readonly #path: string;
  readonly #lost = new AbortController();
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #beatEvery: number;
  #own: ClaimHolder;
  /** When the count last went up, by a clock that always goes forward and by the one that runs while a machine sleeps. */
  #beaten: { steady: number; wall: number };
  /** Looks in a row at which the file was away or said nothing. */
  #missed = 0;

  /** @internal */
  constructor(file: Deno.FsFile, at: { path: string; own: ClaimHolder; beatEvery: number }) {
    this.#file = file;
    this.#path = at.path;
    this.#own = at.own;
    this.#beatEvery = at.beatEvery;
    this.#beaten = now();
    this.#timer = setInterval(() => this.#beat(), at.beatEvery);
    this.#timer.unref(); // a process that is done shall end
  }

  /** Aborted when another host has taken the claim over, such as after this one was suspended, or its file is gone. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /**
   * Makes this owner's generation greater than those that a journal has lines of, and returns it.
   *
   * @param recorded The greatest generation in the journal.
   * @throws {ClaimedError} when another process has taken the claim over.
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
   * Requires that no other process has taken the claim over. The file is read only when a heartbeat is overdue, such as
   * after the process was suspended: others count a claim as stale only then.
   *
   * @param options `always` reads the file in any case. Default: no.
   * @throws {ClaimedError} when the claim is another process's, or its file is gone.
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
      // The disk is full: the lock holds where there is one, and the run itself will find out.
    }
  }

  /** Gives the run free, and removes the file. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    try {
      // Removed while it is locked, so that whoever opened it before finds that it is no longer in its place.
      if (readHolder(this.#path)?.token === this.#own.token) Deno.removeSync(this.#path);
    } catch {
      // The folder is read-only by now, or gone.
    }
    this.#file.close();
  }
}

/**
 * Claims a run for this process.
 *
 * @param path The claim's file.
 * @param options The surroundings.
 * @throws {ClaimedError} when another process holds it.
 * @throws {UserError} when the folder cannot be written to.
 */
export async function takeClaim(path: string, options: ClaimOptions = {}): Promise<Claim> {
  const { host = Deno.hostname(), beatEvery = 4000, print = () => {}, lock = true, work } = options;
  for (;;) {
    const file = open(path);
    try {
      const lockable = lock && tryLock(file);
      if (lock && lockable === false) throw new ClaimedError(path, readHolder(path), work);
      if (!isStill(file, path)) { // its holder ended between the opening and the lock
        file.close();
        continue;
      }
      const before = readHolder(path);
      const unsure = before !== undefined && (before.host !== host || lockable !== true);
      if (unsure && await beats(path, { before, beatEvery, print })) {
        throw new ClaimedError(path, before, work);
      }
      if (unsure && !isStill(file, path)) { // given free while it was waited for
        file.close();
        continue;
      }
      const generation = (before?.generation ?? 0) + 1;
      const own = { host, pid: Deno.pid, token: crypto.randomUUID(), beat: 0, generation };
      writeHolder(file, own);
      if (lockable !== true) {
        await wait(beatEvery / 4); // time for one who came at the same moment
        if (readHolder(path)?.token !== own.token) throw new ClaimedError(path, readHolder(path), work);
      }
      return new Claim(file, { path, own, beatEvery });
    } catch (error) {
      file.close();
      throw error;
    }
  }
}

/** Whether a process on this machine holds a claim. A run that nobody holds may still be claimed by another host. */
export function isClaimed(path: string): boolean {
  try {
    using file = Deno.openSync(path, { read: true, write: true });
    return tryLock(file) === false;
  } catch {
    return false; // no file, or no right to it: the worker will say
  }
}

/** Who holds a claim, as its file says; undefined: nobody, or it says nothing. */
export function readHolder(path: string): ClaimHolder | undefined {
  try {
    const { host, pid, token, beat, generation = 1 } = JSON.parse(Deno.readTextFileSync(path)) as Partial<
      ClaimHolder
    >;
    if (typeof host !== "string" || typeof token !== "string") return undefined;
    const owners = Number.isSafeInteger(generation) && generation > 0 ? generation : 1;
    return { host, token, pid: Number(pid), beat: Number(beat), generation: owners };
  } catch {
    return undefined;
  }
}

function open(path: string): Deno.FsFile {
  try {
    return openOwnFile(path);
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError(
      `Cannot claim ${path}: wanted a folder that can be written to: ${
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

/** Whether a claim's count goes up. Observed by this machine's own clock, whatever others' say. */
async function beats(
  path: string,
  { before, beatEvery, print }: { before: ClaimHolder; beatEvery: number; print: (line: string) => void },
): Promise<boolean> {
  print(
    `${path}: claimed by process ${before.pid} on ${before.host}: waiting ${
      Math.round(5 * beatEvery / 1000)
    } s for a sign of it`,
  );
  for (let i = 0; i < 5; i++) {
    await wait(beatEvery);
    const seen = readHolder(path); // undefined: given free, or for a moment unreadable
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
