const FIRST_MS = 600;
const LONGEST_MS = 30_000;

/**
 * How long to wait before the next try, after `failures` in a row. The jitter (half to
 * whole) keeps a crowd that was cut off together from coming back together.
 */
export function backoff(failures: number, random: () => number): number {
  const whole = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures, 10));
  return Math.round(whole * (0.5 + random() / 2));
}
