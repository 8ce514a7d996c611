import { assertMatch } from "@std/assert";

Deno.test("noteSlowCalls() prints a note while the main thread is busy", async () => {
  const script = `import { noteSlowCalls } from "${new URL("./slow_calls.ts", import.meta.url)}";
const observe = noteSlowCalls(20);
for (;;) { // the thread may start late
  await new Promise((resolve) => setTimeout(resolve, 100));
  observe("forward() of x.ts");
  for (const begin = performance.now(); performance.now() - begin < 500;);
  observe(undefined);
}
`;
  await using child = new Deno.Command(Deno.execPath(), {
    args: ["eval", script],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let printed = "";
  for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
    printed += text;
    if (printed.includes("\n")) break;
  }
  child.kill("SIGKILL");
  assertMatch(
    printed,
    /^waiting for \d+ s: forward\(\) of x\.ts has not returned\. Press Ctrl-C to stop\.$/m,
  );
});
