/** A mouse that has moved within this may be about to press. */
const AIMING_MS = 1_000;
const LOOK_AGAIN_MS = 300;
const SLIDE_MS = 220;
/** What comes from further away only seems to. */
const SLIDE_MAX_PX = 240;

/**
 * The order in which a list is drawn: the one that is wanted, but nothing is moved away under a
 * finger, a mouse that aims, or the keyboard's focus. What is in sight stays where it is, and the
 * rest slides to its place.
 */
export class SteadyOrder {
  #ids: readonly string[] = [];
  #before: readonly string[] = [];
  #key = '';
  #list: HTMLElement | null = null;
  #isDown = false;
  #movedAt = -Infinity;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** `redraw` is called when what had to wait may be drawn. */
  constructor(private readonly redraw: () => void) {}

  /** The order to be drawn; under another key it is another list. */
  next(ids: readonly string[], key: string): readonly string[] {
    const isSame = key === this.#key;
    this.#key = key;
    this.#before = isSame ? this.#ids : ids;
    this.#ids = ids;
    if (isSame && this.#isTouched()) {
      const wanted = new Set(ids);
      const kept = this.#before.filter((id) => wanted.has(id));
      const held = new Set(kept);
      this.#ids = kept.concat(ids.filter((id) => !held.has(id)));
    }
    const isLate = this.#ids.some((id, i) => id !== ids[i]);
    if (!isLate) this.stop();
    else this.#timer ??= setInterval(() => this.#isTouched() || this.redraw(), LOOK_AGAIN_MS);
    return this.#ids;
  }

  /** The list has been drawn in that order; each of its first children is one of them. */
  drawn(list: HTMLElement | null): void {
    if (list !== this.#list) this.#listen(list);
    const rows = list?.children;
    const height = (rows?.[0] as HTMLElement | undefined)?.offsetHeight;
    const was = new Map(this.#before.map((id, i) => [id, i]));
    const moves = this.#ids.map((id, i) => i - (was.get(id) ?? i));
    this.#before = this.#ids;
    if (!list || !rows || !height || !moves.some(Boolean)) return;
    // The first row in sight that was not the one to jump keeps its place.
    const first = Math.floor(list.scrollTop / height);
    const anchor = moves.find((move, i) => i - move >= first && Math.abs(move) < 2) ?? 0;
    const shift = list.scrollTop > 0 ? anchor * height : 0;
    list.scrollTop += shift;
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) return;
    moves.forEach((move, i) => {
      const px = Math.max(-SLIDE_MAX_PX, Math.min(SLIDE_MAX_PX, shift - move * height));
      if (!move || !px) return;
      const from = { transform: `translateY(${px}px)` };
      rows[i]?.animate([from, { transform: 'none' }], { duration: SLIDE_MS, easing: 'ease-out' });
    });
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #isTouched(): boolean {
    const isFocused = this.#list?.querySelector(':focus-visible') != null;
    return this.#isDown || isFocused || performance.now() - this.#movedAt < AIMING_MS;
  }

  #listen(list: HTMLElement | null): void {
    this.#list = list;
    this.#isDown = false;
    list?.addEventListener('pointerdown', () => (this.#isDown = true));
    for (const end of ['pointerup', 'pointercancel', 'pointerleave']) {
      list?.addEventListener(end, () => (this.#isDown = false));
    }
    list?.addEventListener('pointermove', () => (this.#movedAt = performance.now()));
  }
}
