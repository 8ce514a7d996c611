/**
 * Sanitizing of untrusted text before it is printed. Names, messages and file contents written by others may contain
 * terminal escape sequences or invisible characters that reorder text.
 *
 * @module
 */

/** Control characters (C0 and C1), format characters (bidirectional, zero-width, tags) and line separators. */
const STEERING = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** The characters of {@linkcode STEERING}, except line feeds and tabs. */
const STEERING_A_LINE = /(?![\n\t])[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** Returns text as one line. Control, format and separator characters and lone surrogates become `�`. */
export function printable(text: string): string {
  return text.toWellFormed().replace(STEERING, "\ufffd");
}

/** Sanitizes text as {@linkcode printable} does, but keeps line feeds and tabs. */
export function printableLines(text: string): string {
  return text.toWellFormed().replace(STEERING_A_LINE, "\ufffd");
}

/**
 * Escapes control, format and separator characters in a JSON text, for example as `\u001b`. The result represents the
 * same value.
 */
export function printableJson(json: string): string {
  return json.replace(
    STEERING_A_LINE,
    (found) =>
      found.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join(""),
  );
}

/** Words of a message that are shortened: longer than most paths. */
const LONG_WORD = /(\S{200})\S{800,}/gu;

/**
 * Returns an error's message with all lines after the first indented. Text from others that has several lines thus
 * cannot imitate losskit's output. Words of 1,000 characters or more are shortened to 200.
 */
export function printableError(message: string): string {
  return printableLines(message).replace(LONG_WORD, "$1…").replace(/\n(?! {2})/g, "\n  ");
}

/**
 * Sanitizes everything that this process prints through `console`. Commands call this function first.
 *
 * @param color Colors sanitized text for an output. Default: no colors.
 */
export function guardConsole(
  color: (text: string, stream: "stdout" | "stderr") => string = (text) => text,
): void {
  for (const method of ["log", "error", "warn", "info", "debug"] as const) {
    const print = console[method].bind(console);
    const stream = method === "error" || method === "warn" ? "stderr" : "stdout";
    console[method] = (...values) => {
      print("%s", color(values.map((value) => printableLines(textOf(value))).join(" "), stream));
    };
  }
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : Deno.inspect(value);
}
