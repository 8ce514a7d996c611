/**
 * Foreign text made safe to print: names, messages and contents of files that others wrote may hold escape sequences
 * that steer a terminal, or invisible characters that turn text around.
 *
 * @module
 */

/** Control characters (C0 and C1), format characters (bidirectional, zero-width, tags) and line separators. */
const STEERING = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** The same but for line feeds and tabs. */
const STEERING_A_LINE = /(?![\n\t])[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** Returns text as one line, with `�` for each control, format and separator character and for lone surrogates. */
export function printable(text: string): string {
  return text.toWellFormed().replace(STEERING, "\ufffd");
}

/** Does the same as {@linkcode printable} but keeps line feeds and tabs. */
export function printableLines(text: string): string {
  return text.toWellFormed().replace(STEERING_A_LINE, "\ufffd");
}

/** Returns JSON of the same value in which such characters are escapes, `\u001b` for one. */
export function printableJson(json: string): string {
  return json.replace(
    STEERING_A_LINE,
    (found) =>
      found.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join(""),
  );
}

/** Returns an error's message, whose lines after the first are indented: a line in a name is no line of ours. */
export function printableError(message: string): string {
  return printableLines(message).replace(/\n(?! {2})/g, "\n  ");
}

/**
 * Makes all that this process prints through `console` printable, whoever prints it. A command calls it before it does
 * anything else.
 */
export function guardConsole(): void {
  for (const method of ["log", "error", "warn", "info", "debug"] as const) {
    const print = console[method].bind(console);
    console[method] = (...values) => {
      print("%s", values.map((value) => printableLines(textOf(value))).join(" "));
    };
  }
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : Deno.inspect(value);
}
