/** `deno task report DIR`: prints tables and writes `report.html` and figures of a sweep, or serves the report live. */
import type { Command } from "commander";
import { printable } from "../error/printable.ts";
import { DEFAULT_TOLERANCE } from "../analysis/mod.ts";
import { watchSignals } from "../error/signals.ts";
import { UserError } from "../error/user_error.ts";
import { command, printText, reportDamage, runCommand, STATUS, TOLERANCE_HELP } from "./command.ts";
import { numberOption } from "./numbers.ts";
import { serveReport } from "../study/live/serve_report.ts";
import { report } from "../study/report.ts";

/** Default port. A fixed port lets an open page reconnect after a restart of the server. */
const PORT = 8765;

interface Options {
  tolerance: number;
  out?: string;
  figures?: string;
  watch?: boolean;
  port: number;
}

export const program: Command = command(
  "report",
  "Print the tables and verdicts of a sweep, and write its report.html.",
  {
    ...STATUS.done,
    ...STATUS.badInput,
    ...STATUS.damaged,
    ...STATUS.stopped,
  },
)
  .argument(
    "<folders...>",
    "a sweep's folder; or with --out, several folders for one joint report, for example of sweeps on a CPU and on a GPU",
  )
  .option("--tolerance <nats>", TOLERANCE_HELP, numberOption("--tolerance"), DEFAULT_TOLERANCE)
  .option("--out <file>", "HTML file of the joint report")
  .option("--figures <svg|png>", "also write each figure to a separate file")
  .option("--watch", "serve a live report on 127.0.0.1 until Ctrl-C")
  .option("--port <n>", "port of --watch; 0: any free port", numberOption("--port"), PORT)
  .action(reportOn);

async function reportOn(dirs: string[], options: Options): Promise<void> {
  const { out, figures, watch, port, tolerance } = options;
  const [dir] = dirs as [string];
  if (figures !== undefined && figures !== "svg" && figures !== "png") {
    throw new UserError(`Cannot use --figures: expected svg or png, got ${figures}.`);
  }
  if (watch) {
    if (dirs.length > 1 || out !== undefined || figures !== undefined) {
      throw new UserError("Cannot watch: expected one folder without --out and --figures.");
    }
    return await watchReport(dir, { tolerance, port });
  }
  const written = await report(dirs, { tolerance, out, figures, print: printText });
  console.log(`\nreport: ${printable(written.path)}`);
  for (const path of written.figures) console.log(`figure: ${printable(path)}`);
  reportDamage(written.leftOut);
}

async function watchReport(
  dir: string,
  { tolerance, port }: { tolerance: number; port: number },
): Promise<void> {
  using interruption = watchSignals();
  await serveReport(dir, {
    tolerance,
    port,
    signal: interruption.requested,
    onListen: (url, runs) =>
      console.log(
        `report of ${printable(dir)}${runs === 0 ? " (no runs yet)" : ""}: ${url} (Ctrl-C to stop)`,
      ),
  });
}

if (import.meta.main) await runCommand(program, Deno.args);
