/** `deno task notebooks`: runs notebooks without Jupyter, or checks that their outputs are fresh. */
import { join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { runNotebooks } from "../notebook/run_notebooks.ts";
import { command, runCommand } from "./command.ts";
import { numberOption } from "./numbers.ts";

/** Where notebooks run with parameters go: the ones in `notebooks/` keep the outputs of their own values. */
const DEFAULT_OUT = "experiments/out/notebooks";

interface Options {
  param: string[];
  out?: string;
  html?: string;
  check?: boolean;
  timeout?: number;
}

const program = command("notebooks", "Runs notebooks and writes what their cells show into them.")
  .usage("[options] [FILE...]")
  .argument("[files...]", "notebooks (default: all of notebooks/)")
  .option("-p, --param <name=value>", "a parameter's value; may be given again", collect, [])
  .option("--out <dir>", `write there (default with -p: ${DEFAULT_OUT}; otherwise in place)`)
  .option("--html <dir>", "write a page of each notebook there too")
  .option("--check", "run nothing: type-check the cells, and fail where outputs are stale")
  .option("--timeout <seconds>", "end a notebook that takes longer (default: 600)", numberOption("--timeout"))
  .action(async (files: string[], options: Options) => {
    const parameters = Object.fromEntries(options.param.map(split));
    Deno.exitCode = await runNotebooks(files.length > 0 ? files : allNotebooks(), {
      parameters,
      out: options.out ?? (options.param.length > 0 ? DEFAULT_OUT : undefined),
      html: options.html,
      check: options.check,
      timeout: options.timeout,
      print: (line) => console.log(line),
    });
  });

function collect(text: string, before: string[]): string[] {
  return [...before, text];
}

function split(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw new UserError(`Cannot read -p ${text}: it must be NAME=VALUE, such as -p T=128`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function allNotebooks(): string[] {
  return [...Deno.readDirSync("notebooks")].filter(({ name }) => name.endsWith(".ipynb"))
    .map(({ name }) => join("notebooks", name)).sort();
}

if (import.meta.main) await runCommand(program, Deno.args);
