import { assertMatch } from "@std/assert";

Deno.test("noteSlowCalls() prints a note while the main thread is busy", async () => {
  const script = `import { noteSlowCalls } from "${new URL("./slow_calls.ts", import.meta.url)}";
const observe = noteSlowCalls(20);
observe("forward() of x.ts");
await new Promise((resolve) => setTimeout(resolve, 500)); // the thread starts
for (const begin = performance.now(); performance.now() - begin < 500;);
observe(undefined);
Deno.exit(0);
`;
  const { stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", script],
    env: { NO_COLOR: "1" },
  }).output();
  assertMatch(
    new TextDecoder().decode(stderr),
    /^waiting for 0 s: forward\(\) of x\.ts has not returned\. Press Ctrl-C to stop\.$/m,
  );
});
