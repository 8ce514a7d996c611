/**
 * Code of users in this process: calls of it, and faults outside of a call, such as rejected promises and exits.
 *
 * @module
 */
import { pathToFileURL } from "node:url";
import { changedState, type SharedState, sharedState } from "./_shared_state.ts";
import { UserError } from "./user_error.ts";

export { sharedState };

/** A module of a user. */
export interface UserModule {
  /** Folder of the module's copy. */
  readonly folder: string;
  /** Path of the module in that folder. */
  readonly entry: string;
}

/** Receives the call of a user's function that begins, and undefined when it ends. */
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

/** Returns whether this process has imported a user's module, which may keep it alive by timers. */
export function hasUserCode(): boolean {
  return modules.length > 0;
}

/** Ends this process at once, whatever a user's module has left running. */
export function exitNow(code: number): never {
  return exit(code);
}

/** Passes each call of a user's function to an observer, for notes about calls that take long. */
export function observeCalls(observer: CallObserver): void {
  state.observer = observer;
}

/**
 * Handles faults outside of calls. Default: Deno reports them.
 *
 * @param handle Receives the error, and may end the process. Default: keep the error for {@linkcode requireNoFault}.
 */
export function handleUserFaults(handle: (fault: UserError) => void = () => {}): void {
  state.onFault = handle;
}

/**
 * Requires that users' code had no fault outside of a call.
 *
 * @throws {UserError} The first fault since {@linkcode handleUserFaults}.
 */
export function requireNoFault(): void {
  if (state.fault !== undefined) throw state.fault;
}

/**
 * Adds a module before it is imported. From then on, an exit that users' code requests is an error, and rejected promises
 * and errors of timers in it are faults.
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

/** Returns the place of a stack's first frame in a user's file: `my_model.ts:12:5`. Undefined: there is none. */
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

/** Returns the first line of an error's message, and the place in a user's file: ` at my_model.ts:12:5`, or empty. */
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
 * Calls a function of a user.
 *
 * @param work The call.
 * @param name Name of the function, for errors.
 * @throws {UserError} If it fails. The message names the function, the file and the line.
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
 * Requires that users' code has replaced no function of the language or of Deno, and kept variables and the current folder.
 *
 * @param before The state as it was.
 * @param action The sentence's begin, such as `Cannot use my_loss.ts`.
 * @throws {UserError} For the first change.
 */
export function requireSharedState(before: SharedState, action: string): void {
  const changed = changedState(before);
  if (changed === undefined) return;
  throw new UserError(
    `${action}: expected a module that leaves ${changed} as it is, got a change of it. Remove the change.`,
  );
}

/**
 * Imports a module of a user, and lets promises that it has rejected surface.
 *
 * @param load The import.
 * @param action The sentence's begin, such as `Cannot use my_loss.ts as loss`.
 * @throws {UserError} If the module does not load, or changes state that all code shares.
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
    throw new UserError(`${action}: expected a module that loads, got "${message}"${place}. Correct it.`, {
      cause,
    });
  } finally {
    state.depth--;
    state.observer(undefined);
  }
}
