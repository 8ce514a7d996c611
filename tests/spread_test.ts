/**
 * No array is spread into a call with any number of arguments. Arguments are on the stack, so more than about 125,000 values
 * cause a RangeError. `least` and `greatest` accept arrays; `push` is called in a loop.
 */
import { assert, assertEquals } from "@std/assert";
import ts from "typescript";
import { findFiles } from "./support/test_files.ts";

/** Functions and methods that accept any number of arguments. */
const TAKES_MANY = new Set([
  ...["min", "max", "hypot", "push", "unshift", "splice", "concat", "append", "prepend", "replaceChildren"],
  ...["fromCharCode", "fromCodePoint", "of"],
]);

/** Returns the calls in a source that spread a list, as `line: text`. */
function spreads(file: string, source: string): string[] {
  const parsed = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && node.arguments.some(ts.isSpreadElement)) {
      const { expression } = node;
      const name = ts.isPropertyAccessExpression(expression) ? expression.name.text : "";
      const { line } = parsed.getLineAndCharacterOfPosition(node.getStart());
      if (TAKES_MANY.has(name)) found.push(`${file}, line ${line + 1}: ${node.getText().slice(0, 80)}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(parsed);
  return found;
}

Deno.test("no array is spread into a call that takes any number of arguments", () => {
  const files = findFiles(["lib", "data", "experiments"]).filter((file) =>
    file.endsWith(".ts") && !file.endsWith("_test.ts")
  );
  assert(files.length > 200);
  assertEquals(files.flatMap((file) => spreads(file, Deno.readTextFileSync(file))), []);
});

Deno.test("spreads() finds calls over several lines and in expressions, and no others", () => {
  const source =
    "const a = [...b];\nMath.max(\n  0,\n  ...a,\n);\nf(...a);\nx.y.push(...a.map((z) => String.fromCharCode(...z)));";
  assertEquals(spreads("s.ts", source).map((one) => one.split(": ")[0]), [
    "s.ts, line 2",
    "s.ts, line 7",
    "s.ts, line 7",
  ]);
});
