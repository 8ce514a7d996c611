/** The first command in a new checkout: `deno task` downloads nothing, and commands use no package of the tests. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";

const ROOT = new URL("../", import.meta.url).pathname;

const { imports, scopes }: {
  imports: Record<string, string>;
  scopes: Record<string, Record<string, string>>;
} = JSON.parse(Deno.readTextFileSync(`${ROOT}import_map.json`));

/** Names of packages that only tests use. */
const testPackages = Object.values(scopes["./tests/"]!).map((target) =>
  /^npm:\/?(.+)@[^@]+$/.exec(target)![1]!
);

async function deno(args: string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: ROOT,
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", ...env },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test("with an empty cache, deno task starts the command at once, and nothing prints lines on downloads", async () => {
  const cache = Deno.makeTempDirSync({ prefix: "losskit-first-" });
  try {
    // Nothing listens at this registry: deno task itself must not need it.
    const env = { DENO_DIR: cache, NPM_CONFIG_REGISTRY: "http://127.0.0.1:9/" };
    const { code, stdout, stderr } = await deno(["task", "merge", "--help"], env);
    assertEquals([code, stdout], [1, ""]);
    const [first = "", ...others] = stderr.trim().split("\n");
    assert(first.startsWith("Task merge deno run --quiet --lock=deno.lock "), stderr);
    assertStringIncludes(others.join("\n"), "127.0.0.1:9"); // the command needs packages
    assert(!/^(Download|Initialize|Warning)/m.test(stderr), stderr);
  } finally {
    Deno.removeSync(cache, { recursive: true });
  }
});

Deno.test("every task is quiet and uses deno.lock", () => {
  const { tasks, lock } = JSON.parse(Deno.readTextFileSync(`${ROOT}deno.json`));
  assertEquals(lock, false);
  for (const [name, { command }] of Object.entries<{ command: string }>(tasks)) {
    assert(command.startsWith("deno run --quiet --lock=deno.lock "), name);
  }
});

Deno.test("the kernel in notebooks/ uses the settings of deno.json, and the packages of deno.lock", async () => {
  const [config, rootConfig, lock, rootLock] = [
    "notebooks/deno.json",
    "deno.json",
    "notebooks/deno.lock",
    "deno.lock",
  ]
    .map((path) => JSON.parse(Deno.readTextFileSync(ROOT + path)));
  const { nodeModulesDir, unstable } = rootConfig;
  assertEquals(config, { importMap: "../import_map.json", nodeModulesDir, unstable });
  assertEquals([lock.specifiers, lock.npm], [rootLock.specifiers, rootLock.npm]);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    // --frozen: the lock file would not change.
    args: ["eval", "--frozen", "--no-check", `import "@losskit/losskit"; import "arquero"; import "marked";`],
    cwd: `${ROOT}notebooks`,
    stdin: "null",
  }).output();
  assertEquals(success, true, new TextDecoder().decode(stderr));
});

Deno.test("no command downloads a package that only tests use", async () => {
  assert(testPackages.includes("fast-check"));
  assertEquals(testPackages.filter((name) => name in imports), []);
  const { stdout } = await deno(["info", "--json", "--lock=deno.lock", "lib/cli/main.ts"]);
  const { modules, npmPackages }: {
    modules: { kind: string; npmPackage?: string }[];
    npmPackages: Record<string, { name: string; dependencies: string[] }>;
  } = JSON.parse(stdout);
  const used = new Set<string>();
  const visit = (id: string): void => {
    if (used.has(id)) return;
    used.add(id);
    npmPackages[id]!.dependencies.forEach(visit);
  };
  for (const { npmPackage } of modules) if (npmPackage !== undefined) visit(npmPackage);
  const names = new Set([...used].map((id) => npmPackages[id]!.name));
  assert(names.has("@tensorflow/tfjs-core") && names.has("plotly.js-dist"));
  assertEquals(testPackages.filter((name) => names.has(name)), []);
});

Deno.test("npx prints no notice about versions of npm in a checkout", async () => {
  const { success, stdout } = await new Deno.Command("npm", {
    args: ["config", "get", "update-notifier"],
    cwd: ROOT,
    stdin: "null",
  }).output();
  assertEquals([success, new TextDecoder().decode(stdout).trim()], [true, "false"]);
});
