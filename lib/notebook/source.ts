/**
 * Cells as programs that run in the way of Deno's kernel. Their type check is in `check_module.ts`.
 *
 * A cell is run as a script of V8's REPL mode: `await` at its top, and names that a later cell may declare again. A script
 * has no imports, so they become `const { name } = await import(…)`, as in the kernel.
 *
 * @module
 */
import ts from "typescript";
import {
  apply,
  type CodeCell,
  constOf,
  dynamicImports,
  importsOf,
  MODULE_END,
  parse,
  programOf,
  spanOf,
  walking,
} from "./_cell.ts";

/** A cell as it is run. */
export interface Script {
  /** JavaScript. */
  readonly code: string;
  /** Its source map, as JSON: where a line of it was in the cell. */
  readonly map: string;
}

/**
 * The script of a cell.
 *
 * @param base URL of the notebook, from which relative imports go.
 * @throws {UserError} where it exports, which no cell can.
 */
export function scriptOf(cell: CodeCell, base: URL): Script {
  return walking(cell, () => transpiled(cell, base));
}

function transpiled(cell: CodeCell, base: URL): Script {
  const program = programOf(cell), file = parse(program);
  const edits = importsOf(file, cell).map((node) => {
    const lines = node.getText(file).split("\n").length;
    return { ...spanOf(node, file), text: constOf(node, base) + "\n".repeat(lines - 1) };
  });
  const text = apply(program, [...edits, ...dynamicImports(file, base, { wrap: true })]);
  const { outputText, sourceMapText } = ts.transpileModule(`${text}\n${MODULE_END}`, {
    compilerOptions: {
      target: ts.ScriptTarget.ESNext,
      module: ts.ModuleKind.ESNext,
      sourceMap: true,
      useDefineForClassFields: true,
    },
  });
  const code = outputText.replace(/\n?\/\/# sourceMappingURL=.*\s*$/, "").replace(/export \{\};\s*$/, "");
  return { code, map: sourceMapText! };
}
