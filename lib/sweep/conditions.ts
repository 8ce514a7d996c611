/**
 * Conditions of a spec (`when` and `exclude`), with a record of what they matched. A condition without a match is a mistake.
 *
 * @module
 */
import { canonicalJson } from "../record/mod.ts";
import { type Condition, isRange, matches } from "./axes.ts";

/** Fields of a run while it is derived. */
type Fields = Readonly<Record<string, unknown>>;

/** A condition that remembers the values it was compared with. */
export class CheckedCondition {
  readonly #list: string;
  readonly #wanted: Condition;
  /** Values of the runs by field, as JSON. */
  readonly #seen: ReadonlyMap<string, Set<string>>;
  #hasMatched = false;

  /**
   * Creates a condition.
   *
   * @param list Its list in the spec. Errors quote the condition instead of its position, because presets of
   * architectures precede the written conditions.
   * @param wanted Requirements on the fields of a run.
   */
  constructor(list: "when" | "exclude", wanted: Condition) {
    this.#list = list;
    this.#wanted = wanted;
    this.#seen = new Map(Object.keys(wanted).map((field) => [field, new Set()]));
  }

  /** Returns true if a run fulfills the condition. */
  matches(run: Fields): boolean {
    for (const [field, values] of this.#seen) values.add(canonicalJson(run[field] ?? null));
    const isMatch = matches(run, this.#wanted);
    this.#hasMatched ||= isMatch;
    return isMatch;
  }

  /** Describes a condition that no run fulfills, or a listed value that no run has. Returns undefined if there is none. */
  problem(): string | undefined {
    for (const [field, want] of Object.entries(this.#wanted)) {
      const seen = this.#seen.get(field)!;
      const isListed = Array.isArray(want) && !seen.has(canonicalJson(want));
      const strange = isRange(want)
        ? undefined
        : (isListed ? want : [want]).find((one) => !seen.has(canonicalJson(one)));
      if (strange !== undefined || isListed && want.length === 0) {
        return `expected conditions of ${this.#list} to have values of runs, got ${field} ${
          JSON.stringify(strange ?? want)
        } in ${JSON.stringify(this.#wanted)}. The runs have ${field} ${listed(seen)}`;
      }
    }
    if (this.#hasMatched) return undefined;
    const values = [...this.#seen].map(([field, seen]) => `${field} ${listed(seen)}`).join("; ");
    return `expected conditions of ${this.#list} to match runs, got ${
      JSON.stringify(this.#wanted)
    }, which matches none. The runs have ${values}`;
  }
}

/** Maximum number of listed values. */
const MOST = 8;

function listed(values: ReadonlySet<string>): string {
  const shown = [...values].slice(0, MOST).join(", ");
  return values.size > MOST ? `${shown} and ${values.size - MOST} others` : shown;
}
