/**
 * The cells of a notebook as one module for the type check. No cell's meaning depends on the cells around it: each is
 * well-formed by itself, and stands in a block after an empty statement.
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

/** A program that has the types of all cells, and where its lines were. */
export interface CheckModule {
  /** TypeScript. */
  readonly text: string;
  /** By its lines, from 1 on: the cell's index, and the line in it; undefined: a line of no cell. */
  readonly lines: readonly ({ readonly cell: number; readonly line: number } | undefined)[];
}

/** A line of the module, and its place. */
interface Line {
  readonly text: string;
  readonly cell: number;
  readonly line: number;
}

/** Line breaks as TypeScript counts them. */
const LINE_BREAK = /\r\n|[\n\r\u2028\u2029]/;

/** Returns the syntax errors of a cell by itself, each with the cell's name, line and column. */
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
 * Puts the cells of a notebook into one module: each cell in a block inside the one before, so that it sees all names
 * before it and may declare them again.
 *
 * @param cells Cells without syntax errors.
 * @param base URL of the notebook, from which relative imports go.
 * @throws {UserError} where a cell exports, or two cells import different types under one name.
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

/** What earlier cells have. */
interface Earlier {
  /** Names of values that they declare. */
  readonly declared: Set<string>;
  /** Names that are imported at the head of the module, with what each is. */
  readonly imported: Map<string, string>;
}

/** A cell in its block: imports for the head of the module, the line that opens the block, and the cell's text. */
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

/** A name that an import gives. */
interface Binding {
  /** The name in the cell. */
  readonly local: string;
  /** `default`, `*`, or the name in the module that is imported. */
  readonly what: string;
  /** The text of a named binding. */
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
 * Returns an import for the head of the module, without the names that are there already; undefined where a name of it is
 * another thing in an earlier cell, so that the import has to stay in its place.
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
      `Cannot check ${where}: expected types from one place under each name, got ${taken.local} from a second one. ` +
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
