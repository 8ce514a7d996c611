import { assertEquals } from "@std/assert";
import { TimeLeft } from "./time_left.ts";

Deno.test("TimeLeft measures from the end of the first item, and estimates from the third on", () => {
  const left = new TimeLeft();
  assertEquals(
    [[0, 0], [1, 60_000], [2, 61_000], [3, 62_000]].map(([done, time]) => left.estimate(done!, 103, time!)),
    [
      undefined,
      undefined,
      undefined,
      100,
    ],
  );
  assertEquals(left.estimate(103, 103, 200_000), undefined);
});

Deno.test("TimeLeft estimates after 5 % of the work, even if that is few items", () => {
  const left = new TimeLeft();
  assertEquals([left.estimate(0, 4, 0), left.estimate(1, 4, 5000), left.estimate(2, 4, 6000)], [
    undefined,
    undefined,
    2,
  ]);
});

Deno.test("TimeLeft ignores earlier work, and restarts when progress decreases", () => {
  const left = new TimeLeft();
  const at = (done: number, time: number) => left.estimate(done, 1000, time);
  assertEquals([at(900, 0), at(901, 9000), at(903, 11_000)], [undefined, undefined, 97]);
  assertEquals([at(800, 20_000), at(801, 30_000), at(802, 31_000), at(803, 32_000)], [
    undefined,
    undefined,
    undefined,
    197,
  ]);
});
