/**
 * `deno task bench:report`: measures the report of many runs: time, memory and size of rendering in a process of its
 * own, the time until its page is ready in Chromium, and the time of a filter until its result is drawn. Without
 * Chromium, only rendering is measured.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { command, runCommand } from "../../lib/cli/command.ts";
import { numberOption } from "../../lib/cli/numbers.ts";
import { stepTablePath } from "../../lib/record/mod.ts";
import { findChromium, launchChromium } from "../support/chromium.ts";
import { noisyRun, writeSyntheticRun } from "../support/synthetic_runs.ts";
import { runScript } from "./child.ts";
import { median } from "./measure.ts";
import type { Reported } from "./report_once.ts";

const program = command("bench:report", "Measure the report of many runs.")
  .option("--runs <n>", "number of runs", numberOption("--runs"), 2000)
  .option("--steps <n>", "steps per run", numberOption("--steps"), 1000)
  .option("--rounds <n>", "number of rounds", numberOption("--rounds"), 5)
  .action(bench);

async function bench({ runs, steps, rounds }: Record<"runs" | "steps" | "rounds", number>): Promise<void> {
  const dir = Deno.makeTempDirSync();
  try {
    writeRuns(dir, { runs, steps });
    const reports: Reported[] = [];
    for (let round = 0; round < rounds; round++) {
      reports.push((await runScript<Reported>("report_once.ts", { argument: dir })).result);
      Deno.removeSync(stepTablePath(dir)); // each round writes the table, as the first report of a sweep does
    }
    const [{ path }] = reports as [Reported];
    const middle = (of: (report: Reported) => number, digits: number) =>
      median(reports.map(of)).toFixed(digits);
    console.log(
      `${runs} run${runs === 1 ? "" : "s"} of ${steps} steps, median of ${rounds} processes: ${
        middle(({ seconds }) => seconds, 1)
      } s, ` +
        `CPU time ${middle(({ cpuSeconds }) => cpuSeconds, 1)} s, peak memory ${
          middle(({ mib }) => mib, 0)
        } MiB; ` +
        `page of ${(Deno.statSync(path).size / 1e6).toFixed(1)} MB`,
    );
    await measurePage(path, rounds);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

/** Writes pairs over two vocabularies and two sequence lengths. No two numbers are equal, as in recorded runs. */
function writeRuns(dir: string, { runs, steps }: { runs: number; steps: number }): void {
  const settings = [64, 128].flatMap((T) => ["bpe:300", "bpe:1000"].map((tokenizer) => ({ T, tokenizer })));
  for (let i = 0; i < runs; i++) {
    const policy = i % 2 === 0 ? "float32" : "bf16-autocast";
    const spec = {
      ...settings[(i >> 1) % settings.length]!,
      seed: 1 + Math.floor(i / 2 / settings.length),
      policy,
    };
    writeSyntheticRun(dir, noisyRun(spec, steps));
  }
}

/** Returns the processor time of a process and its descendants in milliseconds. Unlike elapsed time, a busy machine hardly changes it. */
function cpuOf(root: number): number {
  const processes = new Map<number, { parent: number; ticks: number }>();
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const fields = Deno.readTextFileSync(`/proc/${name}/stat`).replace(/^.*\) /s, "").split(" ");
      processes.set(Number(name), {
        parent: Number(fields[1]),
        ticks: Number(fields[11]) + Number(fields[12]),
      });
    } catch {
      // the process has ended
    }
  }
  const isBelow = (pid: number): boolean =>
    pid === root || pid > 1 && isBelow(processes.get(pid)?.parent ?? 0);
  let ticks = 0;
  for (const [pid, process] of processes) if (isBelow(pid)) ticks += process.ticks;
  return 10 * ticks; // 100 ticks per second
}

async function measurePage(path: string, rounds: number): Promise<void> {
  const chromium = await findChromium();
  if (chromium === undefined) return console.log("no Chromium: the page was not opened");
  const browser = await launchChromium(chromium);
  const opened: number[] = [], cpu: number[] = [], rows: number[] = [], drawn: number[] = [];
  const pid = browser.process()!.pid!;
  try {
    for (let round = 0; round < rounds; round++) {
      const page = await browser.newPage();
      await page.setViewport({ width: 1280, height: 900 });
      const begin = performance.now(), before = cpuOf(pid);
      await page.goto(pathToFileURL(join(path)).href);
      await page.waitForSelector("body[data-ready]");
      await page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))");
      opened.push(performance.now() - begin);
      cpu.push(cpuOf(pid) - before);
      await page.evaluate(`document.querySelector("#view").scrollIntoView()`);
      await new Promise((resolve) => setTimeout(resolve, 3000)); // figures in view are drawn
      const times = await page.evaluate(`(async () => {
        const box = document.querySelector("#filters input[name=precision]");
        if (box === null) return null; // a single run has no filters
        const begin = performance.now();
        box.click();
        const handled = performance.now() - begin;
        await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
        return [handled, performance.now() - begin];
      })()`) as [handled: number, painted: number] | null;
      if (times !== null) {
        rows.push(times[0]);
        drawn.push(times[1]);
      }
      await page.close();
    }
  } finally {
    await browser.close();
  }
  const say = (name: string, times: readonly number[]) =>
    console.log(
      `${name.padEnd(34)} median ${median(times).toFixed(0)} ms, least ${Math.min(...times).toFixed(0)} ms`,
    );
  say("opened until ready and drawn", opened);
  say("  its processor time", cpu);
  if (rows.length === 0) return;
  say("filter until its handler returned", rows);
  say("filter until drawn", drawn);
}

if (import.meta.main) await runCommand(program, Deno.args);
