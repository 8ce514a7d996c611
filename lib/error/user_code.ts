/**
 * Execution of user-written code in this process: imports and calls, and the handling of faults outside of a call, such
 * as rejected promises and exits.
 *
 * @module
 */
import { pathToFileURL } from "node:url";
import { changedState, type SharedState, sharedState } from "./_shared_state.ts";
import { UserError } from "./user_error.ts";

export { sharedState };

/** A user-written module. */
export interface UserModule {
  /** Folder of the module's copy. */
  readonly folder: string;
  /** Path of the module in that folder. */
  readonly entry: string;
}

/** Receives a description of each call of a user-written function when the call begins, and undefined when it ends. */
export type CallObserver = (call: string | undefined) => void;

/** Modules that this process has imported, or is importing. */
const modules: UserModule[] = [];

/** State of the calls and of faults outside of them. */
const state: {
  depth: number;
  fault: UserError | undefined;
  isGuarded: boolean;
  observer: CallObserver;
  onFault: ((fault: UserError) => void) | undefined;
} = { depth: 0, fault: undefined, isGuarded: false, observer: () => {}, onFault: undefined };

/** An exit that a user's code requested. */
class ExitRequest extends Error {}

/** Ends this process, also if users' code is guarded. */
const exit = Deno.exit;

/** Returns true if this process has imported a user-written module. Timers of the module may keep the process alive. */
export function hasUserCode(): boolean {
  return modules.length > 0;
}

/** Ends this process at once, even if timers or promises of a user-written module are pending. */
export function exitNow(code: number): never {
  return exit(code);
}

/** Sets the observer of all calls of user-written functions. It can report calls that take long. */
export function observeCalls(observer: CallObserver): void {
  state.observer = observer;
}

/**
 * Handles errors that user-written code causes while losskit does not call it, such as in a timer. From this call on,
 * the first such error is kept for {@linkcode requireNoFault}. Before this call, Deno reports such errors.
 *
 * @param handle Also receives the error, and may end the process. Default: does nothing.
 */
export function handleUserFaults(handle: (fault: UserError) => void = () => {}): void {
  state.onFault = handle;
}

/**
 * Requires that user-written code had no fault outside of a call.
 *
 * @throws {UserError} The first fault since the call of {@linkcode handleUserFaults}.
 */
export function requireNoFault(): void {
  if (state.fault !== undefined) throw state.fault;
}

/**
 * Registers a user-written module before its import. Afterwards, an exit that the module requests throws an error. Its
 * rejected promises and the errors of its timers are faults.
 */
export function addUserModule(module: UserModule): void {
  modules.push(module);
  if (state.isGuarded) return;
  state.isGuarded = true;
  Error.stackTraceLimit = 50; // the user's frame is below those of TF.js
  Deno.exit = (code) => {
    const { stack = "" } = new Error();
    // A timer calls this function without a frame of the user's file.
    const isOurs = state.depth === 0 && placeIn(stack) === undefined &&
      /\bfile:|\bhttps?:/.test(withoutTop(stack));
    if (isOurs) return exit(code);
    throw new ExitRequest("it called Deno.exit()");
  };
  addEventListener("unhandledrejection", (event) => {
    if (take(event.reason, "a promise was rejected")) event.preventDefault();
  });
  addEventListener("error", (event) => {
    if (take(event.error ?? event.message, "a callback failed")) event.preventDefault();
  });
}

/** Returns a stack without its message and the frame of this file. */
function withoutTop(stack: string): string {
  return stack.split("\n").slice(2).join("\n");
}

/** Records an error outside of a call. Returns false if it is not from users' code. */
function take(error: unknown, what: string): boolean {
  const stack = textOf(() => (error as Error).stack);
  const isForeign = stack === undefined || error instanceof ExitRequest || placeIn(stack) !== undefined;
  const isHandled = state.depth > 0 || state.onFault !== undefined;
  if (!isForeign || !isHandled) return false;
  const { message, place } = describeError(error);
  const names = [...new Set(modules.map(({ entry }) => entry))].join(" or ");
  state.fault ??= new UserError(
    `Cannot use ${names}: ${what} outside of a call, with "${message}"${place}. Correct the module.`,
    { cause: error },
  );
  if (state.depth === 0) state.onFault?.(state.fault); // else the import fails
  return true;
}

/** Returns a text, or undefined if it is none. Values of users can fail at each access. */
function textOf(read: () => unknown): string | undefined {
  try {
    const value = read();
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Returns the place of a stack's first frame in a user's file, such as `my_model.ts:12:5`. Undefined if there is none.
 */
export function placeIn(text: string): string | undefined {
  const found = modules.flatMap(({ folder }) => {
    const url = `${pathToFileURL(folder).href}/`, at = text.indexOf(url);
    return at < 0 ? [] : [{ at, rest: text.slice(at + url.length) }];
  }).sort((a, b) => a.at - b.at)[0];
  const place = /^[^\s:]+:\d+(:\d+)?/.exec(found?.rest ?? "")?.[0];
  return place === undefined ? undefined : textOf(() => decodeURI(place)) ?? place;
}

/** Returns any value as text. Objects of users can fail at each access. */
function inspected(value: unknown): string {
  const text = textOf(() =>
    typeof value === "string" ? value : Deno.inspect(value, { depth: 1, colors: false })
  );
  return (text ?? "an object that cannot be printed").split("\n")[0]!;
}

/**
 * Returns the first line of an error's message, and its place in a user's file, such as ` at my_model.ts:12:5`. The
 * place is empty if the stack has no frame in such a file.
 */
export function describeError(error: unknown): { message: string; place: string } {
  const own = textOf(() => (error as Error).message);
  const name = textOf(() => (error as Error).name) ?? "Error";
  const message = own === undefined ? inspected(error) : own.trim() || `${name} without a message`;
  const at = placeIn(`${message}\n${textOf(() => (error as Error).stack) ?? ""}`);
  let first = message.split("\n")[0]!;
  for (const { folder } of modules) first = first.replaceAll(`${pathToFileURL(folder).href}/`, "");
  return { message: first.trim(), place: at === undefined || first.includes(at) ? "" : ` at ${at}` };
}

/**
 * Calls a user-written function.
 *
 * @param work Calls the function.
 * @param name Name of the function, for errors.
 * @param module The module of the function.
 * @throws {UserError} If the function throws an error. The message names the function, the file and the line.
 */
export function callUser<R>(work: () => R, name: string, { entry }: UserModule): R {
  state.depth++;
  state.observer(`${name} of ${entry}`);
  try {
    return work();
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    const { message, place } = describeError(cause);
    throw new UserError(
      `Cannot run ${name} of ${entry}: ${message.replace(/\.$/, "")}${place}. Correct the module.`,
      { cause },
    );
  } finally {
    state.depth--;
    state.observer(undefined);
  }
}

/**
 * Requires that user-written code has changed no function of JavaScript or Deno, no environment variable, and not the
 * current folder.
 *
 * @param before The state before the code ran.
 * @param action Beginning of the error, such as `Cannot use my_loss.ts`.
 * @throws {UserError} If the state has changed. The message names the first change.
 */
export function requireSharedState(before: SharedState, action: string): void {
  const changed = changedState(before);
  if (changed === undefined) return;
  throw new UserError(
    `${action}: expected a module that leaves ${changed} as it is, got a change of it. Remove the change.`,
  );
}

/**
 * Imports a user-written module, and waits until rejected promises of the module are reported.
 *
 * @param load Imports the module.
 * @param action Beginning of the error, such as `Cannot use my_loss.ts as loss`.
 * @param module The module.
 * @returns The result of `load`.
 * @throws {UserError} If the module does not load, or changes a function of JavaScript or Deno, an environment variable
 * or the current folder.
 */
export async function importUser<R>(
  load: () => Promise<R>,
  action: string,
  { entry }: UserModule,
): Promise<R> {
  const before = sharedState();
  state.depth++;
  state.fault = undefined;
  state.observer(`the import of ${entry}`);
  try {
    const module = await load();
    await new Promise((resolve) => setTimeout(resolve)); // rejections are reported between macrotasks
    if (state.fault !== undefined) throw (state.fault as UserError).cause;
    requireSharedState(before, action);
    return module;
  } catch (cause) {
    state.fault = undefined;
    if (cause instanceof UserError) throw cause;
    const { message, place } = describeError(cause);
    const added = textOf(() =>
      /^The lockfile is out of date[^]*?"((?:npm|jsr):[^"]+)"/.exec((cause as Error).message)?.[1]
    );
    if (added !== undefined) {
      throw new UserError(
        `${action}: expected packages of losskit, got ${added}${place}. Copy its files beside the module.`,
        { cause },
      );
    }
    throw new UserError(`${action}: expected a module that loads, got "${message}"${place}. Correct it.`, {
      cause,
    });
  } finally {
    state.depth--;
    state.observer(undefined);
  }
}
