/**
 * Runs Python, uv and other tools that fetch: Python always isolated from the current folder and from `PYTHON*`
 * variables.
 *
 * @module
 */

/** The result of a tool. */
export interface ToolResult {
  /** Its standard output. */
  readonly stdout: string;
  /** The reason for its failure, in one line; undefined: it succeeded. */
  readonly failure: string | undefined;
}

/** How a tool runs. */
export interface ToolOptions {
  /** The folder that it runs in. Default: the current one. */
  readonly cwd?: string;
  /** Environment variables that hold unless the user has set them, but for `TMPDIR`, which always holds. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs Python with `-I`: modules are imported neither from the current folder nor from `PYTHONPATH`, so that a file
 * named `pip.py` there is not run.
 *
 * @param python The program.
 * @param args Its arguments after `-I`.
 */
export async function runPython(
  python: string,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<ToolResult> {
  return await runTool(python, ["-I", ...args], options);
}

/** Runs a tool to its end. */
export async function runTool(
  program: string,
  args: readonly string[],
  { cwd, env = {} }: ToolOptions = {},
): Promise<ToolResult> {
  const { TMPDIR: temporary, ...defaults } = env;
  try {
    const { success, stdout, stderr } = await new Deno.Command(program, {
      args: [...args],
      env: {
        ...defaults,
        ...Deno.env.toObject(),
        PIP_REQUIRE_VIRTUALENV: "false", // a user's pip may be set to refuse work outside of environments
        ...(temporary === undefined ? {} : { TMPDIR: temporary }),
      },
      ...(cwd === undefined ? {} : { cwd }),
      stdin: "null",
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { stdout: text(stdout), failure: success ? undefined : explainFailure(text(stderr)) };
  } catch (error) {
    const failure = error instanceof Deno.errors.NotFound ? "not on this machine" : String(error);
    return { stdout: "", failure };
  }
}

/** The most telling line of a tool's complaint: its last error, and the network's fault under it. */
function explainFailure(stderr: string): string {
  const lines = stderr.trim().split("\n").map((line) => line.trim());
  const last = lines.findLast((line) => /^error/i.test(line)) ?? lines.at(-1) ?? "";
  // pip tells why a connection broke in a warning, and then that there is no such package.
  const broken = lines.findLast((line) => /connection broken by|^cause:/.test(line));
  const why = broken?.match(/\[Errno [^\]]*\] ([^'")]+)/)?.[1] ?? broken;
  const text = why === undefined ? last : `${last} (${why.replace(/^cause: /, "")})`;
  return text.slice(0, 400) || "it ended with an error and no word on it";
}
