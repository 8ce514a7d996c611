/**
 * Environment variables for native code only. They are set while native code reads them, then restored. Child processes
 * and other code never see them.
 *
 * @module
 */

/**
 * Runs `work` with environment variables set, then restores their former values. `work` must be synchronous, because
 * a child process started meanwhile would inherit the variables.
 *
 * @param values Variables by name.
 * @param work The code to run.
 * @returns The result of `work`.
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

/** Returns the variables that the user has not set. */
export function unset(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => Deno.env.get(name) === undefined));
}
