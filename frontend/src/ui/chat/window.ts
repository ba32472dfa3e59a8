/** So much is drawn beyond what is seen, on either side: a flick does not get out of it. */
export const MARGIN_PX = 800;
/** It is drawn anew when so much of that has been used up: a few rows at a time. */
const USED_PX = 200;
/** So many rows are asked for one that is still there. */
const ANCHORS = 8;

interface Keyed {
  readonly key: string;
}

/** How high the rows of a list are: as they were measured, else as they are estimated. */
export class Heights<Row extends Keyed> {
  rows: readonly Row[] = [];
  #heights: number[] = [];
  /** Where each row begins; correct up to and including `#counted`. */
  #tops: number[] = [0];
  #counted = 0;

  constructor(private readonly estimate: (row: Row) => number) {}

  /** Take other rows. What is known of those that are still there is kept. */
  take(rows: readonly Row[]): void {
    const old = this.rows;
    const most = Math.min(old.length, rows.length);
    let head = 0;
    while (head < most && old[head] === rows[head]) head++;
    let tail = 0;
    while (tail < most - head && old.at(-1 - tail) === rows.at(-1 - tail)) tail++;
    const known = new Map<string, number>();
    for (let i = head; i < old.length - tail; i++) {
      known.set((old[i] as Row).key, this.#heights[i] as number);
    }
    const between = rows
      .slice(head, rows.length - tail)
      .map((row) => known.get(row.key) ?? this.estimate(row));
    this.#heights = this.#heights
      .slice(0, head)
      .concat(between, this.#heights.slice(old.length - tail));
    this.rows = rows;
    this.#counted = Math.min(this.#counted, head);
  }

  measured(index: number, height: number): void {
    if (this.#heights[index] === height) return;
    this.#heights[index] = height;
    this.#counted = Math.min(this.#counted, index);
  }

  /** Where a row begins, from the beginning of the first; of the row after the last, the end. */
  top(index: number): number {
    for (; this.#counted < index; this.#counted++) {
      this.#tops[this.#counted + 1] =
        (this.#tops[this.#counted] as number) + (this.#heights[this.#counted] as number);
    }
    return this.#tops[index] as number;
  }

  /** Which row is there; the first or the last beyond them. */
  at(y: number): number {
    let low = 0;
    let high = this.rows.length - 1;
    this.top(this.rows.length);
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.top(middle) <= y) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Where the row with this key is, asked for near `guess` at first; -1: nowhere. */
  find(key: string, guess: number): number {
    if (this.rows[guess]?.key === key) return guess;
    return this.rows.findIndex((row) => row.key === key);
  }
}

/**
 * Which rows of a long list are drawn, and where: those in sight and a margin. One row in sight
 * is the anchor. However other rows turn out to be, or come and go, the anchor stays where it is
 * in the page's own coordinates; so nothing has to be scrolled, which would end a finger's
 * fling. The price is that the first row need not be at 0 then (`lead`), which `correction`
 * puts right before anybody could see it.
 */
export class LogWindow<Row extends Keyed> {
  readonly heights: Heights<Row>;
  /** The rows from here, up to but not including `to`, are drawn. */
  from = 0;
  to = 0;
  #lead = 0;
  #anchor = 0;
  /** Whether the anchor's end is kept in its place, or its beginning. */
  #byEnd: 0 | 1 = 0;

  constructor(estimate: (row: Row) => number) {
    this.heights = new Heights(estimate);
  }

  top(index: number): number {
    return this.#lead + this.heights.top(index);
  }

  get end(): number {
    return this.top(this.heights.rows.length);
  }

  take(rows: readonly Row[]): void {
    const { heights } = this;
    const old = heights.rows;
    if (rows === old) return;
    const before = this.#anchor;
    // Where the anchor may be gone itself (days move when older chats come), one after it is it.
    const anchors = old.slice(before, before + ANCHORS).map(({ key }, i) => {
      return { key, edge: this.top(before + i + (i ? 0 : this.#byEnd)) };
    });
    heights.take(rows);
    this.#anchor = Math.max(0, Math.min(before, rows.length - 1));
    for (const [i, { key, edge }] of anchors.entries()) {
      // What is put before it moves it; mostly nothing is.
      const isSame = rows[before + i]?.key === key;
      const found = heights.find(key, isSame ? before + i : before + i + rows.length - old.length);
      if (found < 0) continue;
      if (i) this.#byEnd = 0;
      this.#anchor = found;
      this.#lead += edge - this.#edge;
      break;
    }
    this.from = Math.min(this.from, rows.length);
    this.to = Math.min(this.to, rows.length);
  }

  /** These rows were drawn, and are so high. */
  measured(heights: Iterable<readonly [index: number, height: number]>): void {
    const edge = this.#edge;
    for (const [index, height] of heights) this.heights.measured(index, height);
    this.#lead += edge - this.#edge;
  }

  /**
   * This is in sight: what is at its upper edge is the anchor. A row that is cut there is kept
   * by its end, as what its reader sees is what follows.
   */
  look(y: number, height: number): void {
    const index = this.heights.at(y - this.#lead);
    this.#anchor = index;
    const end = this.top(index + 1);
    this.#byEnd = this.top(index) < y && end < y + height ? 1 : 0;
  }

  /** Keep this row in its place, whatever is around it. */
  hold(index: number): void {
    this.#anchor = index;
    this.#byEnd = 0;
  }

  /** Whether what is drawn is still enough for what is in sight. */
  covers(y: number, height: number): boolean {
    const some = MARGIN_PX - USED_PX;
    return (
      (this.from === 0 || this.top(this.from) <= y - some) &&
      (this.to === this.heights.rows.length || this.top(this.to) >= y + height + some)
    );
  }

  /** Draw what is in sight, and the margin. */
  draw(y: number, height: number): void {
    const { heights } = this;
    this.from = heights.at(y - MARGIN_PX - this.#lead);
    this.to = Math.min(heights.rows.length, heights.at(y + height + MARGIN_PX - this.#lead) + 1);
  }

  /**
   * How far all rows have to be moved, and the page scrolled by as much, so that the first is at
   * 0: once it may come into sight, or `isResting` and nobody is disturbed. Whole pixels, as
   * pages are scrolled by those; the first row may be less than one away from 0.
   */
  correction(y: number, first: number, isResting: boolean): number {
    const moved = Math.ceil(-this.#lead);
    const isNear = this.from === 0 || this.top(first) < 0 || (moved > 0 && y < 2 * MARGIN_PX);
    if (!moved || !(isNear || isResting)) return 0;
    this.#lead += moved;
    return moved;
  }

  get #edge(): number {
    return this.heights.rows.length ? this.top(this.#anchor + this.#byEnd) : 0;
  }
}
