/**
 * Some lines that are redrawn in place on a terminal and in a notebook; elsewhere only the last of them, now and then.
 *
 * @module
 */
import { printable } from "../error/printable.ts";
import {
  type FrontEnd,
  frontEnd,
  NOTEBOOK_REDRAW,
  type NotebookDisplay,
  notebookDisplay,
} from "./front_end.ts";
import { terminalColumns, writeStderr } from "./progress.ts";

/** How a table is shown. */
export interface LiveTableOptions {
  /** Where text goes. Default: standard error. */
  readonly write?: ((text: string) => void) | undefined;
  /** Whether lines may be redrawn. Default: whether standard error is a terminal. */
  readonly isTerminal?: boolean | undefined;
  /** Where a notebook shows it, in the place of `write`. Default: this notebook's front end, unless `write` is given. */
  readonly notebook?: FrontEnd | undefined;
  /** The time in milliseconds. Default: `performance.now`. */
  readonly now?: (() => number) | undefined;
  /** Columns and rows of the terminal, asked at each redraw. Default: standard error's. */
  readonly size?: (() => { columns: number; rows: number }) | undefined;
}

/** A table that is redrawn. */
export interface LiveTable {
  /** Shows lines in place of those before; the last one sums them up. */
  update(lines: readonly string[]): void;
  /** Writes a line of its own above the table. */
  log(line: string): void;
  /** Leaves one last line in place of the table. */
  finish(line: string): void;
}

/** Shortest time between two lines where nothing can be redrawn, in milliseconds. */
const PLAIN = 5000;

/** Starts a table. It never throws where standard error is closed. */
export function createLiveTable(options: LiveTableOptions = {}): LiveTable {
  const write = options.write ?? writeStderr;
  const isTerminal = options.isTerminal ?? Deno.stderr.isTerminal();
  const now = options.now ?? (() => performance.now());
  const size = options.size ?? terminalSize;
  const notebook = options.notebook ?? (options.write === undefined ? frontEnd() : undefined);
  if (notebook !== undefined) return notebookTable(notebookDisplay(notebook), now);
  let drawn = 0, told = -Infinity, last: readonly string[] = [];

  /** What takes the cursor to the table's first line, and everything from there off the screen. */
  const clear = (): string => drawn === 0 ? "" : `\x1b[${drawn}A\r\x1b[J`;
  const draw = (above = ""): void => {
    const { columns, rows } = size();
    // A line that wraps, or a table longer than the screen, cannot be redrawn in place: the sum at its end stays.
    const shown = last.slice(-Math.max(1, rows - 2)).map((line) => printable(line).slice(0, columns - 1));
    write(`${clear()}${above}${shown.map((line) => `${line}\n`).join("")}`);
    drawn = shown.length;
  };
  return {
    update(lines) {
      last = lines;
      if (isTerminal) return draw();
      if (now() - told < PLAIN) return;
      told = now();
      write(`${printable(lines.at(-1) ?? "")}\n`);
    },
    log(line) {
      if (isTerminal) draw(`${printable(line)}\n`);
      else write(`${printable(line)}\n`);
    },
    finish(line) {
      write(`${isTerminal ? clear() : ""}${printable(line)}\n`);
      drawn = 0;
      last = [];
    },
  };
}

/** A table in a notebook's output. */
function notebookTable(display: NotebookDisplay, now: () => number): LiveTable {
  let shown = -Infinity;
  return {
    update(lines) {
      if (now() - shown < NOTEBOOK_REDRAW) return;
      shown = now();
      display.draw(lines.map(printable).join("\n"));
    },
    log: (line) => display.log(printable(line)),
    finish: (line) => display.draw(printable(line)),
  };
}

function terminalSize(): { columns: number; rows: number } {
  try {
    return { columns: terminalColumns(), rows: Deno.consoleSize().rows || 24 };
  } catch {
    return { columns: terminalColumns(), rows: 24 };
  }
}
