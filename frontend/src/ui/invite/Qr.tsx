import { encode } from 'uqr';
import { useMemo } from 'preact/hooks';

/** So many modules around a code are left free, as scanners want it (ISO/IEC 18004). */
const QUIET = 4;

/** A text as a QR code: dark on light in both themes, as many scanners read nothing else. */
export function Qr({ text, label }: { text: string; label: string }) {
  const { path, size } = useMemo(() => drawn(text), [text]);
  const box = `${-QUIET} ${-QUIET} ${size + 2 * QUIET} ${size + 2 * QUIET}`;
  return (
    <svg class="qr" viewBox={box} role="img" aria-label={label} data-testid="qr" shape-rendering="crispEdges">
      <path d={path} />
    </svg>
  );
}

/** Each run of dark modules in a row as one rectangle. */
function drawn(text: string): { path: string; size: number } {
  const { data, size } = encode(text, { ecc: 'M', border: 0 });
  let path = '';
  data.forEach((row, y) => {
    for (let x = 0; x < size; ) {
      const start = x;
      while (x < size && row[x]) x++;
      if (x > start) path += `M${start} ${y}h${x - start}v1h-${x - start}z`;
      else x++;
    }
  });
  return { path, size };
}
