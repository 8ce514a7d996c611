/**
 * Parquet files of columns.
 *
 * @module
 */
import { type FileMetaData, parquetMetadata, parquetRead } from "hyparquet";
import { parquetWriteBuffer } from "hyparquet-writer";
import { type Column, type Columns, kindOf } from "./columns.ts";

/**
 * The bytes of a Parquet file: text as UTF-8 in a dictionary, numbers as they are, compressed with Snappy. NaN and
 * infinities stay themselves; columns without null are `REQUIRED`.
 *
 * @param columns All of one length.
 * @param metadata Texts to keep beside them, by key.
 */
export function encodeParquet(columns: Columns, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  return new Uint8Array(parquetWriteBuffer({
    columnData: Object.entries(columns).map(([name, data]) => {
      const type = PARQUET_TYPES[kindOf(data)];
      return {
        name,
        data: data as Column & unknown[],
        type,
        nullable: !ArrayBuffer.isView(data) && data.some((value) => value === null),
        // Looking for repeated numbers takes longer than it saves.
        ...(type === "DOUBLE" && { encoding: "PLAIN" as const }),
      };
    }),
    kvMetadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  }));
}

const PARQUET_TYPES = { int32: "INT32", double: "DOUBLE", boolean: "BOOLEAN", text: "STRING" } as const;

/** A Parquet file whose end was read: what it says of itself, before its columns are. */
export interface ParquetFile {
  /** All of it. */
  readonly bytes: ArrayBuffer;
  /** What its end says. */
  readonly footer: FileMetaData;
  /** How many rows it has. */
  readonly rows: number;
}

/**
 * Reads the end of a Parquet file.
 *
 * @throws {Error} when it is none.
 */
export function openParquet(path: string): ParquetFile {
  const bytes = Deno.readFileSync(path).buffer;
  const footer = parquetMetadata(bytes);
  return { bytes, footer, rows: Number(footer.num_rows) };
}

/** A text that a file keeps; undefined: it has none of this key. */
export function parquetText({ footer }: ParquetFile, key: string): string | undefined {
  return footer.key_value_metadata?.find((entry) => entry.key === key)?.value;
}

/**
 * Reads columns of a Parquet file, a piece a row group.
 *
 * @param file Opened.
 * @param names Which columns.
 * @param onPiece Takes a piece: its column, the row that it begins at, and its values.
 * @throws {Error} when the file is damaged or has no such column.
 */
export async function readParquet(
  file: ParquetFile,
  names: readonly string[],
  onPiece: (name: string, row: number, values: ArrayLike<unknown>) => void,
): Promise<void> {
  await parquetRead({
    file: file.bytes,
    metadata: file.footer,
    columns: [...names],
    onChunk: ({ columnName, columnData, rowStart }) => onPiece(columnName, rowStart, columnData),
  });
}
