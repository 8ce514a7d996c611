/**
 * Outputs of cells, collected as in a Jupyter front end.
 *
 * @module
 */
import { inLines, type Output } from "./ipynb.ts";

/** Data by MIME type. */
export type MimeBundle = Readonly<Record<string, unknown>>;

/** Content of a display message: MIME bundle, metadata and display ID. */
export interface DisplayContent {
  /** Data by MIME type. */
  readonly data: MimeBundle;
  /** Metadata by MIME type. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Display ID. Later data with the same ID replaces this data. */
  readonly transient?: { readonly display_id?: string };
}

/** Output that may still grow. */
type Entry =
  | { readonly kind: "stream"; readonly name: string; text: string }
  | {
    readonly kind: "data";
    readonly id: string | undefined;
    content: DisplayContent;
    readonly count?: number;
  };

/** Outputs of all cells of a notebook. */
export class OutputStore {
  readonly #cells: Entry[][];
  readonly #clearing = new Set<number>();

  /** @param cells Number of code cells. */
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

  /** Adds a MIME bundle to a cell's outputs. */
  display(cell: number, content: DisplayContent): void {
    this.#of(cell).push({ kind: "data", id: content.transient?.display_id, content });
  }

  /** Adds a cell's value to its outputs. */
  result(cell: number, data: MimeBundle): void {
    this.#of(cell).push({ kind: "data", id: undefined, content: { data }, count: cell + 1 });
  }

  /**
   * Replaces the data of all outputs with the same display ID, in any cell.
   *
   * @throws {Error} If the ID is unknown.
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
      throw new Error(
        `Cannot update the display ${
          JSON.stringify(id)
        }: expected the ID of an earlier display, got a new one.`,
      );
    }
  }

  /** Clears a cell's outputs. If `wait` is true, clears them only when the next output arrives. */
  clear(cell: number, wait: boolean): void {
    if (wait) this.#clearing.add(cell);
    else this.#cells[cell] = [];
  }

  /** Returns the outputs of each cell in nbformat. */
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

/** Returns true for MIME types that nbformat stores as lines: text, and images in text formats. */
function isText(mime: string): boolean {
  return mime.startsWith("text/") || mime === "image/svg+xml" || mime === "application/javascript";
}
