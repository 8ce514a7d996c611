/** `deno task report DIR`: tables, `report.html` and figures of a sweep's folder, or the report served while runs go on. */
import { printable } from "../error/printable.ts";
import { basename, resolve } from "node:path";
import { DEFAULT_TOLERANCE } from "../analysis/mod.ts";
import { watchSignals } from "../error/signals.ts";
import { UserError } from "../error/user_error.ts";
import { command, runCommand, TOLERANCE_HELP } from "./command.ts";
import { numberOption } from "./numbers.ts";
import { writeFigures, writeJointReport, writeReport } from "./report_files.ts";
import { serveReport } from "./report_live.ts";

/** The port that a report is served on unless another is named: the same one each time, so that an open page finds it. */
const PORT = 8765;

interface Options {
  tolerance: number;
  out?: string;
  figures?: string;
  watch?: boolean;
  port: number;
}

const program = command("report", "Prints the tables of a sweep's folder and writes its report.html.")
  .argument(
    "<folders...>",
    "a sweep's folder; several, such as a CPU's and a GPU's, are set side by side in --out",
  )
  .option("--tolerance <nats>", TOLERANCE_HELP, numberOption("--tolerance"), DEFAULT_TOLERANCE)
  .option("--out <file>", "the page of several folders")
  .option("--figures <svg|png>", "writes each figure into a file of its own, too")
  .option("--watch", "serves the report on this machine alone, and keeps it up to date, until Ctrl-C")
  .option("--port <n>", "where --watch serves; 0 is any free one", numberOption("--port"), PORT)
  .action(report);

async function report(dirs: string[], options: Options): Promise<void> {
  const { out, figures, watch, port, tolerance } = options;
  const [dir] = dirs as [string];
  if (figures !== undefined && figures !== "svg" && figures !== "png") {
    throw new UserError(`Cannot write figures: --figures must be svg or png: it is ${figures}`);
  }
  if (dirs.length > 1 || out !== undefined) {
    if (watch || figures !== undefined) {
      throw new UserError(
        "Cannot watch or draw several folders at once: give --watch and --figures one folder, without --out",
      );
    }
    if (out === undefined) {
      throw new UserError(
        `Cannot report on ${dirs.length} folders at once: say with --out which file takes the page`,
      );
    }
    await writeJointReport(dirs, { out, tolerance, print: (line) => console.log(line) });
    console.log(`\nreport: ${printable(out)}`);
    return;
  }
  if (watch) {
    return await watchReport(dir, { tolerance, port });
  }
  const path = await writeReport(dir, {
    title: basename(resolve(dir)),
    tolerance,
    print: (line) => console.log(line),
  });
  console.log(`\nreport: ${printable(path)}`);
  if (figures === undefined) return;
  for (const file of await writeFigures(dir, { kind: figures, tolerance })) {
    console.log(`figure: ${printable(file)}`);
  }
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
        `report of ${printable(dir)}${runs === 0 ? ", which has no runs yet" : ""}: ${url} (Ctrl-C ends it)`,
      ),
  });
}

if (import.meta.main) await runCommand(program, Deno.args);
