/**
 * Runs one test file in a separate `deno test` process and counts its tests.
 *
 * @module
 */

/** Counts of tests. Steps are parts of their test, as in Deno's last line. */
export interface Outcome {
  passed: number;
  failed: number;
  skipped: number;
}

/**
 * Runs one test file and counts its tests.
 *
 * @param file Path of the file.
 * @param limit Time limit in milliseconds. The process is then killed.
 * @returns Counts and output. A process that failed, was killed or ran no test counts as at least 1 failed; the last line of
 * the output states the reason.
 */
export async function runTestFile(
  file: string,
  limit: number,
): Promise<{ outcome: Outcome; output: string }> {
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  try {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["test", "-A", "--no-check", "--quiet", "--lock=deno.lock", `--junit-path=${report}`, file],
      env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, limit);
    child.status.then(() => clearTimeout(timer));
    const { code, signal, stdout, stderr } = await child.output();

    const outcome = readJunit(await Deno.readTextFile(report));
    const { passed, failed, skipped } = outcome;
    const reason = late
      ? `killed: it took longer than ${limit / 1000} s`
      : signal !== null
      ? `ended by ${signal}`
      : code !== 0
      ? `exit status ${code}`
      : passed + failed + skipped === 0
      ? "it holds no test, or ended before them"
      : undefined;
    // A file that did not load or was killed has an incomplete report.
    if (reason !== undefined && failed === 0) outcome.failed = 1;
    const printed = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
    return { outcome, output: `${printed}\n(${file}: ${reason ?? "exit status 0"})` };
  } finally {
    await Deno.remove(report);
  }
}

/** Returns the counts in a JUnit report of `deno test`; zero for an empty report. */
export function readJunit(xml: string): Outcome {
  const cases = [...xml.matchAll(/<testcase name="([^"]*)"[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g)]
    .map(([, name = "", body = ""]) => ({ name, body }));
  const names = new Set(cases.map(({ name }) => name));
  const outcome: Outcome = { passed: 0, failed: 0, skipped: 0 };
  for (const { name, body } of cases) {
    if (isStep(name, names)) continue;
    if (/<(failure|error)\b/.test(body)) outcome.failed++;
    else if (/<skipped\b/.test(body)) outcome.skipped++;
    else outcome.passed++;
  }
  return outcome;
}

/** Returns true for a step. JUnit reports list a step as a case, named after its test. */
function isStep(name: string, names: Set<string>): boolean {
  const separator = " &gt; ";
  for (let at = name.indexOf(separator); at >= 0; at = name.indexOf(separator, at + 1)) {
    if (names.has(name.slice(0, at))) return true;
  }
  return false;
}
