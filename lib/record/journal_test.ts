import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "node:path";
import { withoutChecksums } from "../../tests/support/edit_record.ts";
import { UserError } from "../error/user_error.ts";
import type { NewEvent, RunEvent } from "./event.ts";
import { compareJournals, effectiveEvents, finishOf, JournalWriter, readJournal } from "./journal.ts";

const sha = "a".repeat(64);
const start: NewEvent = { event: "start", runId: "0123456789ab", seed: 1 };
const finish: NewEvent = { event: "finish", step: 3, seconds: 9, checkpointSha256: sha };

function step(at: number, loss: number = 5 - at): NewEvent {
  return { event: "step", step: at, loss, lr: 1e-3, gradNorm: 1, tokensPerSecond: Math.random() };
}

function evaluation(at: number, loss: number): NewEvent {
  const peakBytes = Math.floor(1e9 * Math.random());
  return {
    event: "eval",
    step: at,
    loss,
    bitsPerByte: loss / 2,
    tokens: 100,
    seconds: Math.random(),
    peakBytes,
  };
}

function withFolder(use: (path: string) => void): void {
  const folder = Deno.makeTempDirSync();
  try {
    use(join(folder, "journal.jsonl"));
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

function write(path: string, events: NewEvent[], validBytes = 0): RunEvent[] {
  using writer = new JournalWriter(path, validBytes);
  const written = events.map((event) => writer.write(event));
  writer.sync();
  return written;
}

/** Returns events with a time, as read from a journal with only these events. */
function journalOf(events: NewEvent[]): RunEvent[] {
  let read: RunEvent[] = [];
  withFolder((path) => {
    write(path, events);
    read = readJournal(path).events;
  });
  return read;
}

Deno.test("readJournal() returns the events of JournalWriter, with times", () => {
  withFolder((path) => {
    const written = write(path, [start, evaluation(0, 4), step(1), step(2, NaN)]);
    const { events, dropped, validBytes } = readJournal(path);
    assertEquals(events, written);
    assertEquals(dropped, undefined);
    assertEquals(validBytes, Deno.statSync(path).size);
    assert(!Number.isNaN(Date.parse(events[0]!.time)));
  });
});

Deno.test("readJournal() returns no events for a missing or empty file", () => {
  withFolder((path) => {
    assertEquals(readJournal(path), {
      events: [],
      dropped: undefined,
      superseded: 0,
      generation: 0,
      validBytes: 0,
    });
    Deno.writeTextFileSync(path, "");
    assertEquals(readJournal(path), {
      events: [],
      dropped: undefined,
      superseded: 0,
      generation: 0,
      validBytes: 0,
    });
  });
});

Deno.test("readJournal() drops a last line truncated anywhere, and JournalWriter replaces it", () => {
  withFolder((path) => {
    const events = write(path, [start, step(1), step(2)]);
    const whole = Deno.readFileSync(path);
    const begin = whole.subarray(0, -1).lastIndexOf(10) + 1;
    for (let end = begin + 1; end < whole.length; end++) {
      Deno.writeFileSync(path, whole.subarray(0, end));
      const cut = readJournal(path);
      assertEquals(cut.events, events.slice(0, 2));
      assertEquals(cut.validBytes, begin);
      assertEquals(cut.dropped, new TextDecoder().decode(whole.subarray(begin, end)));
    }
    const again = write(path, [step(2)], readJournal(path).validBytes);
    assertEquals(readJournal(path).events, [...events.slice(0, 2), ...again]);
    assertEquals(readJournal(path).dropped, undefined);
  });
});

Deno.test("readJournal() reports file and line of damage before the end", () => {
  withFolder((path) => {
    write(path, [start, step(1), step(2), step(3)]);
    const lines = Deno.readTextFileSync(path).trimEnd().split("\n");
    const damages: [string, number, (lines: string[]) => void][] = [
      ["cut", 2, (list) => list[1] = list[1]!.slice(0, 20)],
      ["no event", 1, (list) => list[0] = "{}"],
      ["empty", 3, (list) => list[2] = ""],
      ["zero bytes", 3, (list) => list[2] = "\0".repeat(40)],
      ["ended last line", 4, (list) => list[3] = list[3]!.slice(0, 20)],
      ["missing first", 1, (list) => list.shift()],
      ["missing inside", 3, (list) => list.splice(2, 1)],
      ["doubled", 4, (list) => list.splice(3, 0, list[2]!)],
      ["second start", 3, (list) => list.splice(2, 0, list[0]!)],
      ["field name", 2, (list) => list[1] = list[1]!.replace("loss", "lo\ufffds")],
      ["lost first checksum", 2, (list) => list[0] = list[0]!.replace(/,"crc":"[0-9a-f]{8}"/, "")],
      ["lost checksum", 3, (list) => list[2] = list[2]!.replace(/,"crc":"[0-9a-f]{8}"/, "")],
    ];
    for (const [name, line, damage] of damages) {
      const damaged = [...lines];
      damage(damaged);
      Deno.writeTextFileSync(path, `${damaged.join("\n")}\n`);
      const error = assertThrows(() => readJournal(path), UserError, `${path}, line ${line}:`, name);
      assertStringIncludes(error.message, "delete the run's folder");
      assertEquals(error.exitCode, 2);
    }
  });
});

Deno.test("readJournal() reports valid events in the wrong place, with and without checksums", () => {
  const best = { event: "best", sha256: sha } as const,
    checkpoint = { event: "checkpoint", sha256: sha } as const;
  const events: NewEvent[] = [
    ...[start, evaluation(0, 4), step(1), step(2), evaluation(2, 3), { ...best, step: 2 }],
    ...[step(3), evaluation(3, 2), { ...checkpoint, step: 3 }, finish],
  ];
  const insert = (at: number, event: NewEvent) => events.toSpliced(at, 0, event);
  const damages: [problem: string, line: number, events: NewEvent[]][] = [
    ["expected no event after finish, got step", 11, [...events, step(4)]],
    ["expected no event after finish, got eval", 11, [...events, evaluation(3, 2)]],
    ["expected no event after finish, got finish", 11, [...events, finish]],
    ["expected no event after finish, got fail", 11, [...events, { event: "fail", message: "late" }]],
    ["expected finish at step 2, got step 3", 7, events.toSpliced(6, 3)],
    ["expected finish at step 3, got step 2", 10, events.with(9, { ...finish, step: 2 } as NewEvent)],
    ["expected eval at step 1, got step 2", 4, insert(3, evaluation(2, 3))],
    ["expected one evaluation of step 2, got another", 6, insert(5, evaluation(2, 3))],
    ["expected checkpoint at step 3, got step 4", 9, events.with(8, { ...checkpoint, step: 4 })],
    ["expected best at step 2, got step 3", 6, events.with(5, { ...best, step: 3 })],
  ];
  withFolder((path) => {
    for (const change of [(text: string) => text, withoutChecksums]) {
      const save = (list: NewEvent[]) => {
        write(path, list);
        Deno.writeTextFileSync(path, change(Deno.readTextFileSync(path)));
      };
      for (const [problem, line, list] of damages) {
        save(list);
        const { message } = assertThrows(() => readJournal(path), UserError);
        assertStringIncludes(message, `${path}, line ${line}: `);
        assertStringIncludes(message, problem);
      }
      // A resume supersedes finish, and adds lost events.
      save([...events, { event: "resume", step: 2 }, { ...checkpoint, step: 1 }, step(3)]);
      const resumed = readJournal(path).events;
      assertEquals([resumed.length, finishOf(resumed)], [13, undefined]);
      save(events);
      assertEquals(readJournal(path, { steps: 3 }).events.length, 10);
      assertThrows(
        () => readJournal(path, { steps: 4 }),
        UserError,
        `${path}, line 10: expected an event, got a line with an error: ` +
          "expected finish after step 4, the last step of the run, got it after step 3",
      );
      save(events.with(9, { ...finish, stoppedEarly: true } as NewEvent));
      assertEquals(readJournal(path, { steps: 4 }).events.length, 10);
    }
  });
});

Deno.test("readJournal() reports every lost line before finish", () => {
  const counted: NewEvent = { ...finish, events: 9 } as NewEvent;
  const events: NewEvent[] = [
    ...[start, evaluation(0, 4), step(1), evaluation(1, 4), { event: "fail", message: "killed" } as const],
    ...[
      { event: "resume", step: 1 } as const,
      step(2),
      step(3),
      { event: "checkpoint", step: 3, sha256: sha } as const,
    ],
    counted,
  ];
  withFolder((path) => {
    write(path, events);
    assertEquals(readJournal(path).events.length, 10);
    for (let lost = 0; lost < 9; lost++) {
      write(path, events.toSpliced(lost, 1));
      assertThrows(() => readJournal(path), UserError, `${path}, line `);
    }
    write(path, events.toSpliced(3, 1));
    assertThrows(
      () => readJournal(path),
      UserError,
      "line 9: expected an event, got a line with an error: expected 9 events before finish, got 8",
    );
    // A superseded owner's lines are not counted, before and after the owner's first line.
    write(path, events.slice(0, 2));
    {
      const { validBytes, events: before } = readJournal(path);
      using writer = new JournalWriter(path, validBytes, { generation: 2 });
      {
        using late = new JournalWriter(path, validBytes);
        late.write(step(1));
      }
      writer.write({ event: "resume", step: 0 });
      {
        using late = new JournalWriter(path, Deno.statSync(path).size);
        late.write(step(1));
      }
      for (const at of [1, 2, 3]) writer.write(step(at));
      writer.write({ ...counted, events: before.length + writer.events } as NewEvent);
    }
    const { events: read, superseded } = readJournal(path);
    assertEquals([read.length, superseded], [8, 1]);
  });
});

Deno.test("readJournal() refuses another run's journal, and special files", () => {
  withFolder((path) => {
    write(path, [start, step(1)]);
    assertEquals(readJournal(path, { runId: "0123456789ab" }).events.length, 2);
    const told =
      "line 1: expected an event, got a line with an error: expected the journal of run ba9876543210, got that of run 0123456789ab";
    assertThrows(() => readJournal(path, { runId: "ba9876543210" }), UserError, told);
    Deno.removeSync(path);
    Deno.mkdirSync(path);
    assertThrows(() => readJournal(path), UserError, `${path}: expected a regular file, got a folder`);
    Deno.removeSync(path);
    // Opening a pipe would block until a writer opens it.
    const { success } = new Deno.Command("mkfifo", { args: [path] }).outputSync();
    assert(success);
    assertThrows(
      () => readJournal(path),
      UserError,
      `${path}: expected a regular file, got a device or pipe`,
    );
  });
});

Deno.test("readJournal() refuses a resume from a step beyond its last step", () => {
  withFolder((path) => {
    write(path, [start, step(1), { event: "resume", step: 2 }]);
    assertThrows(
      () => readJournal(path),
      UserError,
      "line 3: expected an event, got a line with an error: expected a resume from step 1 or earlier",
    );
  });
});

Deno.test("JournalWriter writes lines beyond 64 KiB completely, and escapes line breaks", () => {
  withFolder((path) => {
    const message = "line\n".repeat(40_000);
    write(path, [start, { event: "fail", message }]);
    const { events } = readJournal(path);
    assertEquals(events.length, 2);
    assertEquals(events[1]?.event === "fail" && events[1].message, message);
  });
});

Deno.test("effectiveEvents() keeps the later record of a repeated step", () => {
  const events = journalOf([
    start,
    evaluation(0, 4),
    step(1, 3),
    step(2, 30),
    evaluation(2, 30),
    step(3, 30),
    { event: "resume", step: 1 },
    step(2, 2),
    evaluation(2, 2),
    { event: "resume", step: 2 },
    step(3, 1),
  ]);
  const { steps, evals } = effectiveEvents(events);
  assertEquals(steps.map((event) => [event.step, event.loss]), [[1, 3], [2, 2], [3, 1]]);
  assertEquals(evals.map((event) => [event.step, event.loss]), [[0, 4], [2, 2]]);
});

Deno.test("compareJournals() treats an interrupted and an uninterrupted run as equal", () => {
  const whole = journalOf([
    start,
    evaluation(0, 4),
    step(1),
    step(2, NaN),
    step(3),
    evaluation(3, 2),
    finish,
  ]);
  const resumed = journalOf([
    start,
    evaluation(0, 4),
    step(1),
    { event: "checkpoint", step: 1, sha256: sha },
    step(2, 77),
    { event: "fail", message: "lost power" },
    { event: "resume", step: 1 },
    step(2, NaN),
    step(3),
    evaluation(3, 2),
    { event: "checkpoint", step: 3, sha256: sha },
    { ...finish, seconds: 1, peakBytes: 1 } as NewEvent,
  ]);
  assertEquals(compareJournals(whole, resumed), undefined);
});

Deno.test("compareJournals() returns the first step and field that differ", () => {
  const base = [start, step(1), step(2), step(3), evaluation(3, 2), finish];
  const changed = (at: number, event: NewEvent) => journalOf(base.with(at, event));
  const a = journalOf(base);
  const nearly = 3 + Number.EPSILON * 2;
  assertEquals(compareJournals(a, changed(2, step(2, nearly))), { step: 2, field: "loss", a: 3, b: nearly });
  assertEquals(compareJournals(a, changed(2, step(2, NaN))), { step: 2, field: "loss", a: 3, b: NaN });
  assertEquals(compareJournals(a, changed(4, evaluation(3, 2.5)))?.field, "loss");
  const other = { ...finish, checkpointSha256: "b".repeat(64) } as NewEvent;
  assertEquals(compareJournals(a, changed(5, other))?.field, "checkpointSha256");
});

Deno.test("compareJournals() detects a truncated journal", () => {
  const a = journalOf([start, step(1), step(2)]), b = journalOf([start, step(1)]);
  assertEquals(compareJournals(a, b)?.step, 2);
  assertEquals(compareJournals(b, a)?.step, 2);
});

Deno.test("JournalWriter removes a partial line after a full disk", async () => {
  // A process with a file size limit of 4 blocks of 512 bytes. Writes beyond fail like on a full disk.
  const folder = Deno.makeTempDirSync();
  try {
    const path = join(folder, "journal.jsonl");
    const module = new URL("./journal.ts", import.meta.url).href;
    const code = `import { JournalWriter } from ${JSON.stringify(module)};
      using writer = new JournalWriter(${JSON.stringify(path)}, 0);
      writer.write({ event: "start", runId: "x", seed: 1 });
      for (let step = 1; ; step++) {
        try {
          writer.write({ event: "step", step, loss: 1, lr: 1, gradNorm: 1, tokensPerSecond: 1 });
        } catch {
          console.log(step - 1);
          break;
        }
      }`;
    const { stdout, stderr } = await new Deno.Command("/bin/sh", {
      args: ["-c", 'trap "" XFSZ; ulimit -f 4; exec "$@"', "sh", Deno.execPath(), "eval", "--ext=ts", code],
      env: { DENO_NO_UPDATE_CHECK: "1" },
    }).output();
    const steps = Number(new TextDecoder().decode(stdout));
    assert(steps > 3, new TextDecoder().decode(stderr));
    const { events, dropped } = readJournal(path);
    assertEquals([events.length, dropped], [steps + 1, undefined]);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("JournalWriter syncs one time at once in the background, and reports a failed sync at the next write", async () => {
  const folder = Deno.makeTempDirSync();
  const prototype = Object.getPrototypeOf(Deno.openSync(join(folder, "x"), { write: true, create: true }));
  const original = prototype.syncData;
  try {
    const path = join(folder, "journal.jsonl");
    const syncs: PromiseWithResolvers<void>[] = [];
    prototype.syncData = () => {
      syncs.push(Promise.withResolvers());
      return syncs.at(-1)!.promise;
    };
    using writer = new JournalWriter(path, 0);
    writer.write(start);
    for (const at of [1, 2, 3]) {
      writer.write(step(at));
      writer.syncSoon();
    }
    assertEquals(syncs.length, 1);
    syncs[0]!.resolve();
    await new Promise((resolve) => setTimeout(resolve));
    assertEquals(syncs.length, 2); // for the lines that were written during the first sync
    assertEquals(readJournal(path).events.length, 4);
    syncs[1]!.reject(new Error("Input/output error (os error 5)"));
    await new Promise((resolve) => setTimeout(resolve));
    assertThrows(() => writer.write(step(4)), Error, "Input/output error");
    assertEquals(readJournal(path).events.length, 4);
    writer.write({ event: "fail", message: "Input/output error" });
    assertEquals(readJournal(path).events.length, 5);
  } finally {
    prototype.syncData = original;
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("readJournal() drops the lines of a superseded process", () => {
  withFolder((path) => {
    const lines: [NewEvent, number | undefined][] = [
      [start, undefined],
      [step(1), undefined],
      [step(2), 3],
      [step(2), undefined],
      [step(3), 2],
      [step(3), 3],
    ];
    for (const [event, generation] of lines) {
      using writer = new JournalWriter(path, readJournal(path).validBytes, { generation });
      writer.write(event);
    }
    const { events, superseded, generation } = readJournal(path);
    assertEquals(events.map((event) => "step" in event ? event.step : 0), [0, 1, 2, 3]);
    assert(events.every((event) => !("generation" in event)));
    assertEquals([superseded, generation], [2, 3]);
  });
});

Deno.test("JournalWriter neither writes nor truncates after another process owns the run", () => {
  withFolder((path) => {
    let owned = true;
    const requireOwned = () => {
      if (!owned) throw new Error("lost");
    };
    using writer = new JournalWriter(path, 0, { requireOwned });
    writer.write(start);
    owned = false;
    assertThrows(() => writer.write(step(1)), Error, "lost");
    assertThrows(() => new JournalWriter(path, 0, { requireOwned }), Error, "lost");
    assertEquals(readJournal(path).events.length, 1);
  });
});

Deno.test("compareJournals() ignores superseded best evaluations", () => {
  const time = "", sha256 = "a".repeat(64);
  const best = { event: "best", step: 2, sha256, time } as const;
  const steps: RunEvent[] = [1, 2, 3].map((n) => ({ ...step(n), time } as RunEvent));
  const undisturbed = [...steps.slice(0, 2), best, ...steps.slice(2)];
  assertEquals(
    compareJournals(undisturbed, [...steps.slice(0, 2), best, best, ...steps.slice(2)]),
    undefined,
  );
  assertEquals(compareJournals(undisturbed, steps)?.step, 2);
  const resumed: RunEvent[] = [
    ...steps.slice(0, 2),
    best,
    { event: "resume", step: 1, time },
    ...steps.slice(1),
  ];
  assertEquals(compareJournals(undisturbed, resumed)?.step, 2);
});
