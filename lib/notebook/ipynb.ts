/**
 * Notebook files, nbformat 4.5: read with their mistakes named, written the same way each time.
 *
 * @module
 */
import * as v from "valibot";
import { UserError } from "../error/user_error.ts";
import { readJsonFile } from "../file/json.ts";

const text = v.union([v.string(), v.array(v.string())]);
const metadata = v.record(v.string(), v.unknown());
const sources = v.looseObject({ cells: v.string(), lib: v.string(), reads: v.string() });
const notebookMetadata = v.looseObject({
  kernelspec: v.nullish(v.looseObject({})),
  losskit: v.nullish(
    v.looseObject({ reads: v.optional(v.array(v.string())), sha256: v.optional(v.partial(sources)) }),
  ),
});
const outputSchema = v.looseObject({ output_type: v.string() });
const cellSchema = v.looseObject({
  cell_type: v.picklist(["code", "markdown", "raw"]),
  id: v.pipe(v.string(), v.regex(/^[a-zA-Z0-9_-]{1,64}$/)),
  metadata,
  source: text,
  outputs: v.optional(v.array(outputSchema)),
  execution_count: v.optional(v.nullable(v.number())),
});
const notebookSchema = v.looseObject({
  cells: v.array(cellSchema),
  metadata: notebookMetadata,
  nbformat: v.literal(4),
  nbformat_minor: v.pipe(v.number(), v.minValue(5)),
});

/** Text as nbformat has it: whole, or in lines that keep their ends. */
export type MultilineText = string | string[];

/** What a cell shows: a stream, data by MIME type, or an error. */
export interface Output {
  /** `stream`, `display_data`, `execute_result` or `error`. */
  readonly output_type: string;
  /** What else nbformat has for its type. */
  readonly [field: string]: unknown;
}

/** A cell; `outputs` and `execution_count` are those of code cells. */
export interface Cell {
  /** Its kind. */
  cell_type: "code" | "markdown" | "raw";
  /** Its name in the notebook, which stays. */
  id: string;
  /** Its metadata, `tags` among them. */
  metadata: Record<string, unknown>;
  /** Its text. */
  source: MultilineText;
  /** What it showed. */
  outputs?: Output[] | undefined;
  /** Its place in the order of execution. */
  execution_count?: number | null | undefined;
}

/** A notebook. */
export interface Notebook {
  /** In order. */
  cells: Cell[];
  /** The kernel, the language, and what losskit notes under `losskit`. */
  metadata: Record<string, unknown>;
  /** 4. */
  nbformat: 4;
  /** At least 5, where cells have ids. */
  nbformat_minor: number;
}

/**
 * Reads a notebook.
 *
 * @throws {UserError} when there is no such file, or it is no notebook in TypeScript with one id a cell.
 */
export function readNotebook(path: string): Notebook {
  let json: unknown;
  try {
    json = readJsonFile(path, { anyKey: true });
  } catch (error) {
    throw new UserError(`Cannot read the notebook ${path}: ${(error as Error).message}`, { cause: error });
  }
  const parsed = v.safeParse(notebookSchema, json);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw new UserError(
      `Cannot read the notebook ${path}: it must be nbformat 4.5 or later: ${v.getDotPath(issue) ?? "it"}: ` +
        issue.message,
    );
  }
  const notebook = json as Notebook; // as it is: valibot leaves out keys such as "constructor"
  const twice = notebook.cells.find(({ id }, i) => notebook.cells.findIndex((cell) => cell.id === id) < i);
  if (twice !== undefined) {
    throw new UserError(`Cannot read the notebook ${path}: ids must differ: two cells are "${twice.id}"`);
  }
  const { language } = (notebook.metadata["kernelspec"] ?? {}) as { language?: unknown };
  if (language !== undefined && language !== "typescript") {
    throw new UserError(
      `Cannot use the notebook ${path}: its language must be typescript: it is ${JSON.stringify(language)}`,
    );
  }
  return notebook;
}

/** Text of a cell or an output in one piece. */
export function joined(text: MultilineText): string {
  return typeof text === "string" ? text : text.join("");
}

/** Text in lines, as nbformat keeps it, so that a change is a change of lines. */
export function inLines(text: string): string[] {
  return text === "" ? [] : text.split(/(?<=\n)/);
}

/** Whether a cell has a tag. */
export function hasTag({ metadata }: Cell, tag: string): boolean {
  return Array.isArray(metadata["tags"]) && metadata["tags"].includes(tag);
}

/** A notebook as its file: keys in order, one space a level, as Jupyter's own writer has it. */
export function formatNotebook(notebook: Notebook): string {
  const cells = notebook.cells.map((cell) => ({ ...cell, source: inLines(joined(cell.source)) }));
  return `${JSON.stringify(sorted({ ...notebook, cells }), null, 1)}\n`;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(
    entries.sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0).map(([key, inner]) => [key, sorted(inner)]),
  );
}
