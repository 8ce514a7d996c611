/**
 * Curves thinned for the eye: what stands out stays, and so do the places without a number.
 *
 * @module
 */

/** A point of a curve; `y` may be NaN or infinite. */
export interface Point {
  /** A step. */
  readonly x: number;
  /** What stands there, in nats per token. */
  readonly y: number;
}

/** Most points of one curve, and most marks of its non-finite places. */
export const MAX_POINTS = 400, MAX_MARKS = 40;

/**
 * Thins a curve: of every stretch the lowest and the highest point stay, and the first and the last of all. Where
 * numbers are missing, one point without a number stays, which breaks the line.
 *
 * @param points In order of x.
 * @param most How many points may stay (default 400).
 */
export function thin(points: readonly Point[], most: number = MAX_POINTS): Point[] {
  return thinned(points.map(({ y }) => y), most).map((i) => points[i]!);
}

/**
 * Chooses the points that {@linkcode thin} keeps.
 *
 * @param heights The curve's values, in order; may be NaN or infinite.
 * @param most How many points may stay (default 400).
 * @returns Indices, in order.
 */
export function thinned(heights: ArrayLike<number>, most: number = MAX_POINTS): number[] {
  const { length } = heights;
  if (length <= most) return Array.from({ length }, (_, i) => i);
  // Up to four of a stretch stay: its lowest, its highest, a break, and an end of the curve.
  const stretch = Math.ceil(length / Math.max(1, Math.floor((most - 2) / 3)));
  const kept = new Set([0, length - 1]);
  for (let begin = 0; begin < length; begin += stretch) {
    let low = -1, high = -1, missing = -1;
    for (let i = begin; i < Math.min(length, begin + stretch); i++) {
      const y = heights[i]!;
      if (!Number.isFinite(y)) missing = missing < 0 ? i : missing;
      else {
        if (low < 0 || y < heights[low]!) low = i;
        if (high < 0 || y > heights[high]!) high = i;
      }
    }
    for (const i of [low, high, missing]) if (i >= 0) kept.add(i);
  }
  return [...kept].sort((a, b) => a - b);
}

/**
 * Marks for the places of a curve that are NaN or infinite: where each stretch of them begins and ends, at the height of
 * the last finite point before it (of the first one after it, where there is none; 0 without any).
 *
 * @returns At most 40; the first and the last are among them.
 */
export function nonFiniteMarks(points: readonly Point[]): { x: number; y: number; value: number }[] {
  const marks: { x: number; y: number; value: number }[] = [];
  let height = points.find(({ y }) => Number.isFinite(y))?.y ?? 0;
  points.forEach(({ x, y }, i) => {
    if (Number.isFinite(y)) {
      height = y;
      return;
    }
    const isEdge = [points[i - 1], points[i + 1]].some((beside) =>
      beside === undefined || Number.isFinite(beside.y)
    );
    if (isEdge) marks.push({ x, y: height, value: y });
  });
  if (marks.length <= MAX_MARKS) return marks;
  return Array.from(
    { length: MAX_MARKS },
    (_, i) => marks[Math.round(i * (marks.length - 1) / (MAX_MARKS - 1))]!,
  );
}
