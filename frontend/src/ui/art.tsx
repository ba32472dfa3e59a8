/** Drawings of our own, all of them inline: no request, and they follow the theme. */

/** A bat that is a speech bubble, and its ball. */
export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" width="32" height="32" aria-hidden="true">
      <path
        class="art-teal"
        d="M14 3a11.5 11.5 0 0 1 9.6 17.8l4.9 4.9a2.2 2.2 0 0 1-3.1 3.1l-5-5A11.5 11.5 0 1 1 14 3Z"
      />
      <circle class="art-ball" cx="14" cy="14.5" r="4.6" />
    </svg>
  );
}

/** The speech bubble that Kakao's guide asks for on its button. */
export function KakaoSymbol() {
  return (
    <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
      <path
        fill="currentColor"
        d="M10 2.2c-4.7 0-8.5 3-8.5 6.7 0 2.4 1.6 4.5 4 5.7l-.8 3.1c-.1.3.3.6.6.4l3.6-2.4 1.1.1c4.7 0 8.5-3.1 8.5-6.9S14.700 2.2 10 2.2Z"
      />
    </svg>
  );
}

/** Two bubbles playing table tennis. */
export function Rally() {
  return (
    <svg class="rally" viewBox="0 0 480 360" role="img" aria-label="Ping-Pong">
      <path class="art-shade" d="M60 296h360l28 34H32z" />
      <path class="art-net" d="M240 252v60M236 252h8" />
      <path class="art-arc" d="M122 178C160 70 314 58 362 150" />
      <g class="rally-left">
        <path
          class="art-teal"
          d="M104 120a72 72 0 0 1 60 112l26 26a13 13 0 0 1-18 18l-27-27a72 72 0 1 1-41-129Z"
        />
        <path class="art-line" d="M76 176h58M76 200h36" />
      </g>
      <g class="rally-right">
        <path
          class="art-paper"
          d="M378 92a66 66 0 0 0-55 102.500l-24 24a12 12 0 0 0 17 17l25-25A66 66 0 1 0 378 92Z"
        />
        <path class="art-line-dark" d="M352 146h54M352 168h34" />
      </g>
      <circle class="art-ball rally-ball" cx="246" cy="88" r="17" />
    </svg>
  );
}

/** A ball at rest, for pages where nothing is yet. */
export function Serve() {
  return (
    <svg class="serve" viewBox="0 0 160 120" aria-hidden="true">
      <path class="art-shade" d="M22 98h116l10 12H12z" />
      <path
        class="art-teal"
        d="M66 18a34 34 0 0 1 28 53l12 12a6 6 0 0 1-8 8L85 79A34 34 0 1 1 66 18Z"
      />
      <circle class="art-ball" cx="120" cy="88" r="10" />
    </svg>
  );
}

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

type IconName = 'back' | 'send' | 'members' | 'leave' | 'down' | 'close' | 'retry' | 'clock';

const icons: Record<IconName, string> = {
  back: 'M15 5l-7 7 7 7',
  send: 'M5 12h13M12.500 5.500 19 12l-6.500 6.500',
  members:
    'M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7ZM2.500 19.500c.5-3.500 3-5.500 6.500-5.500s6 2 6.500 5.500M16 4.500a3.500 3.500 0 0 1 0 6.300M18 14.500c2 .7 3.200 2.400 3.500 5',
  leave: 'M14 4H6v16h8M10 12h11M17.500 8.500 21 12l-3.500 3.500',
  down: 'M12 5v13M6 12.500 12 18.500l6-6',
  close: 'M6 6l12 12M18 6 6 18',
  retry: 'M19 12a7 7 0 1 1-2-5M19 3.500V7.500h-4',
  clock: 'M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16ZM12 8v4.500l3 1.500',
};

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
      <path d={icons[name]} />
    </svg>
  );
}
