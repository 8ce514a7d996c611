/**
 * Temporary environment variables, for native code that reads them at once and for child processes.
 *
 * @module
 */

/**
 * Runs `work` with environment variables set, then restores their former values. Child processes that start meanwhile
 * inherit the variables.
 *
 * @param values Values by name of the variable.
 * @param work The code to run. If it returns a promise, the values are restored when the promise settles.
 * @returns The result of `work`.
 */
export function withVariables<R>(values: Readonly<Record<string, string>>, work: () => R): R {
  const former = Object.keys(values).map((name) => [name, Deno.env.get(name)] as const);
  const restore = () => {
    for (const [name, value] of former) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
  };
  for (const [name, value] of Object.entries(values)) Deno.env.set(name, value);
  let result: R;
  try {
    result = work();
  } catch (error) {
    restore();
    throw error;
  }
  if (result instanceof Promise) return result.finally(restore) as R;
  restore();
  return result;
}

/** Returns those of the given variables that the user has not set. */
export function unset(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => Deno.env.get(name) === undefined));
}
