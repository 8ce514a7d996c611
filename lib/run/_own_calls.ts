/**
 * Wrapped exports of user-written modules. Errors of their functions name the file and the line.
 *
 * @module
 */
import { types } from "node:util";
import { typeName } from "../error/type_name.ts";
import { callUser, type UserModule } from "../error/user_code.ts";

/** Expected form of an export. */
export interface ExportForm {
  /** Names of the required methods. Empty if the export itself is a function. */
  readonly methods: readonly string[];
  /** Names of optional methods. Default: none. */
  readonly optional?: readonly string[];
}

type Method = (...values: unknown[]) => unknown;

/**
 * Wraps an export, so that errors of its functions name the file and the line. If the export does not have the expected
 * form, returns a description of the export instead. Methods may be inherited, and are called on the export.
 *
 * @throws {UserError} If a property cannot be read.
 */
export function guardedExport(
  own: unknown,
  { methods, optional = [] }: ExportForm,
  module: UserModule,
): object | string {
  const guard = (method: Method, name: string): Method => (...values) =>
    callUser(() => Reflect.apply(method, own, values), name, module);
  if (methods.length === 0) {
    if (typeof own !== "function") return kindOf(own);
    const name = callUser(() => own.name, "name", module);
    const isNamed = typeof name === "string" && name !== "" && name !== "default";
    return guard(own as Method, isNamed ? name : "the exported function");
  }
  if (typeof own !== "object" || own === null || types.isPromise(own)) return kindOf(own);
  const read = (name: string) => callUser(() => (own as Record<string, unknown>)[name], name, module);
  const found = [...methods, ...optional].map((name) => [name, read(name)] as const)
    .filter(([, value]) => typeof value === "function");
  const missing = methods.filter((name) => !found.some(([other]) => other === name));
  if (missing.length > 0) return `no ${missing.map((name) => `${name}()`).join(" and ")}`;
  const name = read("name");
  return {
    name: typeof name === "string" && name !== "" ? name : module.entry,
    ...Object.fromEntries(found.map(([name, value]) => [name, guard(value as Method, `${name}()`)])),
  };
}

function kindOf(value: unknown): string {
  if (types.isPromise(value)) return "a promise (await it)";
  const isClass = typeof value === "function" && /^class\b/.test(Function.prototype.toString.call(value));
  if (isClass) return "a class (export an instance of it)";
  return typeName(value);
}
