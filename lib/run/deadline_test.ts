import { assertEquals } from "@std/assert";
import { watchDeadline } from "./deadline.ts";

Deno.test("watchDeadline() aborts at the margin before the deadline, not earlier", async () => {
  let clock = 0;
  const now = () => clock;
  using deadline = watchDeadline(10_000, { margin: 1000, now });
  const passed = () => new Promise((resolve) => setTimeout(resolve, 700));
  clock = 8999;
  await passed();
  assertEquals(deadline.reached.aborted, false);
  clock = 9000;
  await passed();
  assertEquals(deadline.reached.aborted, true);
});

Deno.test("watchDeadline() aborts at once for a past deadline, not for a distant or infinite one", async () => {
  using past = watchDeadline(Date.now() + 100);
  using far = watchDeadline(Date.now() + 400 * 86_400_000);
  using none = watchDeadline(Infinity);
  await new Promise((resolve) => setTimeout(resolve, 700));
  assertEquals([past, far, none].map(({ reached }) => reached.aborted), [true, false, false]);
});
