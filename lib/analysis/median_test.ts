import { assertAlmostEquals, assertEquals } from "@std/assert";
import { createRandom } from "../text/random.ts";
import { median, medianResiduals, robustDeviation, runningMedians } from "./median.ts";

Deno.test("median() returns the middle value, or the mean of the two middle values, of any list", () => {
  const random = createRandom(3, "medians");
  const draws: (() => number)[] = [
    () => random.normal(),
    () => random.integer(3),
    () => random.integer(9) === 0 ? Infinity : random.integer(9) === 0 ? -Infinity : random.normal(),
    () => random.integer(9) === 0 ? NaN : random.normal(),
  ];
  for (let round = 0; round < 400; round++) {
    const length = 1 + random.integer(60);
    const values = Float64Array.from({ length }, draws[round % draws.length]!);
    for (const list of [values, values.toSorted(), values.toSorted().reverse()]) {
      const sorted = list.toSorted(); // NaN last
      const wanted = (sorted[(length - 1) >> 1]! + sorted[length >> 1]!) / 2;
      assertEquals(median(list), wanted);
    }
    assertEquals(values.length, length);
  }
  assertEquals([median([]), median([2]), median([1, 4])], [NaN, 2, 2.5]);
});

Deno.test("runningMedians() returns the medians of all windows, with ties and infinities", () => {
  const random = createRandom(1, "medians");
  for (let round = 0; round < 200; round++) {
    const values = Array.from(
      { length: 1 + random.integer(60) },
      () =>
        random.integer(10) === 0 ? Infinity : random.integer(5) === 0 ? random.integer(4) : random.normal(),
    );
    const window = 1 + random.integer(values.length);
    const wanted = Array.from(
      { length: values.length - window + 1 },
      (_, i) => median(values.slice(i, i + window)),
    );
    assertEquals([...runningMedians(values, window)], wanted);
  }
});

Deno.test("medianResiduals() are 0 along any monotonic list, and robustDeviation() ignores a minority", () => {
  const random = createRandom(2, "medians");
  for (const length of [0, 1, 2, 3, 8, 64, 65, 66, 300]) {
    const falling = Float64Array.from({ length }, () => random.normal()).sort().reverse();
    for (const half of [0, 1, 5, 32]) {
      assertEquals([...medianResiduals(falling, half)], new Array(length).fill(0));
    }
  }
  assertEquals([...medianResiduals(new Float64Array([1, 1, 4, 1, 1]), 1)], [0, 0, 3, 0, 0]);
  for (let round = 0; round < 50; round++) {
    const values = Float64Array.from({ length: 1 + random.integer(30) }, () => random.normal());
    const half = random.integer(12);
    const wanted = values.map((value, i) => {
      const side = Math.min(i, values.length - 1 - i, half);
      return value - median(values.subarray(i - side, i + side + 1));
    });
    assertEquals(medianResiduals(values, half), wanted);
  }
  const noise = Float64Array.from({ length: 20_001 }, () => 3 * random.normal());
  assertAlmostEquals(robustDeviation(noise), 3, 0.1);
  assertAlmostEquals(
    robustDeviation(noise.map((value, i) => i % 10 === 0 ? 1e9 : value)),
    3 * 0.7647 / 0.6745,
    0.1,
  ); // the 55.6th percentile of |x|
});
