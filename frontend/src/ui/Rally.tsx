import { FACE, HANDLE } from './art';

/** Two people playing table tennis with words. */
export function Rally() {
  return (
    <svg class="rally" viewBox="0 0 480 360" role="img" aria-label="Ping-Pong">
      <path class="art-shade" d="M54 304h372l30 32H24z" />
      <path class="art-net" d="M240 256v64" />
      <path class="art-arc" d="M150 150C190 40 296 40 336 136" />
      <g transform="translate(112 188) rotate(-24)">
        <path class="art-wood" d={HANDLE} />
        <path class="art-teal" d={FACE} />
        <path class="art-line" d="M-34-22h68M-34 6h42" />
      </g>
      <g transform="translate(376 168) rotate(24) scale(.92)">
        <path class="art-wood" d={HANDLE} />
        <path class="art-paper" d={FACE} />
        <path class="art-line-dark" d="M-34-22h68M-34 6h42" />
      </g>
      <circle class="art-ball rally-ball" cx="243" cy="67" r="17" />
    </svg>
  );
}
