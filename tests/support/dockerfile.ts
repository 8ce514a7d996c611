/**
 * Instructions of a Dockerfile.
 *
 * @module
 */

/** An instruction, such as `RUN`, and the rest of its line. */
export interface Instruction {
  readonly name: string;
  readonly rest: string;
}

/** Returns the instructions of a Dockerfile without comments. Continued lines are joined. */
export function instructionsOf(dockerfile: string): Instruction[] {
  return dockerfile.replaceAll(/^\s*#.*\n/gm, "").replaceAll(/\\\n\s*/g, "").split("\n")
    .map((line) => /^([A-Z]+)\s+(.*)$/.exec(line.trim()))
    .filter((match) => match !== null)
    .map(([, name, rest]) => ({ name: name!, rest: rest! }));
}

/** Returns the variables of an `ENV` instruction, with earlier variables replaced. */
export function variablesOf(rest: string, earlier: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    [...rest.matchAll(/(\w+)=(\S+)/g)].map(([, name, value]) => [
      name!,
      value!.replaceAll(/\$(\w+)/g, (_, used) => earlier[used] ?? ""),
    ]),
  );
}
