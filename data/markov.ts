/**
 * Generated corpora of known entropy, selected by name: `markov`, or `markov:` with parameters. `data/README.md` lists
 * the parameters. The source itself is `lib/text/markov.ts`.
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

/** Defaults of the parameters of a name. */
const DEFAULTS = { symbols: 16, order: 1, peak: 3, length: 1_000_000, seed: 1 } satisfies
  & MarkovOptions
  & { length: number };

/** Largest length in characters: the text is held in memory. */
const MAX_LENGTH = 2 ** 27;

type Field = keyof typeof DEFAULTS;

/** Returns whether a corpus name is `markov`, with or without parameters. */
export function isMarkovName(name: string): boolean {
  return name === "markov" || name.startsWith("markov:");
}

/**
 * Generates the corpus of a name such as `markov:symbols=8,order=2,length=500000`.
 *
 * @returns The corpus, whose name lists all parameters, and its source.
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
      `Cannot generate the corpus ${JSON.stringify(name)}: ${reason}. ` +
        `Write markov, or markov: and some of ${
          Object.entries(DEFAULTS).map(([field, value]) => `${field}=${value}`).join(",")
        }.`,
    );
  };
  const given: Record<Field, number> = { ...DEFAULTS };
  const seen = new Set<string>();
  for (const part of name.split(":").slice(1).join(":").split(",").filter((part) => part.trim() !== "")) {
    const [field = "", value = "", ...rest] = part.split("=").map((word) => word.trim());
    if (!Object.hasOwn(DEFAULTS, field)) refuse(`expected a known parameter, got ${JSON.stringify(field)}`);
    if (seen.has(field)) refuse(`expected each parameter once, got ${field} twice`);
    seen.add(field);
    const number = Number(value);
    if (!/^[0-9]+$/.test(value) || rest.length > 0 || !Number.isSafeInteger(number)) {
      refuse(`expected an integer for ${field}, got ${JSON.stringify(part.slice(part.indexOf("=") + 1))}`);
    }
    given[field as Field] = number;
  }
  if (given.length < 100 || given.length > MAX_LENGTH) {
    refuse(
      `expected a length of 100 to ${MAX_LENGTH.toLocaleString("en-US")} characters, got ${given.length}`,
    );
  }
  return given;
}
