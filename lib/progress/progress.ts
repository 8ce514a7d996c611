/**
 * A progress line with the estimated time left. The line is redrawn in place on a terminal and in a notebook. For other
 * outputs, such as a file, a new line is written at most every 5 seconds.
 *
 * @module
 */
import { printable, printableLines } from "../error/printable.ts";
import { type FrontEnd, frontEnd, NOTEBOOK_REDRAW, notebookDisplay } from "./front_end.ts";
import { TimeLeft } from "./time_left.ts";
import { clip, widthOf } from "./width.ts";

/** Unit of the counted items. */
export type Unit = "bytes" | "steps" | "runs";

/** Display options of a progress line. */
export interface ProgressOptions {
  /** Name of the work, such as `fetching libtensorflow`. */
  label: string;
  /** Total number of items. Default: unknown. The time left is then not shown. */
  total?: number;
  /** Unit of the counted items. */
  unit: Unit;
  /** Receives the text. Default: standard error. */
  write?: (text: string) => void;
  /** True if the output is a terminal, where the line can be redrawn. Default: true if standard error is a terminal. */
  isTerminal?: boolean;
  /**
   * Notebook front end, used instead of `write`. Default: the front end of this notebook, or none if `write` is given.
   */
  notebook?: FrontEnd | undefined;
  /** Returns the time in milliseconds. Default: `performance.now`. */
  now?: () => number;
  /**
   * Returns the width of the terminal in columns. Called at each redraw. Default: this terminal's width, or 80 if
   * unknown.
   */
  columns?: () => number;
}

/** A progress display. */
export interface Progress {
  /**
   * Updates the display.
   *
   * @param done Number of finished items.
   * @param note Text after the progress, such as the loss. Default: none.
   */
  update(done: number, note?: string): void;
  /** Writes a separate line above the display. */
  log(line: string): void;
  /**
   * Ends the display with a final line.
   *
   * @param note Text after the progress. Default: the last note.
   */
  finish(note?: string): void;
}

/** Shortest time between two redraws on a terminal, and between two plain lines, in milliseconds. */
const REDRAW = 100, PLAIN = 5000;

/** Starts a display. A closed output causes no error. */
export function createProgress(options: ProgressOptions): Progress {
  const { label, total, unit } = options;
  const write = options.write ?? writeStderr;
  const isTerminal = options.isTerminal ?? Deno.stderr.isTerminal();
  const notebook = options.notebook ?? (options.write === undefined ? frontEnd() : undefined);
  const show = notebook === undefined ? undefined : notebookDisplay(notebook);
  const every = show !== undefined ? NOTEBOOK_REDRAW : isTerminal ? REDRAW : PLAIN;
  const now = options.now ?? (() => performance.now());
  const columns = options.columns ?? terminalColumns;
  const timeLeft = new TimeLeft();
  let shown = -Infinity, width = 0, done = 0, lastNote = "", seconds: number | undefined;

  const text = (ended: boolean): string => {
    const count = unit === "bytes"
      ? `${formatBytes(done)}${total === undefined ? "" : ` of ${formatBytes(total)}`}`
      : `${done}${total === undefined ? "" : ` of ${total}`} ${unit}`;
    const left = !ended && seconds !== undefined ? `, ${formatDuration(seconds)} left` : "";
    return printable(`${label}: ${count}${left}${lastNote && ` · ${lastNote}`}`);
  };
  const draw = (ended = false): void => {
    shown = now();
    if (show !== undefined) return show.draw(text(ended));
    if (!isTerminal) return write(`${text(ended)}\n`);
    const room = columns() - 1; // a line that wraps or fills the last column cannot be redrawn in place
    const line = clip(text(ended), room);
    const columnsUsed = widthOf(line);
    write(`\r${line}${" ".repeat(Math.max(0, Math.min(width, room) - columnsUsed))}${ended ? "\n" : ""}`);
    width = columnsUsed;
  };
  return {
    update(count, note) {
      done = count;
      if (total !== undefined) seconds = timeLeft.estimate(done, total, now());
      if (note !== undefined) lastNote = note;
      if (now() - shown >= every) draw();
    },
    log(text) {
      const line = printableLines(text);
      if (show !== undefined) return show.log(line);
      if (!isTerminal) return write(`${line}\n`);
      write(`\r${" ".repeat(Math.min(width, columns() - 1))}\r${line}\n`);
      draw();
    },
    finish(note) {
      if (note !== undefined) lastNote = note;
      draw(true);
    },
  };
}

/** Returns the width of the terminal in columns, or 80 if unknown. */
export function terminalColumns(): number {
  try {
    return Deno.consoleSize().columns || 80;
  } catch {
    return 80;
  }
}

/** Writes a text to standard error. A closed standard error causes no error. */
export function writeStderr(text: string): void {
  try {
    Deno.stderr.writeSync(new TextEncoder().encode(text));
  } catch {
    // Standard error is closed: a progress display must not fail the run.
  }
}

/** Formats a number of bytes with decimal prefixes, such as `1.5 MB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes, i = 0;
  while (value >= 1000 && i < units.length - 1) {
    value /= 1000;
    i++;
  }
  return `${i === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[i]}`;
}

/** Formats a duration in seconds, such as `45 s`, `2 min 5 s` or `3 h 20 min`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor(whole % 3600 / 60)} min`;
}
