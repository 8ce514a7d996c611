/**
 * Colors of what commands print on a terminal: verdicts, failures, notes and progress bars. Text is the same with and without
 * colors.
 *
 * @module
 */
import { styleText } from "node:util";

/** A color of 16-color terminals. */
export type Color = "red" | "green" | "yellow" | "cyan";

/** An output of a process. */
export type Stream = "stdout" | "stderr";

/** Returns the places of a verdict: in a column of a table, before a colon, or after a number. */
function verdict(words: string): RegExp {
  return new RegExp(`( {2}|^|: |\\b\\d+ )((?:${words})(?= {2}|:|$| of \\d|, \\d))`, "gm");
}

/** Words that are colored. The first group is the text before the word. */
const RULES: readonly (readonly [RegExp, Color])[] = [
  [verdict("stable|within noise"), "green"],
  [verdict("improved"), "cyan"],
  [verdict("degraded|diverged(?: at step \\d+)?"), "red"],
  [verdict("undecided"), "yellow"],
  [/^()(failed:|error:|Cannot )/gm, "red"],
  [/^(run \w+ \(.*\) )(failed:)/gm, "red"],
  [/^()(note:|warning:|interrupted:)/gm, "yellow"],
  [/()(█+)/g, "cyan"],
];

/**
 * Returns whether an output shows colors: on a terminal unless `NO_COLOR` is set or `TERM` is `dumb`; elsewhere only if
 * `FORCE_COLOR` is set to anything but 0. `FORCE_COLOR` has priority, as in Deno and Node.
 */
export function hasColor(stream: Stream): boolean {
  const forced = variable("FORCE_COLOR");
  if (forced !== undefined && forced !== "") return forced !== "0";
  return !Deno.noColor && Deno[stream].isTerminal() && variable("TERM") !== "dumb";
}

/**
 * Returns a text with its verdicts, failures, notes and bars in color. JSON stays as it is.
 *
 * @param text Text without escape sequences.
 */
export function colored(text: string): string {
  return /^[[{]/.test(text) ? text : RULES.reduce(
    (colored, [pattern, color]) =>
      colored.replace(
        pattern,
        (_, before: string, word: string) => before + styleText(color, word, { validateStream: false }),
      ),
    text,
  );
}

/** Returns an environment variable, or undefined if it is not set or must not be read. */
function variable(name: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable: name });
  return state === "granted" ? Deno.env.get(name) : undefined;
}
