import { assertEquals } from "@std/assert";

/** A process that ends in order at a signal, and takes its time for it. */
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

async function interruptTwice(left: number, now = ""): Promise<[code: number, told: string]> {
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
  child.kill("SIGINT");
  await until("\n\n"); // never printed: all that comes
  const { code } = await child.status;
  return [code, told];
}

Deno.test("the second signal of one keypress does not kill what ends in order", async () => {
  assertEquals(await interruptTwice(300), [0, "ready\nending\nended\n"]);
});

Deno.test("what watches for the second signal keeps no process alive", async () => {
  // A clock by which it would come in some weeks.
  const now = "(() => { let time = 2e9; return () => { const told = time; time = 0; return told; }; })()";
  assertEquals(await interruptTwice(0, now), [0, "ready\nending\nended\n"]);
});
