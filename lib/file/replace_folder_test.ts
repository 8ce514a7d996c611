import { assertEquals, assertThrows } from "@std/assert";
import { join } from "node:path";
import { UserError } from "../error/user_error.ts";
import {
  completeReplacement,
  type FolderPlace,
  isBetweenFolders,
  removeIncoming,
  replaceFolder,
  stagedNames,
} from "./replace_folder.ts";

function withPlace(use: (at: FolderPlace, root: string) => void): void {
  const root = Deno.makeTempDirSync();
  try {
    const staging = join(root, "staging");
    Deno.mkdirSync(staging);
    use({ place: join(root, "place"), staging, isBlank: (folder) => !fileIn(folder) }, root);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

function fileIn(folder: string): string | undefined {
  try {
    return Deno.readTextFileSync(join(folder, "file"));
  } catch {
    return undefined;
  }
}

function make(folder: string, text?: string): void {
  Deno.mkdirSync(folder);
  if (text !== undefined) Deno.writeTextFileSync(join(folder, "file"), text);
}

Deno.test("replaceFolder() replaces a folder and leaves nothing in the staging folder", () => {
  withPlace((at) => {
    make(at.place, "old");
    replaceFolder(at, (folder) => Deno.writeTextFileSync(join(folder, "file"), "new"));
    assertEquals([fileIn(at.place), stagedNames(at.staging)], ["new", []]);
  });
});

Deno.test("replaceFolder() keeps the old folder when the new one cannot be made, or another one appears in between", () => {
  withPlace((at) => {
    make(at.place, "old");
    assertThrows(
      () =>
        replaceFolder(at, () => {
          throw new Error("full");
        }),
      Error,
      "full",
    );
    assertEquals([fileIn(at.place), stagedNames(at.staging)], ["old", []]);
    const rename = Deno.renameSync;
    Deno.renameSync = (from, to) => {
      rename(from, to);
      if (from === at.place) make(at.place, "another process's");
    };
    try {
      assertThrows(() => replaceFolder(at, (folder) => Deno.writeTextFileSync(join(folder, "file"), "new")));
    } finally {
      Deno.renameSync = rename;
    }
    assertEquals(fileIn(join(at.staging, "place.old")), "old");
    assertThrows(() => completeReplacement(at), UserError, "got one with files");
    assertEquals([fileIn(at.place), fileIn(join(at.staging, "place.old"))], ["another process's", "old"]);
  });
});

Deno.test("completeReplacement() restores one whole folder from every state that a kill can leave", () => {
  const states: [
    incoming: boolean,
    outgoing: boolean,
    place: string | undefined,
    want: string | undefined,
  ][] = [
    [false, false, "only", "only"],
    [true, false, "old", "old"],
    [true, true, undefined, "new"],
    [false, true, undefined, "old"],
    [false, true, "new", "new"],
    [true, true, "", "new"],
  ];
  for (const [incoming, outgoing, place, want] of states) {
    withPlace((at) => {
      if (incoming) make(join(at.staging, "place.new"), "new");
      if (outgoing) make(join(at.staging, "place.old"), "old");
      if (place !== undefined) make(at.place, place || undefined);
      assertEquals(isBetweenFolders(at), outgoing && (incoming || place === undefined));
      assertEquals(stagedNames(at.staging), incoming || outgoing ? ["place"] : []);
      completeReplacement(at);
      assertEquals([fileIn(at.place), isBetweenFolders(at)], [want, false]);
      removeIncoming(at);
      assertEquals(stagedNames(at.staging), []);
    });
  }
});
