import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { MAX_MARKS, MAX_POINTS, nonFiniteMarks, thin } from "./curve.ts";

function points(length: number, y: (i: number) => number): { x: number; y: number }[] {
  return Array.from({ length }, (_, i) => ({ x: i + 1, y: y(i) }));
}

Deno.test("thin() returns a short curve unchanged", () => {
  const curve = points(MAX_POINTS, (i) => i % 7);
  assertEquals(thin(curve), curve);
});

Deno.test("thin() keeps ends, single peaks and dips, and the order", () => {
  for (const length of [401, 1000, 12345]) {
    const curve = points(length, (i) => Math.sin(i / 100));
    curve[217]!.y = 50;
    curve[318]!.y = -50;
    const kept = thin(curve);
    assertLessOrEqual(kept.length, MAX_POINTS);
    assert(kept.length > MAX_POINTS / 3);
    assertEquals([kept[0], kept.at(-1)], [curve[0], curve.at(-1)]);
    assert(kept.includes(curve[217]!) && kept.includes(curve[318]!));
    assert(kept.every((point, i) => i === 0 || point.x > kept[i - 1]!.x));
  }
});

Deno.test("thin() keeps a break at non-finite values, and never exceeds its limit", () => {
  const once = thin(points(5000, (i) => i === 2500 ? NaN : i % 3));
  assertEquals(once.filter(({ y }) => !Number.isFinite(y)).map(({ x }) => x), [2501]);
  for (const y of [(i: number) => i % 2 === 0 ? NaN : i, () => Infinity, (i: number) => i > 100 ? NaN : i]) {
    const kept = thin(points(5000, y));
    assertLessOrEqual(kept.length, MAX_POINTS);
    assert(kept.some((point) => !Number.isFinite(point.y)));
  }
});

Deno.test("nonFiniteMarks() marks the ends of a non-finite stretch, at the height before it", () => {
  const values = [2, 1, NaN, NaN, NaN, 3, Infinity, 4];
  assertEquals(nonFiniteMarks(points(values.length, (i) => values[i]!)), [
    { x: 3, y: 1, value: NaN },
    { x: 5, y: 1, value: NaN },
    { x: 7, y: 3, value: Infinity },
  ]);
});

Deno.test("nonFiniteMarks() returns no marks for a finite curve, and height 0 if no value is finite", () => {
  assertEquals(nonFiniteMarks(points(5, (i) => i)), []);
  assertEquals(nonFiniteMarks(points(2, (i) => [-Infinity, 7][i]!)), [{ x: 1, y: 7, value: -Infinity }]);
  assertEquals(nonFiniteMarks(points(1, () => NaN)), [{ x: 1, y: 0, value: NaN }]);
});

Deno.test("nonFiniteMarks() keeps the first and the last of many marks", () => {
  const marks = nonFiniteMarks(points(5000, (i) => i % 2 === 0 ? NaN : 1));
  assertEquals(marks.length, MAX_MARKS);
  assertEquals([marks[0]!.x, marks.at(-1)!.x], [1, 4999]);
});
