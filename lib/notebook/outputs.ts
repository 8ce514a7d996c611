/**
 * What cells show, kept as a Jupyter front end keeps it.
 *
 * @module
 */
import { inLines, type Output } from "./ipynb.ts";

/** Data by MIME type. */
export type MimeBundle = Readonly<Record<string, unknown>>;

/** Data by MIME type, and what nbformat has beside it. */
export interface DisplayContent {
  /** The data. */
  readonly data: MimeBundle;
  /** By MIME type. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Where it is shown: later data of the same id takes its place. */
  readonly transient?: { readonly display_id?: string };
}

/** One output, still growing. */
type Entry =
  | { readonly kind: "stream"; readonly name: string; text: string }
  | {
    readonly kind: "data";
    readonly id: string | undefined;
    content: DisplayContent;
    readonly count?: number;
  };

/** The outputs of all cells of a notebook. */
export class OutputStore {
  readonly #cells: Entry[][];
  readonly #clearing = new Set<number>();

  /** @param cells How many code cells there are. */
  constructor(cells: number) {
    this.#cells = Array.from({ length: cells }, () => []);
  }

  /** Adds text to a cell's stream, `stdout` or `stderr`. */
  stream(cell: number, name: string, text: string): void {
    const entries = this.#of(cell);
    const last = entries.at(-1);
    if (last?.kind === "stream" && last.name === name) last.text += text;
    else if (text !== "") entries.push({ kind: "stream", name, text });
  }

  /** Adds data to a cell. */
  display(cell: number, content: DisplayContent): void {
    this.#of(cell).push({ kind: "data", id: content.transient?.display_id, content });
  }

  /** Adds a cell's value. */
  result(cell: number, data: MimeBundle): void {
    this.#of(cell).push({ kind: "data", id: undefined, content: { data }, count: cell + 1 });
  }

  /**
   * Puts data in the place of all that was shown under its id, in whatever cell.
   *
   * @throws {Error} when nothing was: a front end would show nothing.
   */
  update(content: DisplayContent): void {
    const id = content.transient?.display_id;
    let found = false;
    for (const entry of this.#cells.flat()) {
      if (entry.kind !== "data" || id === undefined || entry.id !== id) continue;
      entry.content = content;
      found = true;
    }
    if (!found) {
      throw new Error(`Cannot update the display ${JSON.stringify(id)}: wanted the id of one shown before`);
    }
  }

  /** Clears a cell's outputs; `wait`: when the next one comes. */
  clear(cell: number, wait: boolean): void {
    if (wait) this.#clearing.add(cell);
    else this.#cells[cell] = [];
  }

  /** The outputs by cell, as nbformat has them. */
  toOutputs(): Output[][] {
    return this.#cells.map((entries) => entries.map(toOutput));
  }

  #of(cell: number): Entry[] {
    if (this.#clearing.delete(cell)) this.#cells[cell] = [];
    return this.#cells[cell]!;
  }
}

function toOutput(entry: Entry): Output {
  if (entry.kind === "stream") {
    return { output_type: "stream", name: entry.name, text: inLines(entry.text) };
  }
  const { content: { data, metadata = {} }, count } = entry;
  const type = count === undefined ? { output_type: "display_data" } : {
    output_type: "execute_result",
    execution_count: count,
  };
  const inText = Object.entries(data).map(([mime, value]) => [
    mime,
    typeof value === "string" && isText(mime) ? inLines(value) : value,
  ]);
  return { ...type, data: Object.fromEntries(inText), metadata };
}

/** Whether nbformat keeps data of this type in lines: text, and images that are text. */
function isText(mime: string): boolean {
  return mime.startsWith("text/") || mime === "image/svg+xml" || mime === "application/javascript";
}
