/**
 * Syntax of a cell: its program, its imports, and edits of its text. `source.ts` and `check_module.ts` build scripts and
 * modules from cells.
 *
 * @module
 */
import ts from "typescript";
import { UserError } from "../error/user_error.ts";
import { RUNNER_KEY } from "./job.ts";

/** A code cell. */
export interface CodeCell {
  /** Notebook, position and ID of the cell, for errors, such as `notebooks/x.ipynb, cell 3 (loss-05)`. */
  readonly name: string;
  /** TypeScript source of the cell. */
  readonly text: string;
}

/** Range of a cell's text, and its replacement. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Statement that makes a text a module. Only modules allow `await` at the top level. */
export const MODULE_END = "export {};";

/**
 * Returns the program of a cell. The program is the cell's text, in parentheses if Deno's kernel interprets the text as
 * an object and not as a block.
 *
 * Source: `evaluate_line_with_object_wrapping` of Deno's REPL session.
 */
export function programOf({ text }: CodeCell): string {
  if (!text.trimStart().startsWith("{") || text.trimEnd().endsWith(";")) return text;
  const wrapped = `(${text})`;
  return syntaxErrors(wrapped).length === 0 ? wrapped : text;
}

/** Returns the syntax errors of a program. */
export function syntaxErrors(program: string): readonly ts.Diagnostic[] {
  const { diagnostics = [] } = ts.transpileModule(`${program}\n${MODULE_END}`, {
    reportDiagnostics: true,
    compilerOptions: { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext },
  });
  return diagnostics.filter(({ start }) => start !== undefined);
}

/** Parses a cell's program. */
export function parse(program: string): ts.SourceFile {
  return ts.createSourceFile("cell.ts", `${program}\n${MODULE_END}`, ts.ScriptTarget.ESNext, true);
}

/**
 * Runs a function that recurses into a cell's syntax tree, and returns its result.
 *
 * @throws {UserError} If the stack overflows because the code is nested too deeply.
 */
export function walking<R>(cell: CodeCell, work: () => R): R {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UserError(
      `Cannot read ${cell.name}: expected code with less nesting, got code too deep to parse.`,
      {
        cause: error,
      },
    );
  }
}

/** Returns the start and end of a syntax node, without the comments before the node. */
export function spanOf(node: ts.Node, file: ts.SourceFile): { start: number; end: number } {
  return { start: node.getStart(file), end: node.end };
}

/**
 * Returns the imports of a parsed cell.
 *
 * @throws {UserError} If the cell contains an export or `import … =`.
 */
export function importsOf(file: ts.SourceFile, cell: CodeCell): ts.ImportDeclaration[] {
  // The last statement is the one added by `parse`.
  return file.statements.slice(0, -1).flatMap((statement) => {
    const exports = ts.isExportDeclaration(statement) || ts.isExportAssignment(statement) ||
      ts.canHaveModifiers(statement) &&
        ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
    if (exports || ts.isImportEqualsDeclaration(statement)) {
      const line = file.getLineAndCharacterOfPosition(statement.getStart(file)).line + 1;
      throw new UserError(
        `Cannot run ${cell.name}: expected no export and no "import … =", got one in line ${line}. ` +
          "Declare the name without them: later cells can use it.",
      );
    }
    return ts.isImportDeclaration(statement) ? [statement] : [];
  });
}

function absolute(specifier: string, base: URL): string {
  return /^\.{0,2}\//.test(specifier) ? new URL(specifier, base).href : specifier;
}

/** Returns the specifier of an import as a string literal. Relative specifiers are resolved against `base`. */
export function specifierOf(node: ts.ImportDeclaration, base: URL): string {
  return JSON.stringify(absolute((node.moduleSpecifier as ts.StringLiteral).text, base));
}

/** Returns an import as a `const` declaration, or as an empty statement if it imports only types. */
export function constOf(node: ts.ImportDeclaration, base: URL): string {
  const { importClause: clause, attributes } = node;
  const options = attributes === undefined
    ? ""
    : `, { with: { ${attributes.elements.map((element) => element.getText()).join(", ")} } }`;
  const call = `await import(${specifierOf(node, base)}${options})`;
  if (clause === undefined) return `${call};`;
  if (clause.isTypeOnly) return ";";
  const { name, namedBindings: bindings } = clause;
  const names = name === undefined ? [] : [`default: ${name.text}`];
  if (bindings !== undefined && ts.isNamedImports(bindings)) {
    for (const { isTypeOnly, propertyName, name } of bindings.elements) {
      if (!isTypeOnly) {
        names.push(propertyName === undefined ? name.text : `${propertyName.getText()}: ${name.text}`);
      }
    }
  }
  const whole = bindings !== undefined && ts.isNamespaceImport(bindings)
    ? `const ${bindings.name.text} = ${call};`
    : "";
  return `${names.length > 0 ? `const { ${names.join(", ")} } = ${call};` : ""}${whole}` || ";";
}

/**
 * Returns edits that resolve the specifiers of `import(…)` in a cell. If `wrap` is true, specifiers that are not
 * literals are resolved at run time.
 */
export function dynamicImports(file: ts.SourceFile, base: URL, { wrap }: { wrap: boolean }): Edit[] {
  const edits: Edit[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [wanted] = node.arguments;
      if (wanted !== undefined && ts.isStringLiteralLike(wanted)) {
        edits.push({ ...spanOf(wanted, file), text: JSON.stringify(absolute(wanted.text, base)) });
      } else if (wanted !== undefined && wrap) {
        const { start, end } = spanOf(wanted, file);
        edits.push({ start, end: start, text: `globalThis[Symbol.for("${RUNNER_KEY}")].resolve(` });
        edits.push({ start: end, end, text: ")" });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return edits;
}

/** Applies edits to a text and returns the result. Edits must not overlap. */
export function apply(text: string, edits: readonly Edit[]): string {
  let result = "", at = 0;
  for (const { start, end, text: instead } of [...edits].sort((a, b) => a.start - b.start || a.end - b.end)) {
    result += text.slice(at, start) + instead;
    at = end;
  }
  return result + text.slice(at);
}
