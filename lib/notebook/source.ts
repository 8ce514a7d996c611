/**
 * Cells as programs: what is run, in the way of Deno's kernel, and what is type-checked.
 *
 * A cell is run as a script of V8's REPL mode: `await` at its top, and names that a later cell may declare again. A script
 * has no imports, so they become `const { name } = await import(…)`, as in the kernel.
 *
 * @module
 */
import ts from "typescript";
import { UserError } from "../error/user_error.ts";
import { RUNNER_KEY } from "./job.ts";

/** A code cell. */
export interface CodeCell {
  /** Its notebook and its place there, for errors: `notebooks/x.ipynb, cell 3 (loss-05)`. */
  readonly name: string;
  /** TypeScript. */
  readonly text: string;
}

/** A cell as it is run. */
export interface Script {
  /** JavaScript. */
  readonly code: string;
  /** Its source map, as JSON: where a line of it was in the cell. */
  readonly map: string;
}

/** A program that has the types of all cells, and where its lines were. */
export interface CheckModule {
  /** TypeScript. */
  readonly text: string;
  /** By its lines, from 1 on: the cell's index, and the line in it; undefined: a line of nobody's. */
  readonly lines: readonly ({ readonly cell: number; readonly line: number } | undefined)[];
}

/** A stretch of a cell's text, and what stands there instead. */
interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * The script of a cell.
 *
 * @param base URL of the notebook, from which relative imports go.
 * @throws {UserError} where it exports, which no cell can.
 */
export function scriptOf(cell: CodeCell, base: URL): Script {
  const file = parse(cell);
  const edits = importsOf(file, cell).map((node) => {
    const lines = node.getText(file).split("\n").length;
    return { ...spanOf(node, file), text: constOf(node, base) + "\n".repeat(lines - 1) };
  });
  const text = apply(cell.text, [...edits, ...dynamicImports(file, base, { wrap: true })]);
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

/**
 * The cells of a notebook in one module: each cell in a block inside the one before, so that it sees all names before it
 * and may declare them again.
 *
 * @throws {UserError} where a cell exports, or two cells import different things under one name.
 */
export function checkModuleOf(cells: readonly CodeCell[], base: URL): CheckModule {
  const head: { text: string; cell: number; line: number }[] = [];
  const body: { text: string; cell: number; line: number }[] = [];
  const imported = new Map<string, string>();
  cells.forEach((cell, index) => {
    const file = parse(cell);
    const edits = importsOf(file, cell).map((node) => {
      const line = file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1;
      const text = hoisted(node, { base, imported, where: `${cell.name}, line ${line}` });
      head.push({ text, cell: index, line });
      return { ...spanOf(node, file), text: node.getText(file).replaceAll(/[^\n]/g, " ") };
    });
    const text = apply(cell.text, [...edits, ...dynamicImports(file, base, { wrap: false })]);
    text.split("\n").forEach((line, i) => body.push({ text: line, cell: index, line: i + 1 }));
    body.push({ text: "{", cell: index, line: text.split("\n").length });
  });
  const lines = [...head, ...body];
  return {
    text: [...lines.map(({ text }) => text), "}".repeat(cells.length), MODULE_END].join("\n"),
    lines: [undefined, ...lines.map(({ cell, line }) => ({ cell, line })), undefined],
  };
}

/** What makes a module of a text, which alone has `await` at its top. */
const MODULE_END = "export {};";

function parse({ text }: CodeCell): ts.SourceFile {
  return ts.createSourceFile("cell.ts", `${text}\n${MODULE_END}`, ts.ScriptTarget.ESNext, true);
}

function spanOf(node: ts.Node, file: ts.SourceFile): { start: number; end: number } {
  return { start: node.getStart(file), end: node.end };
}

function importsOf(file: ts.SourceFile, cell: CodeCell): ts.ImportDeclaration[] {
  // The last statement is what `parse` put there.
  return file.statements.slice(0, -1).flatMap((statement) => {
    const exports = ts.isExportDeclaration(statement) || ts.isExportAssignment(statement) ||
      ts.canHaveModifiers(statement) &&
        ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
    if (exports || ts.isImportEqualsDeclaration(statement)) {
      const line = file.getLineAndCharacterOfPosition(statement.getStart(file)).line + 1;
      throw new UserError(
        `Cannot run ${cell.name}: a cell must neither export nor use "import … =" (line ${line}): ` +
          "later cells see what it declares",
      );
    }
    return ts.isImportDeclaration(statement) ? [statement] : [];
  });
}

function absolute(specifier: string, base: URL): string {
  return /^\.{0,2}\//.test(specifier) ? new URL(specifier, base).href : specifier;
}

function specifierOf(node: ts.ImportDeclaration, base: URL): string {
  return JSON.stringify(absolute((node.moduleSpecifier as ts.StringLiteral).text, base));
}

/** An import as a declaration; nothing where it has types alone. */
function constOf(node: ts.ImportDeclaration, base: URL): string {
  const { importClause: clause, attributes } = node;
  const options = attributes === undefined
    ? ""
    : `, { with: { ${attributes.elements.map((element) => element.getText()).join(", ")} } }`;
  const call = `await import(${specifierOf(node, base)}${options})`;
  if (clause === undefined) return `${call};`;
  if (clause.isTypeOnly) return "";
  const { name, namedBindings: bindings } = clause;
  const names = name === undefined ? [] : [`default: ${name.text}`];
  if (bindings !== undefined && ts.isNamedImports(bindings)) {
    for (const { isTypeOnly, propertyName, name } of bindings.elements) {
      if (!isTypeOnly) {
        names.push(propertyName === undefined ? name.text : `${propertyName.text}: ${name.text}`);
      }
    }
  }
  const whole = bindings !== undefined && ts.isNamespaceImport(bindings)
    ? `const ${bindings.name.text} = ${call};`
    : "";
  return `${names.length > 0 ? `const { ${names.join(", ")} } = ${call};` : ""}${whole}`;
}

/** An import for the head of the module; without the names that are there already. */
function hoisted(
  node: ts.ImportDeclaration,
  { base, imported, where }: { base: URL; imported: Map<string, string>; where: string },
): string {
  const { importClause: clause, attributes } = node;
  const from = specifierOf(node, base);
  const tail = `${from}${attributes === undefined ? "" : ` ${attributes.getText()}`};`;
  if (clause === undefined) return `import ${tail}`;
  const isNew = (local: string, what: string): boolean => {
    const before = imported.get(local);
    if (before !== undefined && before !== `${from} ${what}`) {
      throw new UserError(
        `Cannot check ${where}: a name must be imported from one place: ${local} was imported from another before. ` +
          "Import it under another name",
      );
    }
    imported.set(local, `${from} ${what}`);
    return before === undefined;
  };
  const { name, namedBindings: bindings, isTypeOnly } = clause;
  const type = isTypeOnly ? "type " : "";
  const parts: string[] = [];
  if (name !== undefined && isNew(name.text, "default")) {
    parts.push(`import ${type}${name.text} from ${tail}`);
  }
  if (bindings !== undefined && ts.isNamespaceImport(bindings) && isNew(bindings.name.text, "*")) {
    parts.push(`import ${type}* as ${bindings.name.text} from ${tail}`);
  }
  if (bindings !== undefined && ts.isNamedImports(bindings)) {
    const fresh = bindings.elements.filter((element) =>
      isNew(element.name.text, (element.propertyName ?? element.name).text)
    );
    if (fresh.length > 0) {
      parts.push(`import ${type}{ ${fresh.map((element) => element.getText()).join(", ")} } from ${tail}`);
    }
  }
  return parts.join(" ");
}

/** Edits for `import(…)` inside a cell; `wrap`: what is not written out is resolved when it runs. */
function dynamicImports(file: ts.SourceFile, base: URL, { wrap }: { wrap: boolean }): Edit[] {
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

function apply(text: string, edits: readonly Edit[]): string {
  let result = "", at = 0;
  for (const { start, end, text: instead } of [...edits].sort((a, b) => a.start - b.start || a.end - b.end)) {
    result += text.slice(at, start) + instead;
    at = end;
  }
  return result + text.slice(at);
}
