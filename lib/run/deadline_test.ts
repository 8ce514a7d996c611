import { assertEquals } from "@std/assert";
import { watchDeadline } from "./deadline.ts";

Deno.test("watchDeadline() stops a margin before the deadline, and never before", async () => {
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

Deno.test("watchDeadline() of the past is reached at once, that of a far year and none are not", async () => {
  using past = watchDeadline(Date.now() + 100);
  using far = watchDeadline(Date.now() + 400 * 86_400_000);
  using none = watchDeadline(Infinity);
  await new Promise((resolve) => setTimeout(resolve, 700));
  assertEquals([past, far, none].map(({ reached }) => reached.aborted), [true, false, false]);
});
