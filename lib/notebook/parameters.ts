/**
 * Parameters of a notebook: the declarations in its cell with the tag `parameters`, and the values that a user gives
 * for them.
 *
 * The declared types restrict the values. Supported types are `number`, `string`, `boolean`, a union of strings, and
 * arrays of numbers or strings. The tags `@integer`, `@minimum` and `@maximum` in a declaration's doc comment further
 * restrict numbers.
 *
 * @module
 */
import ts from "typescript";
import { UserError } from "../error/user_error.ts";
import { parseDecimal } from "../file/decimal.ts";
import { type Cell, hasTag, joined, type Notebook } from "./ipynb.ts";

/** Tag of the cell that declares parameters. */
export const PARAMETERS_TAG = "parameters";

/** Tag and ID of the inserted cell that contains the given values. */
export const INJECTED_TAG = "injected-parameters";

/** TypeScript declarations of given values, by the name of the parameter. */
export type ParameterDeclarations = Readonly<Record<string, string>>;

/** Declared parameter. */
interface Parameter {
  readonly name: string;
  readonly kind: "number" | "string" | "boolean";
  readonly isArray: boolean;
  /** Members of a union of strings. */
  readonly words: readonly string[] | undefined;
  /** Type as written, or inferred from the value. */
  readonly type: string;
  readonly integer: boolean;
  readonly minimum: number;
  readonly maximum: number;
}

/**
 * Parses the values that a user gives for a notebook's parameters.
 *
 * @param given Texts by name, as typed after `-p`.
 * @throws {UserError} If a name is not declared, the type of a declaration is not supported, or a text is not a valid value.
 */
export function parseParameters(
  given: Readonly<Record<string, string>>,
  { notebook, path }: { notebook: Notebook; path: string },
): ParameterDeclarations {
  const declared = declaredParameters(notebook, path);
  return Object.fromEntries(
    Object.entries(given).map(([name, text]) => {
      const parameter = declared.find((one) => one.name === name);
      if (parameter === undefined) {
        const names = declared.map((one) => one.name).join(", ") || "none";
        throw new UserError(
          `Cannot set ${name} in ${path}: expected a declared parameter (${names}), got ${name}.`,
        );
      }
      return [name, `const ${name}: ${parameter.type} = ${JSON.stringify(parse(parameter, text, path))};`];
    }),
  );
}

/** Returns the names of a notebook's parameters. */
export function declaredNames(notebook: Notebook, path: string): string[] {
  return declaredParameters(notebook, path).map(({ name }) => name);
}

/**
 * Returns a copy of the notebook with an added cell that contains the declarations, after the cell of parameters. An
 * added cell of an earlier call is replaced.
 */
export function withParameters(notebook: Notebook, declarations: ParameterDeclarations): Notebook {
  const cells = notebook.cells.filter((cell) => !hasTag(cell, INJECTED_TAG));
  const lines = Object.values(declarations);
  if (lines.length === 0) return { ...notebook, cells };
  const injected: Cell = {
    cell_type: "code",
    id: INJECTED_TAG,
    metadata: { tags: [INJECTED_TAG] },
    source: ["// Given for this run:", ...lines].join("\n"),
  };
  const at = cells.findIndex((cell) => hasTag(cell, PARAMETERS_TAG)) + 1;
  return { ...notebook, cells: cells.toSpliced(at, 0, injected) };
}

function declaredParameters(notebook: Notebook, path: string): Parameter[] {
  const cell = notebook.cells.find((cell) => hasTag(cell, PARAMETERS_TAG));
  if (cell === undefined) return [];
  const file = ts.createSourceFile("cell.ts", joined(cell.source), ts.ScriptTarget.ESNext, true);
  return file.statements.filter(ts.isVariableStatement).flatMap((statement) =>
    statement.declarationList.declarations.map((declaration) => {
      const name = declaration.name.getText(file);
      const type = typeOf(declaration, file);
      if (type === undefined) {
        throw new UserError(
          `Cannot use the parameter ${name} of ${path}: expected the type number, string, boolean, a union of strings, ` +
            "number[] or string[], got another type. Change its declaration.",
        );
      }
      const tags = new Map(
        ts.getJSDocTags(statement).map((tag) => [
          tag.tagName.text,
          ts.getTextOfJSDocComment(tag.comment) ?? "",
        ]),
      );
      const bound = (tag: string, none: number) => tags.has(tag) ? Number(tags.get(tag)) : none;
      return {
        name,
        ...type,
        integer: tags.has("integer"),
        minimum: bound("minimum", -Infinity),
        maximum: bound("maximum", Infinity),
      };
    })
  );
}

type ParameterType = Pick<Parameter, "kind" | "isArray" | "words" | "type">;

function typeOf(
  { type, initializer }: ts.VariableDeclaration,
  file: ts.SourceFile,
): ParameterType | undefined {
  const written = type?.getText(file);
  if (type !== undefined && ts.isUnionTypeNode(type)) {
    const words = type.types.map((one) =>
      ts.isLiteralTypeNode(one) && ts.isStringLiteral(one.literal) ? one.literal.text : undefined
    );
    if (words.every((word) => word !== undefined)) {
      return { kind: "string", isArray: false, words, type: written! };
    }
    return undefined;
  }
  const inferred = written ?? kindOfValue(initializer);
  const isArray = inferred?.endsWith("[]") ?? false;
  const kind = inferred?.replace(/^readonly /, "").replace(/\[\]$/, "");
  return kind === "number" || kind === "string" || kind === "boolean"
    ? { kind, isArray, words: undefined, type: inferred! }
    : undefined;
}

function kindOfValue(node: ts.Expression | undefined): string | undefined {
  if (node === undefined) return undefined;
  if (ts.isPrefixUnaryExpression(node)) return kindOfValue(node.operand);
  if (ts.isNumericLiteral(node)) return "number";
  if (ts.isStringLiteralLike(node)) return "string";
  if (node.kind === ts.SyntaxKind.TrueKeyword || node.kind === ts.SyntaxKind.FalseKeyword) return "boolean";
  if (ts.isArrayLiteralExpression(node) && node.elements.length > 0) {
    const kinds = new Set(node.elements.map(kindOfValue));
    const [kind] = kinds;
    return kinds.size === 1 && kind !== undefined ? `${kind}[]` : undefined;
  }
  return undefined;
}

function parse(parameter: Parameter, text: string, path: string): unknown {
  if (!parameter.isArray) return parseOne(parameter, text, path);
  return text === "" ? [] : text.split(",").map((part) => parseOne(parameter, part.trim(), path));
}

function parseOne(parameter: Parameter, text: string, path: string): number | string | boolean {
  const { name, kind, words, integer, minimum, maximum } = parameter;
  const fail = (wanted: string): never => {
    throw new UserError(
      `Cannot set ${name} in ${path}: expected ${wanted}, got ${JSON.stringify(text)}.`,
    );
  };
  if (kind === "boolean") return text === "true" || (text === "false" ? false : fail("true or false"));
  if (kind === "string") {
    return words === undefined || words.includes(text) ? text : fail(`one of ${words.join(", ")}`);
  }
  const number = parseDecimal(text) ?? fail("a number");
  if (integer && !Number.isSafeInteger(number)) fail("a whole number");
  if (number < minimum) fail(`at least ${minimum}`);
  return number > maximum ? fail(`at most ${maximum}`) : number;
}
