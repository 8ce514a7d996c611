import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { dirname, join } from "node:path";
import { atomicWrite } from "../file/atomic_write.ts";
import { ClaimedError, isClaimed, readHolder, removeStaleClaim, takeClaim } from "./claim.ts";
import { JournalWriter, readJournal } from "./journal.ts";

async function inFolder(use: (path: string) => Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync();
  try {
    await use(join(folder, "claim.json"));
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** Starts another process that claims a path until it is killed, or that attempts a claim and reports the result. */
function claimant(path: string): Deno.ChildProcess {
  const module = new URL("./claim.ts", import.meta.url).href;
  const code = `import { takeClaim } from ${JSON.stringify(module)};
    try {
      globalThis.claim = await takeClaim(${JSON.stringify(path)});
      console.log("claimed");
      setInterval(() => {}, 1000);
    } catch (error) { console.log(error.name); }`;
  return new Deno.Command(Deno.execPath(), {
    args: ["eval", "--ext=ts", code],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

async function firstLine(child: Deno.ChildProcess): Promise<string> {
  const reader = child.stdout.getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) break;
    text += new TextDecoder().decode(value);
  }
  await reader.cancel();
  return text.trim();
}

Deno.test("takeClaim() records its owner, and disposal removes the file", async () => {
  await inFolder(async (path) => {
    {
      using _claim = await takeClaim(path);
      assertEquals(readHolder(path)?.pid, Deno.pid);
      assertEquals(readHolder(path)?.host, Deno.hostname());
      assert(isClaimed(path));
      const error = await assertRejects(() => takeClaim(path), ClaimedError, `process ${Deno.pid} on`);
      assertEquals(error.exitCode, 75);
    }
    assert(!isClaimed(path));
    assertEquals(readHolder(path), undefined);
    using _again = await takeClaim(path);
  });
});

Deno.test("takeClaim() fails while another process owns the claim, and succeeds after that process was killed", async () => {
  await inFolder(async (path) => {
    const child = claimant(path);
    assertEquals(await firstLine(child), "claimed");
    await assertRejects(() => takeClaim(path), ClaimedError, `process ${child.pid} on`);
    child.kill("SIGKILL");
    await child.status;
    assertEquals(readHolder(path)?.pid, child.pid, "a killed process leaves its file");
    using _claim = await takeClaim(path);
    assertEquals(readHolder(path)?.pid, Deno.pid);
  });
});

Deno.test("removeStaleClaim() removes the file of a killed process, and no other file", async () => {
  await inFolder(async (path) => {
    removeStaleClaim(path);
    const owner = claimant(path);
    assertEquals(await firstLine(owner), "claimed");
    removeStaleClaim(path);
    assert(isClaimed(path));
    owner.kill("SIGKILL");
    await owner.status;
    const holder = readHolder(path)!;
    Deno.writeTextFileSync(path, JSON.stringify({ ...holder, host: "elsewhere" }));
    removeStaleClaim(path);
    assertEquals(readHolder(path)?.host, "elsewhere");
    Deno.writeTextFileSync(path, JSON.stringify(holder));
    removeStaleClaim(path);
    assertEquals(readHolder(path), undefined);
    assertEquals([...Deno.readDirSync(dirname(path))], []);
  });
});

Deno.test("takeClaim() succeeds in one of many processes", async () => {
  await inFolder(async (path) => {
    const children = Array.from({ length: 8 }, () => claimant(path));
    const lines = await Promise.all(children.map(firstLine));
    for (const [i, child] of children.entries()) {
      if (lines[i] === "claimed") child.kill("SIGKILL"); // the others have exited
      await child.status;
    }
    assertEquals(lines.sort(), [...Array(7).fill("ClaimedError"), "claimed"]);
  });
});

Deno.test("takeClaim() respects another host's claim with heartbeats, and takes over a stale one", async () => {
  await inFolder(async (path) => {
    const holder = { host: "elsewhere", pid: 7, token: "t", beat: 0 };
    const write = () => Deno.writeTextFileSync(path, JSON.stringify(holder));
    write();
    const timer = setInterval(() => {
      holder.beat++;
      write();
    }, 10);
    try {
      await assertRejects(() => takeClaim(path, { beatEvery: 30 }), ClaimedError, "process 7 on elsewhere");
    } finally {
      clearInterval(timer);
    }
    const lines: string[] = [];
    using _claim = await takeClaim(path, { beatEvery: 10, print: (line) => lines.push(line) });
    assertEquals(lines.length, 1);
    assertEquals(readHolder(path)?.host, Deno.hostname());
  });
});

Deno.test("takeClaim() works with heartbeats only, without locks", async () => {
  await inFolder(async (path) => {
    const options = { beatEvery: 20, lock: false };
    const claim = await takeClaim(path, options);
    await assertRejects(() => takeClaim(path, options), ClaimedError);
    claim[Symbol.dispose]();
    using _again = await takeClaim(path, options);
  });
});

Deno.test("Claim is lost after another host takes over, and keeps the other's file", async () => {
  await inFolder(async (path) => {
    const claim = await takeClaim(path, { beatEvery: 10 });
    const lost = new Promise((resolve) => claim.lost.addEventListener("abort", resolve));
    Deno.writeTextFileSync(path, JSON.stringify({ host: "elsewhere", pid: 7, token: "other", beat: 3 }));
    const alive = setInterval(() => {}, 10); // a claim alone does not keep a process alive
    await lost;
    clearInterval(alive);
    claim[Symbol.dispose]();
    assertEquals(readHolder(path)?.token, "other");
  });
});

/** Waits for an effect of a claim's timer, which alone does not keep a process alive. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 1));
}

Deno.test("Claim restores a temporarily unreadable file, and is lost if the file stays missing", async () => {
  await inFolder(async (path) => {
    using claim = await takeClaim(path, { beatEvery: 20 });
    const token = readHolder(path)!.token;
    for (const text of ["", "{", '{"host":']) {
      Deno.writeTextFileSync(path, text);
      await until(() => claim.lost.aborted || readHolder(path) !== undefined);
      const { beat } = readHolder(path)!;
      await until(() => claim.lost.aborted || readHolder(path)!.beat > beat); // it has checked the file
      assertEquals([claim.lost.aborted, readHolder(path)?.token], [false, token]);
    }
    Deno.removeSync(path);
    await until(() => claim.lost.aborted);
  });
});

Deno.test("takeClaim() does not take over another host's claim after a single unreadable check", async () => {
  await inFolder(async (path) => {
    const holder = { host: "elsewhere", pid: 7, token: "t", beat: 0 };
    Deno.writeTextFileSync(path, JSON.stringify(holder));
    const taken = takeClaim(path, { beatEvery: 60 });
    Deno.writeTextFileSync(path, "");
    const timer = setTimeout(() => Deno.writeTextFileSync(path, JSON.stringify({ ...holder, beat: 1 })), 90);
    await assertRejects(() => taken, ClaimedError, "process 7 on elsewhere");
    clearTimeout(timer);
  });
});

Deno.test("takeClaim() claims a run that another host released during the wait", async () => {
  await inFolder(async (path) => {
    Deno.writeTextFileSync(path, JSON.stringify({ host: "elsewhere", pid: 7, token: "t", beat: 0 }));
    const taken = takeClaim(path, { beatEvery: 10 });
    Deno.removeSync(path);
    using _claim = await taken;
    assertEquals(readHolder(path)?.host, Deno.hostname());
  });
});

Deno.test("takeClaim() ignores invalid claim files, and refuses a read-only folder", async () => {
  await inFolder(async (path) => {
    for (const text of ["", "{", "null", "[]", '{"host":3}', "\0\0\0"]) {
      Deno.writeTextFileSync(path, text);
      using _claim = await takeClaim(path);
    }
    const error = await takeClaim(join(path, "none", "claim.json")).catch((error) => error);
    assertInstanceOf(error, Error);
    assert(error.message.includes("expected a writable folder"), error.message);
  });
});

Deno.test("requireHeld() detects a takeover before the next heartbeat", async () => {
  await inFolder(async (path) => {
    using claim = await takeClaim(path, { beatEvery: 60_000 });
    claim.requireHeld({ always: true });
    assertEquals(readHolder(path)?.beat! >= 1, true);
    const other = { host: "elsewhere", pid: 7, token: "other", beat: 3, generation: 5 };
    Deno.writeTextFileSync(path, JSON.stringify(other));
    const error = assertThrows(
      () => claim.requireHeld({ always: true }),
      ClaimedError,
      "process 7 on elsewhere",
    );
    assertEquals(error.exitCode, 75);
    assertThrows(() => claim.requireHeld(), ClaimedError);
    assert(claim.lost.aborted);
    assertEquals(readHolder(path), other);
  });
});

Deno.test("begin() returns a generation above the journal's and the stale claim's", async () => {
  await inFolder(async (path) => {
    {
      using claim = await takeClaim(path);
      assertEquals([claim.begin(0), readHolder(path)?.generation], [1, 1]);
      assertEquals([claim.begin(4), readHolder(path)?.generation], [5, 5]);
      assertEquals(claim.begin(2), 5);
    }
    const stale = { host: Deno.hostname(), pid: 7, token: "t", beat: 0 };
    for (const [generation, wanted] of [[undefined, 2], [6, 7], [-1, 2], ["x", 2]]) {
      Deno.writeTextFileSync(path, JSON.stringify({ ...stale, generation }));
      using claim = await takeClaim(path);
      assertEquals(claim.begin(1), wanted);
    }
  });
});

/**
 * Runs a process without file locks that writes steps and checkpoints until it loses its claim, and then reports the
 * loss.
 */
function writer(folder: string, fenced: boolean): Deno.ChildProcess {
  const module = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);
  const code = `import { takeClaim } from ${module("./claim.ts")};
    import { JournalWriter } from ${module("./journal.ts")};
    import { atomicWrite } from ${module("../file/atomic_write.ts")};
    const folder = ${JSON.stringify(folder)};
    const claim = await takeClaim(folder + "/claim.json", { lock: false, beatEvery: 40 });
    const requireOwned = () => ${fenced} && claim.requireHeld();
    const journal = new JournalWriter(folder + "/journal.jsonl", 0, { generation: claim.begin(0), requireOwned });
    journal.write({ event: "start", runId: "0123456789ab", seed: 1 });
    try {
      for (let step = 1;; step++) {
        journal.write({ event: "step", step, loss: 1, lr: 1, gradNorm: 1, tokensPerSecond: 1 });
        if (${fenced}) {
          atomicWrite(folder + "/checkpoint", "of the first", { beforeRename: () => claim.requireHeld({ always: true }) });
        }
        if (step === 3) console.log("at work");
        if (!${fenced} && claim.lost.aborted) throw { name: "lost" };
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    } catch (error) { console.log(error.name); }`;
  return new Deno.Command(Deno.execPath(), {
    args: ["eval", "--ext=ts", code],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

for (const fenced of [true, false]) {
  Deno.test(
    `without file locks, a suspended writer that wakes up ${
      fenced ? "writes nothing" : "and writes all the same is not counted"
    }`,
    async () => {
      const folder = Deno.makeTempDirSync();
      try {
        const child = writer(folder, fenced);
        const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
        assertEquals((await reader.read()).value, "at work\n");
        child.kill("SIGSTOP");
        const journal = join(folder, "journal.jsonl");
        using claim = await takeClaim(join(folder, "claim.json"), { lock: false, beatEvery: 40 });
        const { events: before, validBytes, generation } = readJournal(journal);
        const at = before.filter(({ event }) => event === "step").length;
        using own = new JournalWriter(journal, validBytes, { generation: claim.begin(generation) });
        own.write({ event: "resume", step: at });
        atomicWrite(join(folder, "checkpoint"), "of the second");
        child.kill("SIGCONT");
        assertEquals((await reader.read()).value, fenced ? "ClaimedError\n" : "lost\n");
        await reader.cancel();
        await child.status;
        own.write({ event: "step", step: at + 1, loss: 2, lr: 1, gradNorm: 1, tokensPerSecond: 1 });
        const { events, superseded, generation: last } = readJournal(journal);
        assertEquals(events.slice(before.length).map(({ event }) => event), ["resume", "step"]);
        assertEquals([last, superseded > 0], [2, !fenced]);
        assertEquals(Deno.readTextFileSync(join(folder, "checkpoint")), "of the second");
      } finally {
        Deno.removeSync(folder, { recursive: true });
      }
    },
  );
}
