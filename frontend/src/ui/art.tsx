/** Drawings of our own, all of them inline: no request, and they follow the theme. */

/** A bat whose face is a speech bubble's, and the ball that has just left it. */
export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" width="32" height="32" aria-hidden="true">
      <g transform="rotate(-38 13 17)">
        <path class="art-wood" d="M10.200 22h5.600v7.200a2.800 2.800 0 0 1-5.600 0Z" />
        <path
          class="art-teal"
          d="M13 4.500c5.800 0 10 4.300 10 9.700 0 3.600-2 6.300-4.300 8.300H7.300C5 20.500 3 17.800 3 14.200 3 8.800 7.200 4.500 13 4.500Z"
        />
      </g>
      <circle class="art-ball" cx="26.500" cy="6.500" r="3.700" />
    </svg>
  );
}

/** A bat of the large drawings: its handle down, its face a place for words. */
export const FACE =
  'M0-78C44-78 76-46 76-4c0 28-15 49-33 63h-86C-61 45-76 24-76-4c0-42 32-74 76-74Z';
export const HANDLE = 'M-19 56h38v44a19 19 0 0 1-38 0Z';

type IconName =
  | 'back'
  | 'send'
  | 'members'
  | 'down'
  | 'close'
  | 'retry'
  | 'clock'
  | 'more'
  | 'muted'
  | 'settings';

const icons: Record<IconName, string> = {
  back: 'M15 5l-7 7 7 7',
  send: 'M5 12h13M12.500 5.500 19 12l-6.500 6.500',
  members:
    'M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7ZM2.500 19.500c.5-3.500 3-5.500 6.500-5.500s6 2 6.500 5.500M16 4.500a3.500 3.500 0 0 1 0 6.300M18 14.500c2 .7 3.200 2.400 3.500 5',
  down: 'M12 5v13M6 12.500 12 18.500l6-6',
  close: 'M6 6l12 12M18 6 6 18',
  retry: 'M19 12a7 7 0 1 1-2-5M19 3.500V7.500h-4',
  muted: 'M4 4l16 16M6 11.500V16h9M8.200 6.700A5.500 5.500 0 0 1 17.500 11v2.500M10 19.500h4',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 9.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5ZM9 19.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5Z',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  clock: 'M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16ZM12 8v4.500l3 1.500',
};

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
      <path d={icons[name]} />
    </svg>
  );
}
