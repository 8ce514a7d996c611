/**
 * Runs Python, uv and other tools that fetch packages. Python is isolated from the current folder and from environment
 * variables such as `PYTHONPATH`.
 *
 * @module
 */

/** The result of running a tool. */
export interface ToolResult {
  /** Standard output of the tool. */
  readonly stdout: string;
  /** Reason of the failure, in one line. Undefined on success. */
  readonly failure: string | undefined;
}

/** Options for running a tool. */
export interface ToolOptions {
  /** Working folder. Default: the current one. */
  readonly cwd?: string;
  /** Environment variables for the tool. A variable that the user has set takes precedence, except for `TMPDIR`. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs Python with `-I`. Python then imports no modules from the current folder or `PYTHONPATH`, so that a file
 * named `pip.py` there does not replace pip.
 *
 * @param python Name or path of Python.
 * @param args Arguments after `-I`.
 */
export async function runPython(
  python: string,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<ToolResult> {
  return await runTool(python, ["-I", ...args], options);
}

/** Runs a tool and waits for its end. Reports failures in the result instead of throwing them. */
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
        PIP_REQUIRE_VIRTUALENV: "false", // the user's configuration may refuse to work outside environments
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

/** Returns the most informative line of a tool's errors: its last error, with the network's fault. */
function explainFailure(stderr: string): string {
  const lines = stderr.trim().split("\n").map((line) => line.trim());
  const last = lines.findLast((line) => /^error/i.test(line)) ?? lines.at(-1) ?? "";
  // pip reports a broken connection in a warning, and then that the package does not exist.
  const broken = lines.findLast((line) => /connection broken by|^cause:/.test(line));
  const why = broken?.match(/\[Errno [^\]]*\] ([^'")]+)/)?.[1] ?? broken;
  const text = why === undefined ? last : `${last} (${why.replace(/^cause: /, "")})`;
  return text.slice(0, 400) || "it ended with an error but no message";
}
