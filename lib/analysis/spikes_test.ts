import { assert, assertEquals } from "@std/assert";
import { spikes } from "./spikes.ts";

/** Noise that is the same everywhere: the fractional parts of multiples of the golden ratio. */
function noise(i: number): number {
  return (i * 0.6180339887498949) % 1 - 0.5;
}

/** A falling loss with noise. The standard deviation of a step's loss is 0.029. */
const falling = Array.from({ length: 400 }, (_, i) => 6 - 3 * (1 - Math.exp(-i / 50)) + 0.1 * noise(i));

Deno.test("spikes() finds upward jumps, and no spikes in noise or in a falling loss", () => {
  assertEquals(spikes(falling), []);
  assertEquals(spikes(falling.with(200, falling[200]! + 1)), [200]);
  assertEquals(spikes(falling.with(200, falling[200]! - 1)), []);
  assertEquals(spikes(falling.with(399, falling[399]! + 1)), [399]);
  assertEquals(spikes(falling.with(200, falling[200]! + 1).with(230, falling[230]! + 1)), [200, 230]);
});

Deno.test("spikes() reports a rise once: slow, plateau or permanent", () => {
  for (const [steps, height] of [[20, 0.5], [50, 0.6], [60, 1]] as const) {
    for (const plateau of [0, 30, 1000]) {
      const rise = (i: number) =>
        i < 150 || i >= 150 + steps + plateau ? 0 : height * Math.min(1, (i - 149) / steps);
      const found = spikes(falling.map((loss, i) => loss + rise(i)));
      assertEquals(found.length, 1, `${steps} steps, plateau ${plateau}: ${found}`);
      assert(found[0]! > 150 && found[0]! < 150 + steps + 7, String(found));
    }
  }
});

Deno.test("spikes() tests no loss without 32 preceding losses", () => {
  const losses = Array.from({ length: 40 }, (_, i) => 2 + 0.01 * noise(i));
  assertEquals(spikes(losses.with(31, 9)), []);
  assertEquals(spikes(losses.with(32, 9)), [32]);
  assertEquals(spikes(losses.slice(0, 33).with(32, 9)), [32]);
  assertEquals(spikes(losses.slice(0, 32)), []);
  assertEquals(spikes([]), []);
});

Deno.test("spikes() compares a rise with z standard deviations", () => {
  const flat = Array.from({ length: 400 }, (_, i) => 2 + 0.1 * noise(i));
  const jumped = flat.with(200, 2 + 0.35); // uniform noise: 0.35 is 9 robust standard deviations
  assertEquals(spikes(jumped), [200]);
  assertEquals(spikes(jumped, { z: 15 }), []);
});

Deno.test("spikes() ignores non-finite losses", () => {
  const losses = Array.from({ length: 100 }, (_, i) => 2 + 0.01 * noise(i));
  assertEquals(spikes(losses.with(50, Infinity).with(51, NaN)), []);
  assertEquals(spikes(losses.with(50, NaN).with(60, 3)), [60]);
  assertEquals(spikes(losses.with(0, NaN).with(60, 3)), [60]);
  assertEquals(spikes(losses.with(60, 3).with(61, NaN)), [60]);
  assertEquals(spikes(losses.map(() => NaN)), []);
});

Deno.test("spikes() has a baseline that falls at once, and rises 65 windows after the lowest median", () => {
  const flat = Array.from({ length: 400 }, (_, i) => 2 + 0.1 * noise(i));
  // A dip of 40 losses lowers the baseline of the losses from 132 to 132 + 8 + 64 or so; then the old level is no rise.
  const dipped = flat.map((loss, i) => i >= 100 && i < 140 ? loss - 1 : loss);
  assertEquals(spikes(dipped).length, 1);
  assertEquals(spikes(dipped.with(300, 2.6)).length, 2);
  assertEquals(spikes(dipped.with(300, 2.6)).at(-1), 300);
});
