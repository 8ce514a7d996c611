/**
 * Thins curves for drawing. Peaks, dips and non-finite values stay visible.
 *
 * @module
 */

/** A point of a curve. `y` may be NaN or infinite. */
export interface Point {
  /** Horizontal position, for example a step. */
  readonly x: number;
  /** Value, for example a loss in nats per token. */
  readonly y: number;
}

/** Maximum number of points of a drawn curve, and maximum number of marks for non-finite values of a curve. */
export const MAX_POINTS = 400, MAX_MARKS = 40;

/**
 * Reduces the number of points of a curve. Splits the curve into intervals, and keeps the lowest and the highest point
 * of each interval, and the curve's first and last point. An interval with non-finite values also keeps one of
 * these values. A non-finite value breaks the drawn line.
 *
 * @param points Points in order of x.
 * @param most Maximum number of points to keep. Default: 400.
 */
export function thin(points: readonly Point[], most: number = MAX_POINTS): Point[] {
  return thinned(points.map(({ y }) => y), most).map((i) => points[i]!);
}

/**
 * Returns the indices of the points that {@linkcode thin} keeps.
 *
 * @param heights Values of the curve, in order. May be NaN or infinite.
 * @param most Maximum number of points to keep. Default: 400.
 * @returns Indices in ascending order.
 */
export function thinned(heights: ArrayLike<number>, most: number = MAX_POINTS): number[] {
  const { length } = heights;
  if (length <= most) return Array.from({ length }, (_, i) => i);
  // An interval keeps up to three points: lowest, highest, non-finite. The ends of the curve are kept too.
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
 * Returns marks at the first and last point of each sequence of NaN or infinite values in a curve. A mark has the
 * height of the last finite point before it. Without such a point, the height is that of the curve's first finite
 * point, or 0 if all values are non-finite.
 *
 * @returns At most 40 marks, including the first and the last mark.
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
