/** A ball that has left the table. */
export function OutOfBounds() {
  return (
    <svg class="serve" viewBox="0 0 160 120" aria-hidden="true">
      <path class="art-shade" d="M4 72h92l10 12H4z" />
      <path class="art-arc" d="M30 66C50 8 78 8 94 62c6-22 22-26 34 34" />
      <circle class="art-ball" cx="130" cy="102" r="10" />
    </svg>
  );
}
