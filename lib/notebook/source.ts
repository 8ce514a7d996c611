/**
 * Conversion of cells to scripts that run as in Deno's kernel. `check_module.ts` converts cells for the type check.
 *
 * A cell runs as a script in V8's REPL mode, which allows `await` at the top level and redeclared names. Scripts cannot
 * contain imports, so imports become `const { name } = await import(…)`, as in the kernel.
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

/** Script of a cell. */
export interface Script {
  /** JavaScript of the script. */
  readonly code: string;
  /** Source map from the script to the cell, as JSON. */
  readonly map: string;
}

/**
 * Converts a cell to a script.
 *
 * @param base URL of the notebook, the base of relative imports.
 * @throws {UserError} If the cell contains an export or is nested too deeply.
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
