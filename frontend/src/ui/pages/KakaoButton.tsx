import { signInTexts } from '../../i18n/outside';

/** Kakao's own colours and words; a link, because signing in is a navigation. */
export function KakaoButton({ next }: { next: string }) {
  return (
    <a class="kakao" href={`/api/auth/kakao?next=${encodeURIComponent(next)}`}>
      <KakaoSymbol />
      <span>{signInTexts.value.kakao}</span>
    </a>
  );
}

/** The speech bubble that Kakao's guide asks for on its button. */
function KakaoSymbol() {
  return (
    <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
      <path
        fill="currentColor"
        d="M10 2.2c-4.7 0-8.5 3-8.5 6.7 0 2.4 1.6 4.5 4 5.7l-.8 3.1c-.1.3.3.6.6.4l3.6-2.4 1.1.1c4.7 0 8.5-3.1 8.5-6.9S14.700 2.2 10 2.2Z"
      />
    </svg>
  );
}
