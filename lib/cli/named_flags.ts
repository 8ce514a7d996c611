/**
 * Names of flags in errors about the fields that flags set.
 *
 * @module
 */
import { clauseOf } from "../error/clause.ts";
import { UserError } from "../error/user_error.ts";
import { RUN_FIELD_ENTRIES } from "../options/run_fields.ts";
import { type Fields, flagOf, runFieldsOf } from "./run_flags.ts";

/** Name of a spec that flags alone state. */
export const COMMAND_LINE = "the command line";

/**
 * Calls a function that checks a spec. If it refuses the spec because of fields that the user's flags set, the error
 * names these flags, and says which flags to change.
 *
 * @param options `source`: name of the spec in errors, {@linkcode COMMAND_LINE} or a path. `flags`: parsed options of
 * the command. `fields`: fields that have flags. Default: all fields of a run.
 * @param check Checks the spec, and does the rest of the command.
 */
export async function namingFlags<Result>(
  { source, flags, fields = RUN_FIELD_ENTRIES }: {
    source: string;
    flags: Readonly<Record<string, unknown>>;
    fields?: Fields | undefined;
  },
  check: () => Promise<Result>,
): Promise<Result> {
  const start = `Cannot use ${source}: `;
  try {
    return await check();
  } catch (cause) {
    if (!(cause instanceof UserError) || !cause.message.startsWith(start)) throw cause;
    const reason = cause.message.slice(start.length);
    const named = fields.filter(([name, field]) =>
      field.flag !== undefined && namesOf(name).some((one) => new RegExp(`\\b${one}\\b`).test(reason))
    );
    // Layers and classes of overrides have names that fields have too, such as loss.
    const ofOverrides = named.filter(([name]) => name === "overrides");
    const mentioned = ofOverrides.length > 0 ? ofOverrides : named;
    const given = mentioned.filter(([name]) => Object.hasOwn(runFieldsOf(flags, fields), name));
    if (given.length === 0) throw cause;
    const [used, all] = [given, mentioned].map((some) =>
      some.map(([name, field]) => flagOf(name, field).split(" ")[0]!)
    );
    const what = `${source === COMMAND_LINE ? "" : `${source} with `}${used!.join(" and ")}`;
    // A reason of two sentences ends with a remedy.
    const remedy = /\. [A-Z]/.test(reason) ? "" : `. Change ${all!.join(" or ")}`;
    throw new UserError(`Cannot use ${what}: ${clauseOf(reason)}${remedy}.`, { cause });
  }
}

/** Returns the names that errors use for a field: of a single value, and of a list of values. */
function namesOf(name: string): string[] {
  const [single, field] = RUN_FIELD_ENTRIES.find(([one, { list }]) => one === name || list?.name === name)!;
  return [single, ...field.list === undefined ? [] : [field.list.name]];
}
