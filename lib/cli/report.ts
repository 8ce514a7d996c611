/** `deno task report DIR`: tables and `report.html` of a sweep's folder. */
import { basename, resolve } from "node:path";
import { UserError } from "../error/user_error.ts";
import { command, numeric, runCommand } from "./command.ts";
import { writeReport } from "./report_files.ts";

const program = command("report", "Prints the tables of a sweep's folder and writes its report.html.")
  .argument("<folder>", "a sweep's folder")
  .option("--bound <nats>", "the gap that counts as one", numeric, 0.05)
  .action(async (dir: string, { bound }: { bound: number | string }) => {
    if (typeof bound !== "number" || bound < 0) {
      throw new UserError(`Cannot compare: --bound must be a number of nats, at least 0: it is ${bound}`);
    }
    console.log(
      `\nreport: ${await writeReport(dir, {
        title: basename(resolve(dir)),
        bound,
        print: (line) => console.log(line),
      })}`,
    );
  });

if (import.meta.main) await runCommand(program, Deno.args);
