/**
 * Environment variables for native code alone: set while it reads them, then put back, so that no child process and no
 * other code of this process sees them.
 *
 * @module
 */

/**
 * Runs `work` with environment variables set, then restores the former values. `work` must be synchronous: a child
 * process that starts meanwhile would inherit the variables.
 *
 * @param values Variables by name.
 * @param work The code; its result is returned.
 */
export function withVariables<R>(values: Readonly<Record<string, string>>, work: () => R): R {
  const former = Object.keys(values).map((name) => [name, Deno.env.get(name)] as const);
  for (const [name, value] of Object.entries(values)) Deno.env.set(name, value);
  try {
    return work();
  } finally {
    for (const [name, value] of former) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
  }
}

/** Keeps the variables that the user has not set. */
export function unset(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => Deno.env.get(name) === undefined));
}
