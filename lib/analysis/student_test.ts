import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { estimate, holm, meanP, signFlipP, tQuantile, tTwoSidedP } from "./student.ts";

Deno.test("tQuantile() returns the values of printed tables", () => {
  // Two-sided 95 % and 99.9 %: NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2.
  const table: [p: number, df: number, t: number][] = [
    [0.975, 1, 12.706],
    [0.975, 2, 4.303],
    [0.975, 4, 2.776],
    [0.975, 9, 2.262],
    [0.975, 100, 1.984],
    [0.999, 4, 7.173],
    [0.999, 1, 318.313],
  ];
  for (const [p, df, t] of table) {
    assertAlmostEquals(tQuantile(p, df) / t, 1, 1e-3);
    assertAlmostEquals(tQuantile(1 - p, df), -tQuantile(p, df), 1e-6 * t);
  }
  assertEquals(tQuantile(0.5, 3), 0);
});

Deno.test("estimate() returns a mean with its t interval, which is wider at a higher level", () => {
  // Student's own data (1908): extra hours of sleep of 10 patients; published: mean 1.58, 95 % 0.70 to 2.46.
  const sleep = [1.2, 2.4, 1.3, 1.3, 0, 1, 1.8, 0.8, 4.6, 1.4];
  const { mean, half, n } = estimate(sleep);
  assertAlmostEquals(mean, 1.58, 1e-12);
  assertAlmostEquals(mean - half!, 0.70, 0.005);
  assertAlmostEquals(mean + half!, 2.46, 0.005);
  assertEquals(n, 10);
  assertEquals(estimate(sleep, 0.99).half! > half!, true);
});

Deno.test("estimate() returns no interval for fewer than two values, and an interval of zero width for equal values", () => {
  assertEquals(estimate([3]), { mean: 3, half: undefined, sd: undefined, n: 1 });
  assertEquals(estimate([]).mean, NaN);
  assertEquals(estimate([2, 2, 2]), { mean: 2, half: 0, sd: 0, n: 3 });
});

Deno.test("signFlipP() counts sign combinations with a mean at least as large", () => {
  assertEquals(signFlipP([1, 2, 3, 4, 5]), 2 / 32);
  assertEquals(signFlipP([1, -1]), 1);
  assertEquals(signFlipP([3, 1]), 1 / 2);
  assertEquals(signFlipP([0.1, 0.2, -0.3]), 1); // 0 but for rounding
  // Darwin's maize, Fisher's example (1935): 863 of 2^15 sums are at least as large as the observed sum.
  const maize = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48];
  assertEquals(signFlipP(maize), 2 * 863 / 2 ** 15);
  assertThrows(() => signFlipP(new Array(17).fill(1)), RangeError, "at most 16");
});

Deno.test("tTwoSidedP() inverts tQuantile(), and meanP() is Student's test", () => {
  for (const [t, df] of [[12.706, 1], [2.776, 4], [1.984, 100]] as const) {
    assertAlmostEquals(tTwoSidedP(t, df), 0.05, 1e-4);
    assertEquals(tTwoSidedP(-t, df), tTwoSidedP(t, df));
  }
  // Student's data of sleep; R: t.test(sleep)$p.value = 0.002833
  assertAlmostEquals(meanP(estimate([1.2, 2.4, 1.3, 1.3, 0, 1, 1.8, 0.8, 4.6, 1.4]))!, 0.002833, 1e-6);
  assertEquals([meanP(estimate([0, 0])), meanP(estimate([1, 1])), meanP(estimate([1]))], [1, 0, undefined]);
});

Deno.test("holm() adjusts p-values as R's p.adjust", () => {
  const adjusted = holm([0.01, 0.04, 0.03, 0.005]); // p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
  [0.03, 0.06, 0.06, 0.02].forEach((value, i) => assertAlmostEquals(adjusted[i]!, value, 1e-12));
  assertEquals(holm([0.9, 0.8]), [1, 1]);
  assertEquals(holm([]), []);
});
