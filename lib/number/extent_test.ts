import { assertEquals } from "@std/assert";
import { greatest, least } from "./extent.ts";

Deno.test("least() and greatest() handle millions of values, NaN and empty arrays", () => {
  const many = Float64Array.from({ length: 2_000_000 }, (_, i) => Math.abs(i - 1_234_567));
  assertEquals([least(many), greatest(many)], [0, 1_234_567]);
  assertEquals([least([]), greatest([])], [Infinity, -Infinity]);
  assertEquals([least([1, NaN, 2]), greatest([1, NaN, 2])], [NaN, NaN]);
  assertEquals([least([-0, 3, -Infinity]), greatest([-0, 3, -Infinity])], [-Infinity, 3]);
});
