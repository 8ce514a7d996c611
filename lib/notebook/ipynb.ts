/**
 * Reading and writing of notebook files, nbformat 4.5. The same notebook is always written with the same bytes.
 *
 * @module
 */
import * as v from "valibot";
import { describeIssue } from "../error/schema_issue.ts";
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

/** Text in nbformat: a string, or a list of lines with their line ends. */
export type MultilineText = string | string[];

/** Output of a cell: text of a stream, a MIME bundle, or an error. */
export interface Output {
  /** `stream`, `display_data`, `execute_result` or `error`. */
  readonly output_type: string;
  /** Further fields that nbformat defines for the type. */
  readonly [field: string]: unknown;
}

/** A cell of a notebook. Only code cells have `outputs` and `execution_count`. */
export interface Cell {
  /** Kind of the cell. */
  cell_type: "code" | "markdown" | "raw";
  /** ID of the cell, unique in the notebook. */
  id: string;
  /** Metadata, including `tags`. */
  metadata: Record<string, unknown>;
  /** Text of the cell. */
  source: MultilineText;
  /** Outputs of the last execution. */
  outputs?: Output[] | undefined;
  /** Position of the cell in the order of execution, from 1. Null before the first execution. */
  execution_count?: number | null | undefined;
}

/** Content of a notebook file. */
export interface Notebook {
  /** Cells in order. */
  cells: Cell[];
  /** Metadata: kernel, language, and losskit's fields under `losskit`. */
  metadata: Record<string, unknown>;
  /** Major version of the format. */
  nbformat: 4;
  /** Minor version of the format. At least 5, because cells need IDs. */
  nbformat_minor: number;
}

/**
 * Reads a notebook.
 *
 * @throws {UserError} If the file cannot be read, is not a notebook of nbformat 4.5 or later, repeats a cell ID, or is not in
 * TypeScript.
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
      `Cannot read the notebook ${path}: expected nbformat 4.5 or later, got another file: ${
        describeIssue(issue, "the file")
      }.`,
    );
  }
  const notebook = json as Notebook; // Valibot's output lacks keys such as "constructor".
  const twice = notebook.cells.find(({ id }, i) => notebook.cells.findIndex((cell) => cell.id === id) < i);
  if (twice !== undefined) {
    throw new UserError(
      `Cannot read the notebook ${path}: expected distinct cell IDs, got two cells "${twice.id}".`,
    );
  }
  const { language } = (notebook.metadata["kernelspec"] ?? {}) as { language?: unknown };
  if (language !== undefined && language !== "typescript") {
    throw new UserError(
      `Cannot use the notebook ${path}: expected the language typescript, got ${JSON.stringify(language)}.`,
    );
  }
  return notebook;
}

/** Returns the text of a cell or an output as one string. */
export function joined(text: MultilineText): string {
  return typeof text === "string" ? text : text.join("");
}

/** Splits text into lines that keep their line ends. Jupyter stores text in this form for readable diffs. */
export function inLines(text: string): string[] {
  return text === "" ? [] : text.split(/(?<=\n)/);
}

/** Returns true if a cell has a tag. */
export function hasTag({ metadata }: Cell, tag: string): boolean {
  return Array.isArray(metadata["tags"]) && metadata["tags"].includes(tag);
}

/** Returns the text of a notebook's file: sorted keys, indented by one space per level, as Jupyter writes it. */
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
