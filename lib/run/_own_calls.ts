/**
 * Calls of user-written functions. Their errors name the file and the line.
 *
 * @module
 */
import { pathToFileURL } from "node:url";
import { UserError } from "../error/user_error.ts";

/** A user-written module. */
interface Place {
  /** Folder of the module's copy. */
  readonly folder: string;
  /** Path of the module in that folder. */
  readonly entry: string;
}

/** Returns the message of an error, and its place in the folder: ` at my_model.ts:12:5`, or empty. */
function reasonOf(error: unknown, folder: string): { message: string; place: string } {
  const message = error instanceof Error ? error.message : String(error);
  const url = `${pathToFileURL(folder).href}/`;
  const text = `${message}\n${error instanceof Error ? error.stack ?? "" : ""}`;
  const [, found] = text.split(url);
  const at = found === undefined ? undefined : /^[^\s:]+:\d+(:\d+)?/.exec(decodeURI(found))?.[0];
  const first = message.split("\n")[0]!.replaceAll(url, "").trim();
  return { message: first, place: at === undefined || first.includes(at) ? "" : ` at ${at}` };
}

/**
 * Calls a user-written function. Rethrows errors other than `UserError` as a `UserError` with the file and the line.
 */
function call<R>(work: () => R, name: string, { folder, entry }: Place): R {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    const { message, place } = reasonOf(cause, folder);
    throw new UserError(
      `Cannot run ${name} of ${entry}: ${message.replace(/\.$/, "")}${place}. Correct the module.`,
      { cause },
    );
  }
}

/**
 * Wraps an export, so that its functions are called with {@linkcode call}. An object without a name gets the module's
 * path as its name.
 */
function wrap(own: object, place: Place): object {
  if (typeof own === "function") {
    return (...values: unknown[]) => call(() => own(...values), own.name || "the function", place);
  }
  const record = own as Record<string, unknown>;
  const functions = Object.entries(record).filter(([, value]) => typeof value === "function");
  return {
    name: place.entry,
    ...record,
    ...Object.fromEntries(
      functions.map(([name, value]) => [
        name,
        (...values: unknown[]) =>
          call(() => (value as (...values: unknown[]) => unknown).apply(own, values), `${name}()`, place),
      ]),
    ),
  };
}

/** Functions for calling user-written code. */
export const guarded = { reasonOf, wrap };
