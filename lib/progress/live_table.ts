/**
 * Lines that are redrawn in place on a terminal and in a notebook. For other outputs, such as a file, only the last
 * line is written, at most every 5 seconds.
 *
 * @module
 */
import { colored, hasColor } from "../error/color.ts";
import { printable } from "../error/printable.ts";
import {
  type FrontEnd,
  frontEnd,
  NOTEBOOK_REDRAW,
  type NotebookDisplay,
  notebookDisplay,
} from "./front_end.ts";
import { terminalColumns, writeStderr } from "./progress.ts";
import { clip, fitLine, type NamedLine } from "./width.ts";

/** Display options of a table. */
export interface LiveTableOptions {
  /** Receives the text. Default: standard error. */
  readonly write?: ((text: string) => void) | undefined;
  /** True if the output is a terminal, where lines can be redrawn. Default: true if standard error is a terminal. */
  readonly isTerminal?: boolean | undefined;
  /** True to color failures and bars. Default: true if standard error shows colors and `write` is not given. */
  readonly hasColors?: boolean | undefined;
  /**
   * Notebook front end, used instead of `write`. Default: the front end of this notebook, or none if `write` is given.
   */
  readonly notebook?: FrontEnd | undefined;
  /** Returns the time in milliseconds. Default: `performance.now`. */
  readonly now?: (() => number) | undefined;
  /**
   * Returns the size of the terminal in columns and rows. Called at each redraw. Default: the size of this terminal.
   */
  readonly size?: (() => { columns: number; rows: number }) | undefined;
}

/** A table that is redrawn in place. */
export interface LiveTable {
  /**
   * Replaces the lines of the table.
   *
   * @param lines The new lines. The last line is the summary. A line that is too long is shortened to the terminal's
   * width.
   */
  update(lines: readonly (string | NamedLine)[]): void;
  /** Writes a separate line above the table. */
  log(line: string): void;
  /** Replaces the table with one final line. */
  finish(line: string): void;
}

/** Shortest time between two lines where redrawing is impossible, in milliseconds. */
const PLAIN = 5000;

/** Starts a table. A closed output causes no error. */
export function createLiveTable(options: LiveTableOptions = {}): LiveTable {
  const write = options.write ?? writeStderr;
  const isTerminal = options.isTerminal ?? Deno.stderr.isTerminal();
  const hasColors = options.hasColors ?? (options.write === undefined && hasColor("stderr"));
  const shade = (text: string) => hasColors ? colored(text) : text;
  const now = options.now ?? (() => performance.now());
  const size = options.size ?? terminalSize;
  const notebook = options.notebook ?? (options.write === undefined ? frontEnd() : undefined);
  if (notebook !== undefined) return notebookTable(notebookDisplay(notebook), now);
  let drawn = 0, told = -Infinity, last: readonly (string | NamedLine)[] = [];

  /** Returns the escape sequence that moves the cursor to the table's first line and clears the screen below. */
  const clear = (): string => drawn === 0 ? "" : `\x1b[${drawn}A\r\x1b[J`;
  const draw = (above = ""): void => {
    const { columns, rows } = size();
    // A wrapped line, or a table longer than the screen, cannot be redrawn in place: the final summary is kept.
    const shown = last.slice(-Math.max(1, rows - 2)).map((line) => shade(textOf(line, columns - 1)));
    write(`${clear()}${above}${shown.map((line) => `${line}\n`).join("")}`);
    drawn = shown.length;
  };
  return {
    update(lines) {
      last = lines;
      if (isTerminal) return draw();
      if (now() - told < PLAIN) return;
      told = now();
      write(`${textOf(lines.at(-1) ?? "")}\n`);
    },
    log(line) {
      const text = `${shade(printable(line))}\n`;
      if (isTerminal) draw(text);
      else write(text);
    },
    finish(line) {
      write(`${isTerminal ? clear() : ""}${shade(printable(line))}\n`);
      drawn = 0;
      last = [];
    },
  };
}

/** Returns a line as text without control characters, within a width if there is one. */
function textOf(line: string | NamedLine, columns: number = Infinity): string {
  return typeof line === "string" ? clip(printable(line), columns) : fitLine(line, columns);
}

/** Starts a table in a notebook's output. */
function notebookTable(display: NotebookDisplay, now: () => number): LiveTable {
  let shown = -Infinity;
  return {
    update(lines) {
      if (now() - shown < NOTEBOOK_REDRAW) return;
      shown = now();
      display.draw(lines.map((line) => textOf(line)).join("\n"));
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
