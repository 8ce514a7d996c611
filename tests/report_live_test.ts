/**
 * `report --watch` and `report --figures`: the server listens on the loopback address only, sends every change, serves pages
 * again after a restart, and refuses invalid requests.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { basename, join } from "node:path";
import { runPaths, writeNote } from "../lib/record/mod.ts";
import { findChromium, launchChromium } from "./support/chromium.ts";
import { ended, runTask, startTask } from "./support/commands.ts";
import { writeSyntheticRun } from "./support/synthetic_runs.ts";

const chromium = await findChromium();
if (chromium === undefined) console.log("the live page's test is ignored: no Chromium could be had");

function writePair(dir: string, seed: number): void {
  for (const policy of ["float32", "bf16-autocast"]) {
    const losses = [3, 2, policy === "float32" ? 1 : 1.01];
    writeSyntheticRun(dir, { losses, evals: [{ step: 3, loss: losses[2]! }], spec: { policy, seed } });
  }
}

/** Starts `report --watch` and waits until it serves. */
async function watch(
  dir: string,
  port = 0,
): Promise<{ url: string; child: Deno.ChildProcess; end(): Promise<number> }> {
  const child = startTask("report", [dir, "--watch", "--port", String(port)]);
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let told = "";
  while (!/http:\S+/.test(told)) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`report --watch ended: ${told}${await new Response(child.stderr).text()}`);
    told += value;
  }
  const end = async () => {
    child.kill("SIGINT");
    const { code } = await child.status;
    await reader.cancel();
    await child.stderr.cancel();
    return code;
  };
  return { url: /http:\S+/.exec(told)![0], child, end };
}

Deno.test("report --watch sends the current state and then every change", async () => {
  const dir = Deno.makeTempDirSync();
  writePair(dir, 1);
  // Files next to the runs and cyclic links do not stop the server.
  Deno.writeTextFileSync(join(dir, "runs", ".DS_Store"), "");
  Deno.symlinkSync("circle", join(dir, "runs", "circle"));
  const { url, end } = await watch(dir);
  try {
    const html = await (await fetch(url)).text();
    const version = /data-version="(\w+)"/.exec(html)![1];
    assertStringIncludes(html, "connect-src 'self'");
    const response = await fetch(`${url}events`);
    assertEquals(response.headers.get("content-type"), "text/event-stream");
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    assertStringIncludes((await reader.read()).value!, `data: ${version}\n\n`);
    writePair(dir, 2);
    const told = (await reader.read()).value!;
    assert(!told.includes(version!), told);
    assertStringIncludes(await (await fetch(url)).text(), `data-version="${/data: (\w+)/.exec(told)![1]}"`);
    const [run] = [...Deno.readDirSync(join(dir, "runs"))].filter(({ isDirectory }) => isDirectory);
    writeNote(runPaths(join(dir, "runs", run!.name)).note, { text: "", tags: ["noted"] });
    assert(!told.includes((await reader.read()).value!));
    assertStringIncludes(await (await fetch(url)).text(), "noted");
    await reader.cancel();
  } finally {
    assertEquals(await end(), 0);
    Deno.removeSync(dir, { recursive: true });
  }
});

/** Sends raw bytes, and returns the first line of the response. */
async function raw(port: number, request: string): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(request));
  const buffer = new Uint8Array(4096);
  const length = await connection.read(buffer) ?? 0;
  return new TextDecoder().decode(buffer.subarray(0, length)).split("\r\n")[0]!;
}

Deno.test("report --watch answers only requests with its own address and secret, and only with the report", async () => {
  const dir = Deno.makeTempDirSync();
  writePair(dir, 1);
  const { url, end } = await watch(dir);
  try {
    const { port, pathname } = new URL(url);
    assertMatch(pathname, /^\/[0-9a-f]{32}\/$/);
    const no = `/${"0".repeat(32)}/`;
    for (
      const path of [
        "/",
        "/events",
        no,
        `${no}events`,
        pathname.slice(0, -1),
        `${pathname}manifest.json`,
        "/runs/",
      ]
    ) {
      const response = await fetch(new URL(path, url));
      assertEquals([path, response.status], [path, 404]);
      await response.body?.cancel();
    }
    Deno.writeTextFileSync(join(dir, "compare.json"), "{");
    const damaged = await fetch(url);
    assertEquals(damaged.status, 500);
    assertStringIncludes(await damaged.text(), `Cannot read ${join(dir, "compare.json")}`);
    Deno.removeSync(join(dir, "compare.json"));
    const whole = await fetch(url);
    assertEquals(whole.status, 200);
    await whole.body?.cancel();
    const post = await fetch(url, { method: "POST", body: "x" });
    assertEquals([post.status, await post.text()], [405, "only GET\n"]);
    // DNS rebinding: a page of another site whose name resolves to this machine sends its own host.
    const own = `127.0.0.1:${port}`;
    const hosts = [
      "Host: evil.example",
      `Host: ${own}@evil.example`,
      `Host: evil.example:${port}`,
      "Host: [",
      "Host: a b",
      "Host: ",
      `Host: ${own}/x`,
      "Host: \xff\xfe",
      "X: y",
      "Host: 127.0.0.1:99999",
      `Host: ${own}, evil.example`,
    ];
    for (const host of hosts) {
      for (const version of ["1.1", "1.0"]) {
        const line = await raw(
          Number(port),
          `GET ${pathname} HTTP/${version}\r\n${host}\r\nConnection: close\r\n\r\n`,
        );
        assertMatch(line, / (421|400) /, host); // 400: the HTTP library refuses it before we are asked
        if (/^[\x20-\x7e]*$/.test(host)) assertMatch(line, / 421 /, host);
      }
    }
    const elsewhere =
      `GET http://evil.example${pathname} HTTP/1.1\r\nHost: ${own}\r\nConnection: close\r\n\r\n`;
    assertMatch(await raw(Number(port), elsewhere), / 421 /);
    const right = `GET ${pathname} HTTP/1.1\r\nHost: LOCALHOST:${port}\r\nConnection: close\r\n\r\n`;
    assertMatch(await raw(Number(port), right), / 200 /);
    const listening = await new Deno.Command("ss", { args: ["-Hltn", `sport = :${port}`] }).output()
      .catch(() => undefined);
    if (listening?.success) {
      assertStringIncludes(new TextDecoder().decode(listening.stdout), `127.0.0.1:${port}`);
    }
    const second = await runTask("report", [dir, "--watch", "--port", port]);
    assertEquals(second.code, 2);
    assertStringIncludes(second.stderr, `port ${port} is in use. Choose another --port`);
  } finally {
    assertEquals(await end(), 0);
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("report --watch limits stalled readers, drops them, and serves others", async () => {
  const dir = Deno.makeTempDirSync();
  writePair(dir, 1);
  const { url, end } = await watch(dir);
  const { port, pathname } = new URL(url);
  const ask = async (path: string) => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
    const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
    await connection.write(new TextEncoder().encode(request));
    return connection;
  };
  const open: Deno.TcpConn[] = [];
  try {
    for (let i = 0; i < 100; i++) open.push(await ask(pathname), await ask(`${pathname}events`));
    const busy = await fetch(url), events = await fetch(`${url}events`);
    assertEquals([busy.status, events.status], [503, 503]);
    await Promise.all([busy.text(), events.text()]);
    // Other readers get their page once stalled readers are dropped, for any number of stalled readers.
    let status = 503;
    for (let i = 0; i < 300 && status === 503; i++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      const response = await fetch(url);
      status = response.status;
      assertEquals((await response.text()).endsWith("</html>\n"), status === 200);
    }
    assertEquals(status, 200);
  } finally {
    for (const connection of open) connection.close();
    assertEquals(await end(), 0);
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test({
  name: "an open page follows a sweep, keeps its filters, and catches up after a restart of the server",
  ignore: chromium === undefined,
  fn: async () => {
    const dir = Deno.makeTempDirSync();
    const first = await watch(dir); // before the first run
    const browser = await launchChromium(chromium!);
    try {
      const page = await browser.newPage();
      const errors: string[] = [];
      page.on("pageerror", (error) => errors.push(String(error)));
      await page.goto(first.url);
      const rows = (count: number) =>
        page.waitForFunction(
          `document.querySelectorAll("table[data-of=runs] tbody tr:not([hidden])").length === ${count}`,
          { timeout: 20_000 },
        );
      await rows(0);
      for (const seed of [1, 2]) writePair(dir, seed);
      await rows(4);
      await page.click("#filters input[name=seed][value='1']");
      await rows(2);
      writePair(dir, 3);
      await rows(4); // seed 3 is new, and the second seed stays out
      // What is in use stays as it is: a control, the focus, drawn figures. Changes during an update are joined.
      await page.evaluate(`(() => {
        const find = (selector) => document.querySelector(selector);
        find("figure:not([hidden]) .plot[id]").scrollIntoView();
        const { fetch } = window;
        let open = 0;
        Object.assign(window, { used: [find("#view [name=smooth]"), find("figure:not([hidden]) .plot[id]")], most: 0 });
        window.fetch = async (path) => {
          window.most = Math.max(window.most, ++open);
          await new Promise((done) => setTimeout(done, 2500));
          open--;
          return fetch(path);
        };
        find("table[data-of=runs] tbody tr:not([hidden]) .open").focus({ preventScroll: true });
        window.focused = document.activeElement.textContent;
      })()`);
      await page.waitForFunction("used[1].querySelector('.scatterlayer path')");
      writePair(dir, 5);
      await new Promise((resolve) => setTimeout(resolve, 1500));
      writePair(dir, 6);
      await rows(8);
      assertEquals(
        await page.evaluate(`[
          used.every(({ isConnected }) => isConnected),
          document.activeElement.textContent === focused,
          most,
          document.querySelectorAll("button.csv").length,
        ]`),
        [true, true, 1, await page.$$eval(".scroll > table", (tables) => tables.length)],
      );
      // A note appears, also on the page of its run. A figure there keeps the focus.
      await page.evaluate(
        "document.querySelector('table[data-of=runs] tbody tr:not([hidden]) .open').click()",
      );
      await page.waitForSelector("#run .scatterlayer path");
      await page.focus("#run-figure-0");
      const noted = await page.$eval("#run h2", (heading) => heading.textContent!.slice("Run ".length));
      writeNote(runPaths(join(dir, "runs", noted)).note, { text: "noted later", tags: [] });
      await page.waitForFunction(
        "document.querySelector('#run .headline')?.textContent === 'noted later'",
        { timeout: 20_000 },
      );
      await page.waitForFunction("document.activeElement.id === 'run-figure-0'");
      await page.keyboard.press("Escape");
      // A run that fails appears with its error message.
      writeSyntheticRun(dir, { losses: [3], end: { fail: "the disk is full" }, spec: { seed: 7 } });
      await rows(9);
      const failures = await page.$$eval(
        "h2",
        (headings) =>
          headings.filter(({ textContent }) => textContent === "Failures").map(({ parentElement }) =>
            parentElement!.innerText
          ),
      );
      assertEquals([failures.length, failures[0]?.includes("the disk is full")], [1, true], `${failures}`);
      assertEquals(await first.end(), 0);
      await page.waitForFunction(
        "document.getElementById('live').textContent.startsWith('connection lost')",
        {
          timeout: 20_000,
        },
      );
      writePair(dir, 4);
      const again = await watch(dir, Number(new URL(first.url).port));
      try {
        await rows(11);
        assertEquals(await page.$eval("#live", (element) => element.textContent), "live");
        assertEquals(errors, []);
      } finally {
        await page.close();
        await again.end();
      }
    } finally {
      await browser.close();
      Deno.removeSync(dir, { recursive: true });
    }
  },
});

Deno.test("report --figures writes each figure as SVG or PNG, and rejects invalid requests", async () => {
  const dir = Deno.makeTempDirSync();
  try {
    for (const seed of [1, 2]) writePair(dir, seed);
    for (const kind of ["svg", "png"]) {
      const { code, stdout, stderr } = await runTask("report", [dir, "--figures", kind]);
      assertEquals(code, 0, stderr);
      const files = [...Deno.readDirSync(join(dir, "figures"))].map(({ name }) => name)
        .filter((name) => name.endsWith(kind)).sort();
      assertEquals(files, [
        `01-loss-character-t-64.${kind}`,
        `02-gap-character-t-64.${kind}`,
        `03-gradient-norm.${kind}`,
        `04-learning-rate.${kind}`,
        `05-throughput.${kind}`,
      ]);
      for (const file of files) assertStringIncludes(stdout, file);
    }
    assertStringIncludes(Deno.readTextFileSync(join(dir, "figures", "01-loss-character-t-64.svg")), "<svg ");
    for (
      const [args, message] of [
        [[dir, "--figures", "gif"], "expected svg or png, got gif"],
        [[join(dir, "none"), "--watch"], "expected a sweep's folder, got a path that does not exist"],
        [[dir, "--watch", "--port", "70000"], "--port: expected a whole number from 0 to 65,535, got 70000"],
        [[dir, "--tolerance", "-1"], "--tolerance: expected a number of nats from 0 to 1,000, got -1"],
      ] as const
    ) {
      const { code, stderr } = await ended(startTask("report", [...args]));
      assertEquals([code, stderr.includes(message), stderr.includes("    at ")], [2, true, false], stderr);
    }
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("report lists excluded runs with the reason, for one folder and for several", async () => {
  const root = Deno.makeTempDirSync();
  try {
    const lost = writeSyntheticRun(root, { losses: [3, 2] });
    Deno.removeSync(join(lost, "manifest.json"));
    const none = join(root, "none");
    Deno.mkdirSync(join(none, "runs"), { recursive: true });
    const wanted = [
      `warning: run ${basename(lost)} is skipped: its folder has no manifest.json: the file is lost`,
      `warning: no run of ${none} has started`,
    ];
    const both = await runTask("report", [root, none, "--out", join(root, "both.html")]);
    const [one, other] = [await runTask("report", [root]), await runTask("report", [none])];
    assertEquals([both.code, one.code, other.code], [3, 3, 0], both.stderr);
    for (const text of wanted) assertStringIncludes(both.stdout, text);
    assertStringIncludes(one.stdout, wanted[0]!);
    assertStringIncludes(other.stdout, wanted[1]!);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});

Deno.test("report compares the runs of a CPU and of a GPU with their own float32 runs", async () => {
  const root = Deno.makeTempDirSync();
  try {
    const folders = [["cpu", 0.01], ["NVIDIA H100", 0.02]].map(([device, gap]) => {
      const dir = join(root, String(device));
      for (const seed of [1, 2]) {
        for (const policy of ["float32", "bf16-autocast"]) {
          const base = device === "cpu" ? 1 : 1.5;
          const last = policy === "float32" ? base : base + Number(gap);
          writeSyntheticRun(dir, {
            losses: [3, 2, last],
            evals: [{ step: 3, loss: last }],
            spec: { policy, seed },
            environment: { device: String(device) },
          });
        }
      }
      return dir;
    });
    const out = join(root, "both.html");
    const { code, stdout, stderr } = await runTask("report", [...folders, "--out", out]);
    assertEquals(code, 0, stderr);
    for (const device of ["cpu", "NVIDIA H100"]) assertStringIncludes(stdout, device);
    for (const gap of ["+0.01000", "+0.02000"]) assertStringIncludes(stdout, gap);
    const html = Deno.readTextFileSync(out);
    for (
      const text of ["Loss: character, T = 64, cpu", "Loss: character, T = 64, NVIDIA H100", "Gap by device"]
    ) {
      assertStringIncludes(html, text);
    }
    const alone = await runTask("report", folders);
    assertEquals([alone.code, alone.stderr.includes("Name it with --out")], [2, true]);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});
