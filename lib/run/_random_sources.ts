/**
 * Detection of random numbers and clocks that user-written code reads, to explain results that differ between
 * repetitions.
 *
 * @module
 */
import { placeIn } from "../error/user_code.ts";

/** A function that can give another value at each call. */
interface Source {
  readonly holder: Record<string, (...values: unknown[]) => unknown>;
  readonly name: string;
  readonly label: string;
  /** True to count calls by other code that a user's function calls, such as `tf.randomNormal`. */
  readonly indirect?: boolean;
}

const SOURCES = [
  { holder: Math, name: "random", label: "Math.random()", indirect: true },
  { holder: crypto, name: "getRandomValues", label: "crypto.getRandomValues()", indirect: true },
  { holder: crypto, name: "randomUUID", label: "crypto.randomUUID()" },
  { holder: Date, name: "now", label: "Date.now()" },
  { holder: performance, name: "now", label: "performance.now()" },
] as unknown as readonly Source[];

/**
 * Watches random number generators and clocks.
 *
 * @returns A function that describes the first use by user-written code. It returns undefined if there was none.
 */
export function watchRandomSources(): () => string | undefined {
  let first: string | undefined;
  for (const { holder, name, label, indirect = false } of SOURCES) {
    const original = holder[name]!;
    holder[name] = (...values) => {
      if (first === undefined) {
        const frames = (new Error().stack ?? "").split("\n").slice(2); // without the message and this function
        const place = placeIn(frames.slice(0, indirect ? frames.length : 1).join("\n"));
        if (place !== undefined) first = `${label} at ${place}`;
      }
      return original.apply(holder, values);
    };
  }
  return () => first;
}
