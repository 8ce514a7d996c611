import { assertEquals } from "@std/assert";
import { TimeLeft } from "./time_left.ts";

Deno.test("TimeLeft measures from the first item's end, and tells nothing before the third", () => {
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

Deno.test("TimeLeft takes 5 % of a few items as enough", () => {
  const left = new TimeLeft();
  assertEquals([left.estimate(0, 4, 0), left.estimate(1, 4, 5000), left.estimate(2, 4, 6000)], [
    undefined,
    undefined,
    2,
  ]);
});

Deno.test("TimeLeft does not count what was done before, and begins again where a run goes back", () => {
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
