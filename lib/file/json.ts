/**
 * The parser of all JSON files. Unlike `JSON.parse`, it refuses duplicate keys and more than 256 levels of nesting.
 * Deeper nesting could overflow the stack of code that traverses the value.
 *
 * @module
 */
import { shownValue } from "../error/schema_issue.ts";
import { kindOf } from "./regular.ts";
import { decodeText } from "./text.ts";

/** Maximum depth of nesting. A recursive traversal of this depth fits the stack. */
const MAX_DEPTH = 256;

/**
 * Keys that JavaScript objects inherit. Code that copies objects may lose them, so that JSON files must not use them.
 */
export const OWN_KEYS: readonly string[] = ["__proto__", "constructor", "prototype"];

/** Options for reading JSON. */
export interface JsonOptions {
  /** True if `__proto__`, `constructor` and `prototype` may be keys, as in a vocabulary. Default: false. */
  readonly anyKey?: boolean | undefined;
}

/**
 * Parses a JSON text. A byte order mark at its start is dropped.
 *
 * @param source The text, or its bytes in UTF-8.
 * @throws {SyntaxError} If the text is not JSON, is nested more than 256 levels deep, has a duplicate key in an object,
 * or has a forbidden key ({@linkcode OWN_KEYS}). The message states the reason, and the caller adds the file's name.
 * @throws {TypeError} If the bytes are not UTF-8.
 */
export function parseJson(source: string | Uint8Array, options: JsonOptions = {}): unknown {
  const text = typeof source === "string" ? source.replace(/^\ufeff/, "") : decodeText(source);
  if (text.trim() === "") throw new SyntaxError("it is empty: expected JSON");
  const value = parseStrictly(text);
  requireKeys(text, options);
  return value;
}

/**
 * Reads a JSON file.
 *
 * @throws {SyntaxError} If {@linkcode parseJson} throws it, or if the path is not a regular file.
 * @throws {TypeError} If the file is not UTF-8.
 * @throws {Error} An error of the system, if the file cannot be read.
 */
export function readJsonFile(path: string, options: JsonOptions = {}): unknown {
  const info = Deno.statSync(path);
  if (!info.isFile) throw new SyntaxError(`it is ${kindOf(info)}: expected a regular file`);
  return parseJson(Deno.readFileSync(path), options);
}

/**
 * Requires that a parsed JSON value is an object, and returns the object.
 *
 * @throws {SyntaxError} If the value is an array, a string or another value. The message states the reason, and the
 * caller adds the file's name.
 */
export function requireObject(value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new SyntaxError(`expected a JSON object, got ${shownValue(value)}`);
}

function parseStrictly(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    // The message quotes the text around the fault, with its line breaks.
    throw new SyntaxError(`it is not JSON: ${(cause as Error).message.replace(/\s+/g, " ")}`, { cause });
  }
}

/** Keys of an open object; undefined for an open array. */
type Scope = Set<string> | undefined;

/** Checks a well-formed JSON text for duplicate keys, forbidden keys and excessive nesting. */
function requireKeys(json: string, { anyKey = false }: JsonOptions): void {
  const scopes: Scope[] = [];
  const refuse = (at: number, reason: string): never => {
    throw new SyntaxError(`line ${json.slice(0, at).split("\n").length}: ${reason}`);
  };
  for (let i = 0; i < json.length; i++) {
    const char = json[i];
    if (char === "{" || char === "[") {
      scopes.push(char === "{" ? new Set() : undefined);
      if (scopes.length > MAX_DEPTH) refuse(i, `it is nested more than ${MAX_DEPTH} levels deep`);
    } else if (char === "}" || char === "]") scopes.pop();
    else if (char === '"') {
      const begin = i++;
      while (json[i] !== '"') i += json[i] === "\\" ? 2 : 1;
      const scope = scopes.at(-1);
      let after = i + 1;
      while (after < json.length && " \t\n\r".includes(json[after]!)) after++;
      if (scope === undefined || json[after] !== ":") continue;
      const key: string = JSON.parse(json.slice(begin, i + 1));
      const shown = JSON.stringify(key.length > 100 ? `${key.slice(0, 100)}…` : key);
      if (scope.has(key)) refuse(begin, `the key ${shown} occurs twice in one object: keep one`);
      if (!anyKey && OWN_KEYS.includes(key)) refuse(begin, `unknown field ${shown}`);
      scope.add(key);
    }
  }
}
