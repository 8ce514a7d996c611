import { assertEquals } from "@std/assert";

/** A process that shuts down slowly after a signal. */
const PROGRAM = `
  import { watchSignals } from "${new URL("./signals.ts", import.meta.url)}";
  {
    using interruption = watchSignals(NOW);
    console.log("ready");
    const wait = setInterval(() => {}, 1000);
    await new Promise((resolve) => interruption.requested.addEventListener("abort", resolve));
    clearInterval(wait);
  }
  console.log("ending");
  await new Promise((resolve) => setTimeout(resolve, LEFT));
  console.log("ended");
`;

/**
 * Interrupts the process.
 *
 * @param left Milliseconds that it takes to shut down.
 * @param options Its clock, and whether the signal is sent twice.
 */
async function interrupt(
  left: number,
  { now = "", twice = false }: { now?: string; twice?: boolean },
): Promise<[code: number, told: string]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--ext=ts", PROGRAM.replace("LEFT", String(left)).replace("NOW", now)],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let told = "";
  const until = async (word: string) => {
    while (!told.includes(word)) {
      const { value, done } = await reader.read();
      if (done) return;
      told += value;
    }
  };
  await until("ready");
  child.kill("SIGINT");
  await until("ending");
  if (twice) child.kill("SIGINT");
  await until("\n\n"); // never printed: reads until the end
  const { code } = await child.status;
  return [code, told];
}

Deno.test("the duplicate signal of one keypress does not kill a process that is shutting down", async () => {
  assertEquals(await interrupt(300, { twice: true }), [0, "ready\nending\nended\n"]);
});

Deno.test("the wait for a duplicate signal keeps no process alive", async () => {
  // A clock by which the duplicate would arrive weeks later.
  const now = "(() => { let time = 2e9; return () => { const told = time; time = 0; return told; }; })()";
  assertEquals(await interrupt(0, { now }), [0, "ready\nending\nended\n"]);
});
