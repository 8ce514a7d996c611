/**
 * Type check of notebooks' cells with `deno check`, one module per notebook.
 *
 * @module
 */
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { watchSignals } from "../error/signals.ts";
import { EXIT, UserError } from "../error/user_error.ts";
import { configArguments, lockArguments, packageFolder } from "../file/package.ts";
import type { CodeCell } from "./_cell.ts";
import { checkModuleOf, syntaxProblems } from "./check_module.ts";

/**
 * Paragraphs of a report that are not problems of cells: counts, and errors on namespaces and `declare` in the generated
 * blocks.
 */
const NO_PROBLEM =
  /^(Found \d+ error|error: Type checking failed|Stack backtrace|TS1235 |TS1184 [^\n]*\n\s*declare\b)/;

/** Notebook to check. */
export interface CheckedNotebook {
  /** Path of the notebook, the base of relative imports. */
  readonly path: string;
  /** Code cells in order. */
  readonly cells: readonly CodeCell[];
}

/**
 * Checks the types of all cells of the notebooks.
 *
 * @returns Descriptions of the problems, each with notebook, cell and line. Empty without problems.
 * @throws {UserError} If cells cannot be combined (see {@linkcode checkModuleOf}), or the user presses Ctrl-C.
 */
export async function typeProblems(notebooks: readonly CheckedNotebook[]): Promise<string[]> {
  const wrong = notebooks.flatMap(({ cells }) => cells.flatMap(syntaxProblems));
  if (wrong.length > 0) return wrong;
  // Handles signals, which would otherwise end the process before the folder is removed.
  using interruption = watchSignals();
  const root = packageFolder("check notebooks");
  const folder = await Deno.makeTempDir({ prefix: "losskit-check-" });
  try {
    const checked = notebooks.map(({ path, cells }, i) => {
      const module = checkModuleOf(cells, pathToFileURL(resolve(path)));
      const file = join(folder, `notebook_${i}.ts`);
      Deno.writeTextFileSync(file, module.text);
      return { path, cells, module, url: pathToFileURL(file).href };
    });
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["check", "--quiet", ...configArguments(root), ...lockArguments(root)],
        ...checked.map(({ url }) => url),
      ],
      env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", RUST_BACKTRACE: "0" },
      cwd: root,
      stdin: "null",
      signal: interruption.requested,
    }).output();
    if (interruption.requested.aborted) {
      throw new UserError("Cannot check the notebooks: interrupted. Repeat the command.", {
        exitCode: EXIT.stopped,
      });
    }
    if (success) return [];
    let report = new TextDecoder().decode(stderr);
    for (const { cells, path, module, url } of checked) {
      report = report.replaceAll(
        new RegExp(`${RegExp.escape(url)}(?::(\\d+):(\\d+))?`, "g"),
        (_, line, column) => {
          const place = line === undefined ? undefined : module.lines[Number(line)];
          return place === undefined ? path : `${cells[place.cell]!.name}, line ${place.line}:${column}`;
        },
      );
    }
    // Each problem is a paragraph. The count of problems is another paragraph.
    return report.trim().split(/\n\n+/).filter((part) => !NO_PROBLEM.test(part));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
