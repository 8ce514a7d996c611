/**
 * A generated corpus of known entropy, by its name: `markov`, or `markov:` with parameters. `README.md` beside this file
 * says what they are; the source itself is `lib/text/markov.ts`.
 *
 * @module
 */
import { UserError } from "../lib/error/user_error.ts";
import {
  type Corpus,
  corpusFromBytes,
  createMarkovSource,
  type MarkovOptions,
  type MarkovSource,
} from "../lib/text/mod.ts";

/** What a name may say, and what it is when it does not. */
const DEFAULTS = { symbols: 16, order: 1, peak: 3, length: 1_000_000, seed: 1 } satisfies
  & MarkovOptions
  & { length: number };

/** Most characters: such a text is held in memory. */
const MAX_LENGTH = 2 ** 27;

type Field = keyof typeof DEFAULTS;

/** Whether a corpus's name is of this kind. */
export function isMarkovName(name: string): boolean {
  return name === "markov" || name.startsWith("markov:");
}

/**
 * The corpus of a name such as `markov:symbols=8,order=2,length=500000`, and its source.
 *
 * @returns The corpus has all parameters in its name.
 * @throws {UserError} for an unknown parameter, or a value out of range.
 */
export function loadMarkov(name: string): { corpus: Corpus; source: MarkovSource } {
  const { length, ...options } = readName(name);
  let source: MarkovSource;
  try {
    source = createMarkovSource(options);
  } catch (error) {
    throw error instanceof RangeError ? new UserError(error.message, { cause: error }) : error;
  }
  const text = new TextEncoder().encode(source.generate(length));
  const full = Object.entries({ ...options, length }).sort(([a], [b]) => order(a) - order(b));
  const fullName = `markov:${full.map(([field, value]) => `${field}=${value}`).join(",")}`;
  return { corpus: corpusFromBytes(text, { name: fullName }), source };
}

function order(field: string): number {
  return Object.keys(DEFAULTS).indexOf(field);
}

function readName(name: string): typeof DEFAULTS {
  const refuse = (reason: string): never => {
    throw new UserError(
      `Cannot make the corpus ${JSON.stringify(name)}: wanted markov, or markov: and some of ` +
        `${Object.entries(DEFAULTS).map(([field, value]) => `${field}=${value}`).join(",")}: ${reason}`,
    );
  };
  const given: Record<Field, number> = { ...DEFAULTS };
  const seen = new Set<string>();
  for (const part of name.split(":").slice(1).join(":").split(",").filter((part) => part.trim() !== "")) {
    const [field = "", value = "", ...rest] = part.split("=").map((word) => word.trim());
    if (!Object.hasOwn(DEFAULTS, field)) refuse(`it has ${JSON.stringify(field)}`);
    if (seen.has(field)) refuse(`it has ${field} twice`);
    seen.add(field);
    const number = Number(value);
    if (!/^[0-9]+$/.test(value) || rest.length > 0 || !Number.isSafeInteger(number)) {
      refuse(`${field} must be a whole number: it is ${JSON.stringify(part.slice(part.indexOf("=") + 1))}`);
    }
    given[field as Field] = number;
  }
  if (given.length < 100 || given.length > MAX_LENGTH) {
    refuse(
      `length must be from 100 to ${MAX_LENGTH.toLocaleString("en-US")} characters: it is ${given.length}`,
    );
  }
  return given;
}
