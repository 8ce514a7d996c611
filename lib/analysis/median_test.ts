import { assertEquals } from "@std/assert";
import { createRandom } from "../text/random.ts";
import { median, runningMedians } from "./median.ts";

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
