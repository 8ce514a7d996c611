/**
 * Documentation of the library in notebooks.
 *
 * @module
 */
import { didYouMean } from "../error/did_you_mean.ts";
import { greatest } from "../number/extent.ts";
import { UserError } from "../error/user_error.ts";
import { DATA_FIELDS } from "../options/data_fields.ts";
import { LOOP_FIELDS } from "../options/loop_fields.ts";
import { MODEL_FIELDS } from "../options/model_fields.ts";
import type { RunField } from "../options/run_field.ts";
import { lockArguments, PACKAGE_FOLDER } from "../file/package.ts";
import { RUN_FIELDS } from "../options/run_fields.ts";
import { TRAINER_FIELDS } from "../options/trainer_fields.ts";
import { WHOLE_FIELDS } from "../options/whole_fields.ts";

/** Folders that are subpaths of the package, in the order of the search for a name. */
const SUBPATHS = [
  ...["train", "model", "text", "tensorflow", "sweep", "run", "proof", "study", "cluster"],
  ...["record", "analysis", "figure", "notebook"],
];

/**
 * Prints the signature and the documentation of a public name of the library, like `deno doc`.
 *
 * @param name A function, class, type or method, such as `sweep`, `TrainerOptions` or `Trainer.step`. Default: prints a
 * list of all names of the root module.
 * @throws {UserError} If the library has no such name.
 */
export async function help(name?: string): Promise<void> {
  console.log(name === undefined ? await list() : await describe(name));
}

async function describe(name: string): Promise<string> {
  for (const module of ["mod", ...SUBPATHS.map((folder) => `${folder}/mod`)]) {
    const text = await denoDoc(["--filter", name, urlOf(module)]);
    const begin = text?.indexOf("Defined in ") ?? -1;
    if (begin >= 0) return withOptions(readable(text!.slice(begin)));
  }
  throw new UserError(
    `Cannot find documentation of ${name}: expected a name of the library${
      didYouMean(name, (await rootNames()).map(({ name }) => name))
    }. lk.help() lists the root module's names.`,
  );
}

/** Tables of options, by the name that types refer to. */
const OPTIONS: Readonly<Record<string, Readonly<Record<string, RunField>>>> = {
  ...{ DATA_FIELDS, LOOP_FIELDS, MODEL_FIELDS, RUN_FIELDS, TRAINER_FIELDS, WHOLE_FIELDS },
};

/** Appends the options of the tables that a type refers to, unless the type documents them itself. */
function withOptions(text: string): string {
  const tables = new Set(text.match(/\b[A-Z]+_FIELDS\b/g));
  const lines = [...tables].flatMap((name) => Object.entries(OPTIONS[name] ?? {}))
    .filter(([name]) => !text.includes(`readonly ${name}?:`))
    .map(([name, { doc, default: value, defaultDoc = JSON.stringify(value) }]) =>
      `  ${name}: ${doc}${defaultDoc === undefined ? "" : ` (default: ${defaultDoc})`}`
    );
  return lines.length === 0 ? text : `${text}\n\nOptions:\n${lines.join("\n")}`;
}

/** Removes file positions from documentation, and replaces links by names. */
function readable(text: string): string {
  return text.replaceAll(/^Defined in .*\n+/gm, "").replaceAll(/^private /gm, "").replaceAll(
    /\{@linkcode ([^}]+)\}/g,
    "`$1`",
  )
    .replaceAll(/\n{3,}/g, "\n\n").trim();
}

async function list(): Promise<string> {
  const names = await rootNames();
  const width = greatest(names.map(({ name }) => name.length));
  return names.map(({ name, doc }) => `${name.padEnd(width)}  ${doc}`.trimEnd()).join("\n");
}

/** Declaration in the JSON of `deno doc`. */
interface Documented {
  readonly name: string;
  readonly declarations: readonly { readonly jsDoc?: { readonly doc?: string } }[];
}

/** Returns the names of the root module, each with the first sentence of its documentation. */
async function rootNames(): Promise<{ name: string; doc: string }[]> {
  const text = await denoDoc(["--json", urlOf("mod")]);
  const nodes: Record<string, { symbols: Documented[] }> = JSON.parse(text ?? "{}").nodes ?? {};
  const symbols = Object.values(nodes).flatMap(({ symbols }) => symbols);
  return symbols.map(({ name, declarations }) => {
    const doc = declarations.find(({ jsDoc }) => jsDoc?.doc)?.jsDoc?.doc ?? "";
    return { name, doc: readable(doc).split(/(?<=\.)\s/)[0]!.replaceAll("\n", " ") };
  }).sort((a, b) => a.name.localeCompare(b.name, "en"));
}

const urlOf = (module: string): string => new URL(`../${module}.ts`, import.meta.url).href;

/** Runs `deno doc`. Returns undefined if nothing is found. */
async function denoDoc(args: readonly string[]): Promise<string | undefined> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", ...lockArguments(), ...args],
    ...PACKAGE_FOLDER !== undefined && { cwd: PACKAGE_FOLDER }, // its deno.json maps import specifiers
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    stdin: "null",
  }).output();
  return success ? new TextDecoder().decode(stdout) : undefined;
}
