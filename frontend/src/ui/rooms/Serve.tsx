import { FACE, HANDLE } from '../art';

/** A bat and a ball at rest, for pages where nothing is yet. */
export function Serve() {
  return (
    <svg class="serve" viewBox="0 0 160 120" aria-hidden="true">
      <path class="art-shade" d="M22 98h116l10 12H12z" />
      <g transform="translate(66 52) rotate(-52) scale(.46)">
        <path class="art-wood" d={HANDLE} />
        <path class="art-teal" d={FACE} />
      </g>
      <circle class="art-ball" cx="124" cy="88" r="10" />
    </svg>
  );
}
