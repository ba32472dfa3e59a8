import { computed } from '@preact/signals';
import { lang } from '../../i18n';

const ko = {
  title: '새로운 사람과 핑퐁',
  lead: '지금 이야기하고 싶은 사람과 바로 이어 드려요.',
  tags: '관심사',
  tagsHint: (most: number) => `같은 관심사를 고른 사람부터 찾아요. ${most}개까지 고를 수 있어요.`,
  own: '다른 관심사',
  add: '더하기',
  languages: '대화할 언어',
  needLanguage: '언어를 하나 이상 골라 주세요.',
  start: '시작하기',
  seeking: '상대를 찾고 있어요',
  seekingTags: '관심사가 같은 사람을 찾고 있어요',
  slow: '지금은 사람이 적어요. 이 창을 열어 두면 오는 대로 이어 드릴게요.',
  offline: '연결이 끊겼어요. 다시 이어지면 계속 찾을게요.',
  waited: (seconds: number) => `${seconds}초째`,
  cancel: '그만 찾기',
  over: '찾기가 끝났어요. 다시 시작할까요?',
  again: '다시 찾기',
  matched: (tags: string) =>
    tags
      ? `둘 다 ${tags}에 관심이 있어요. 먼저 인사를 건네 보세요!`
      : '새로운 사람과 이어졌어요. 먼저 인사를 건네 보세요!',
  keepAsked: (name: string) => `${name}님이 이 대화를 간직하고 싶어 해요.`,
  kept: '둘 다 간직하기로 했어요. 이제 목록에 계속 남아요.',
  passing: '지나가는 대화예요',
  passingText: '둘 다 간직하면 목록에 계속 남아요.',
  asked: '간직하자고 했어요. 상대의 답을 기다려요.',
  askedYou: (name: string) => `${name}님이 간직하고 싶어 해요`,
  keep: '간직하기',
  next: '다음 상대',
  nextTitle: '다음 상대를 찾을까요?',
  nextText: '이 대화방에서 나가고, 다시 들어올 수 없어요.',
  gone: '상대가 나갔어요',
  goneText: '나눈 이야기는 이 방에서 나가면 지워져요.',
  leave: '방 나가기',
  suggested: ['음악', '영화', '게임', '여행', '맛집', '운동', '책', '드라마', '반려동물', '고민'],
};

const en: typeof ko = {
  title: 'Meet somebody new',
  lead: 'We put you together with somebody who wants to talk right now.',
  tags: 'Interests',
  tagsHint: (most) => `People who share one come first. Choose up to ${most}.`,
  own: 'Another interest',
  add: 'Add',
  languages: 'Languages',
  needLanguage: 'Choose at least one language.',
  start: 'Start',
  seeking: 'Looking for somebody',
  seekingTags: 'Looking for somebody with your interests',
  slow: 'Few people are here right now. Keep this open: you are next when somebody comes.',
  offline: 'You are offline. The search goes on when you are back.',
  waited: (seconds) => `${seconds} s`,
  cancel: 'Stop looking',
  over: 'The search has ended. Start again?',
  again: 'Look again',
  matched: (tags) =>
    tags
      ? `You both like ${tags}. Say hello first!`
      : 'You have been put together with somebody new. Say hello first!',
  keepAsked: (name) => `${name} would like to keep this chat.`,
  kept: 'You both keep this chat: it stays in your lists.',
  passing: 'A passing chat',
  passingText: 'It stays in your lists if you both keep it.',
  asked: 'You asked to keep it. Waiting for their answer.',
  askedYou: (name) => `${name} would like to keep it`,
  keep: 'Keep',
  next: 'Next',
  nextTitle: 'Look for somebody else?',
  nextText: 'You leave this chat and cannot come back to it.',
  gone: 'The other one has left',
  goneText: 'What was said is deleted when you leave, too.',
  leave: 'Leave',
  suggested: ['music', 'movies', 'games', 'travel', 'food', 'sports', 'books', 'series', 'pets', 'life'],
};

/** What meeting somebody new says. */
export const matchTexts = computed(() => (lang.value === 'ko' ? ko : en));

/** Each language in its own words. */
export const LANGUAGES: Readonly<Record<string, string>> = {
  ko: '한국어',
  en: 'English',
  ja: '日本語',
  zh: '中文',
  es: 'Español',
  vi: 'Tiếng Việt',
};
