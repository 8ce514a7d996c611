/**
 * Conversion of a notebook's cells to one module for the type check. Each cell must be syntactically complete. Each
 * cell becomes a block after an empty statement, so that neighboring cells do not change its meaning.
 *
 * @module
 */
import ts from "typescript";
import { UserError } from "../error/user_error.ts";
import {
  apply,
  type CodeCell,
  constOf,
  dynamicImports,
  type Edit,
  importsOf,
  parse,
  programOf,
  spanOf,
  specifierOf,
  syntaxErrors,
  walking,
} from "./_cell.ts";
import { declarationsOf, earlierUses, varEdits } from "./_redeclared.ts";

/** Module with the code of all cells, and the origin of its lines. */
export interface CheckModule {
  /** TypeScript source of the module. */
  readonly text: string;
  /** Origin of each line, from index 1: index of the cell, and line in the cell. Undefined for generated lines. */
  readonly lines: readonly ({ readonly cell: number; readonly line: number } | undefined)[];
}

/** Line of the module, and its origin. */
interface Line {
  readonly text: string;
  readonly cell: number;
  readonly line: number;
}

/** Line breaks as defined by TypeScript source of the module. */
const LINE_BREAK = /\r\n|[\n\r\u2028\u2029]/;

/** Returns the syntax errors of a cell, each with the cell's name, line and column. */
export function syntaxProblems(cell: CodeCell): string[] {
  return walking(cell, () => {
    const program = programOf(cell), file = parse(program);
    return syntaxErrors(program).map(({ code, start, messageText }) => {
      const { line, character } = file.getLineAndCharacterOfPosition(Math.min(start!, program.length));
      const message = ts.flattenDiagnosticMessageText(messageText, "\n");
      return `TS${code} [ERROR]: ${message}\n    at ${cell.name}, line ${line + 1}:${character + 1}`;
    });
  });
}

/**
 * Converts the cells of a notebook to one module. Each cell is a block nested in the previous cell's block, so that the
 * cell can use and redeclare all earlier names.
 *
 * @param cells Cells without syntax errors.
 * @param base URL of the notebook, the base of relative imports.
 * @throws {UserError} If a cell contains an export, or two cells import different types under the same name.
 */
export function checkModuleOf(cells: readonly CodeCell[], base: URL): CheckModule {
  const head: Line[] = [], body: Line[] = [];
  const earlier: Earlier = { declared: new Set(), imported: new Map() };
  cells.forEach((cell, index) =>
    walking(cell, () => {
      const { imports, opening, text } = placed(cell, { base, earlier });
      for (const one of imports) head.push({ ...one, cell: index });
      const lines = [opening, ...text.split(LINE_BREAK)];
      lines.forEach((text, i) => body.push({ text, cell: index, line: Math.max(1, i) }));
    })
  );
  const lines = [...head, ...body];
  return {
    text: [...lines.map(({ text }) => text), "}".repeat(cells.length), "export {};"].join("\n"),
    lines: [undefined, ...lines.map(({ cell, line }) => ({ cell, line })), undefined],
  };
}

/** Names of earlier cells. */
interface Earlier {
  /** Declared values. */
  readonly declared: Set<string>;
  /** Names imported at the top of the module, with the identity of each import. */
  readonly imported: Map<string, string>;
}

/** Cell as a block: imports for the top of the module, the line that opens the block, and the cell's text. */
function placed(
  cell: CodeCell,
  { base, earlier }: { base: URL; earlier: Earlier },
): { imports: { text: string; line: number }[]; opening: string; text: string } {
  const program = programOf(cell), file = parse(program);
  const imports: { text: string; line: number }[] = [], edits: Edit[] = [];
  const declared = declarationsOf(file);
  for (const node of importsOf(file, cell)) {
    const line = file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1;
    const text = hoisted(node, { base, earlier, where: `${cell.name}, line ${line}` });
    if (text !== undefined) imports.push({ text, line });
    else for (const { local } of bindingsOf(node)) declared.push({ name: local, end: node.end });
    const blank = node.getText(file).slice(1).replaceAll(/[^\n\r\u2028\u2029]/g, " ");
    const instead = text === undefined ? constOf(node, base) + blank.replaceAll(" ", "") : `;${blank}`;
    edits.push({ ...spanOf(node, file), text: instead });
  }
  const again = declared.filter(({ name }) => earlier.declared.has(name));
  const uses = earlierUses(file, again);
  const all = [
    ...edits,
    ...varEdits(again, declared),
    ...uses.edits,
    ...dynamicImports(file, base, { wrap: false }),
  ];
  for (const { name } of declared) earlier.declared.add(name);
  const aliases = uses.names.map(({ name, alias }) => `const ${alias} = ${name}; `).join("");
  return { imports, opening: `;${aliases}{`, text: apply(program, all) };
}

/** Name bound by an import. */
interface Binding {
  /** Local name. */
  readonly local: string;
  /** `default`, `*`, or the exported name. */
  readonly what: string;
  /** Text of a named binding. */
  readonly text: string;
}

function bindingsOf({ importClause }: ts.ImportDeclaration): Binding[] {
  const { name, namedBindings: bindings } = importClause ?? {};
  return [
    ...(name === undefined ? [] : [{ local: name.text, what: "default", text: name.text }]),
    ...(bindings === undefined
      ? []
      : ts.isNamespaceImport(bindings)
      ? [{ local: bindings.name.text, what: "*", text: bindings.getText() }]
      : bindings.elements.map((element) => ({
        local: element.name.text,
        what: `{ ${(element.propertyName ?? element.name).text} }`,
        text: element.getText(),
      }))),
  ];
}

/**
 * Returns an import for the top of the module, without names that are already imported there. Returns undefined if an
 * earlier cell uses one of the names for something else: the import then stays in its cell.
 */
function hoisted(
  node: ts.ImportDeclaration,
  { base, earlier: { declared, imported }, where }: { base: URL; earlier: Earlier; where: string },
): string | undefined {
  const { importClause: clause, attributes } = node;
  const from = specifierOf(node, base);
  const tail = `${from}${attributes === undefined ? "" : ` ${attributes.getText()}`};`;
  if (clause === undefined) return `import ${tail}`;
  const bindings = bindingsOf(node);
  const identity = ({ what }: Binding) => `${from} ${what}`;
  const taken = bindings.find((one) =>
    declared.has(one.local) || (imported.get(one.local) ?? identity(one)) !== identity(one)
  );
  if (taken !== undefined) {
    if (!clause.isTypeOnly) return undefined;
    throw new UserError(
      `Cannot check ${where}: expected one type per name, got a second type named ${taken.local}. ` +
        "Import it under another name.",
    );
  }
  const fresh = bindings.filter(({ local }) => !imported.has(local));
  for (const one of fresh) imported.set(one.local, identity(one));
  const type = clause.isTypeOnly ? "type " : "";
  const named = fresh.filter(({ what }) => what.startsWith("{")).map(({ text }) => text);
  return [
    ...fresh.filter(({ what }) => !what.startsWith("{")).map(({ text }) =>
      `import ${type}${text} from ${tail}`
    ),
    ...(named.length > 0 ? [`import ${type}{ ${named.join(", ")} } from ${tail}`] : []),
  ].join(" ");
}
