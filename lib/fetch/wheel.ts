/**
 * Extraction of single files from a wheel, which is a zip archive. Files are streamed, since a library may not fit into
 * memory.
 *
 * @module
 */
import { configure, Reader, ZipReader } from "@zip.js/zip.js";
import { UserError } from "../error/user_error.ts";

configure({ useWebWorkers: false });

/** Random access to an archive in an open file. */
class FileReader extends Reader<Deno.FsFile> {
  readonly #file: Deno.FsFile;

  constructor(file: Deno.FsFile) {
    super(file);
    this.#file = file;
    this.size = file.statSync().size;
  }

  override readUint8Array(index: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    this.#file.seekSync(index, Deno.SeekMode.Start);
    const bytes = new Uint8Array(Math.min(length, this.size - index));
    let filled = 0;
    while (filled < bytes.length) {
      const n = this.#file.readSync(bytes.subarray(filled));
      if (n === null) break;
      filled += n;
    }
    return Promise.resolve(bytes.subarray(0, filled));
  }
}

/**
 * Extracts some files (members) of a wheel.
 *
 * @param wheel Path of the wheel.
 * @param members Destination path of each member, by the member's name in the wheel.
 * @throws {UserError} If a member is missing.
 */
export async function unpackWheel(wheel: string, members: Record<string, string>): Promise<void> {
  using file = await Deno.open(wheel);
  const zip = new ZipReader(new FileReader(file));
  const entries = await zip.getEntries();
  for (const [name, target] of Object.entries(members)) {
    const entry = entries.find((entry) => entry.filename === name);
    if (entry === undefined || entry.directory) {
      throw new UserError(`Cannot unpack ${wheel}: expected the member ${name}, got none`);
    }
    const out = await Deno.open(target, { create: true, write: true, truncate: true });
    await entry.getData(out.writable);
  }
  await zip.close();
}
