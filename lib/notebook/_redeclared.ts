/**
 * Names that a cell redeclares. In V8's REPL mode, a new declaration replaces the old declaration. Until the new
 * declaration is initialized, the name keeps its old value, so that `const x = x + 1` works. TypeScript has no
 * equivalent scope.
 *
 * @module
 */
import ts from "typescript";
import type { Edit } from "./_cell.ts";

/** A value that a cell declares at the top level. */
export interface Declared {
  /** The name. */
  readonly name: string;
  /** End of the declaration in the cell's text. */
  readonly end: number;
  /** Position of the keyword `var` of the declaration; undefined for other declarations. */
  readonly varAt?: number | undefined;
}

/** Returns the values that a cell declares at the top level. Omits imports. */
export function declarationsOf(file: ts.SourceFile): Declared[] {
  return file.statements.flatMap((statement): Declared[] => {
    const { end } = statement;
    if (ts.isVariableStatement(statement)) {
      const list = statement.declarationList;
      const varAt = (list.flags & ts.NodeFlags.BlockScoped) === 0 ? list.getStart(file) : undefined;
      return list.declarations.flatMap(({ name }) => namesOf(name)).map((name) => ({ name, end, varAt }));
    }
    // Functions are hoisted: the new value is available before the declaration.
    if (ts.isFunctionDeclaration(statement)) {
      return statement.name ? [{ name: statement.name.text, end: 0 }] : [];
    }
    const isNamed = ts.isClassDeclaration(statement) || ts.isEnumDeclaration(statement);
    return isNamed && statement.name !== undefined ? [{ name: statement.name.text, end }] : [];
  });
}

function namesOf(name: ts.BindingName): string[] {
  if (ts.isIdentifier(name)) return [name.text];
  return name.elements.flatMap((element) => ts.isOmittedExpression(element) ? [] : namesOf(element.name));
}

/**
 * Returns edits that replace `var` by `let` for names that an earlier cell declared. Each cell is checked in a block of
 * its own. A `let` stays in the block. A `var` leaves it, and TypeScript rejects a second `var` with another type.
 */
export function varEdits(again: readonly Declared[], all: readonly Declared[]): Edit[] {
  const twice = (name: string) => all.filter((one) => one.name === name).length > 1;
  const places = new Set(again.flatMap(({ varAt }) => varAt ?? []));
  for (const { name, varAt } of all) if (varAt !== undefined && twice(name)) places.delete(varAt);
  return [...places].map((start) => ({ start, end: start + "var".length, text: "let" }));
}

/**
 * Returns edits for names that are used before their new declaration in the same cell. The edits replace these uses by
 * an alias of the old value.
 */
export function earlierUses(
  file: ts.SourceFile,
  again: readonly Declared[],
): { names: { name: string; alias: string }[]; edits: Edit[] } {
  const edits: Edit[] = [], used = new Set<string>();
  const ends = new Map(again.map(({ name, end }) => [name, end]));
  const visit = (node: ts.Node): void => {
    // Functions and classes run later, with the new value. Types have no value.
    if (ts.isFunctionLike(node) || ts.isClassLike(node) || ts.isTypeNode(node)) return;
    if (ts.isIdentifier(node) && node.end <= (ends.get(node.text) ?? -1) && isUse(node)) {
      used.add(node.text);
      const short = ts.isShorthandPropertyAssignment(node.parent) ? `${node.text}: ` : "";
      edits.push({ start: node.getStart(file), end: node.end, text: short + aliasOf(node.text) });
    }
    ts.forEachChild(node, visit);
  };
  file.statements.forEach(visit);
  return { names: [...used].map((name) => ({ name, alias: aliasOf(name) })), edits };
}

function aliasOf(name: string): string {
  return `${name}__before`;
}

/** Returns true if an identifier is the use of a value, not the name of a property or a declaration. */
function isUse(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isShorthandPropertyAssignment(parent)) return parent.name === node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isBindingElement(parent)) return parent.initializer === node;
  const isName = (parent as { name?: ts.Node }).name === node ||
    (parent as { label?: ts.Node }).label === node;
  return !isName && !ts.isImportSpecifier(parent) && !ts.isImportClause(parent);
}
