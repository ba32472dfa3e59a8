import { computed } from '@preact/signals';
import { lang } from '.';

const ko = {
  lead: '대화방에 초대받았어요',
  people: (count: number) => `지금 ${count}명이 함께하고 있어요`,
  join: '들어가기',
  goOn: '대화방으로 가기',
  signIn: '로그인하고 들어가기',
  signInHint: '로그인하면 이 초대로 돌아옵니다.',
  over: '쓸 수 없는 초대예요',
  failed: '초대를 확인하지 못했어요',
  home: '처음으로',
  toRooms: '대화방 목록으로',
};

const en: typeof ko = {
  lead: 'You’re invited to a room',
  people: (count) => `${count} ${count === 1 ? 'person is' : 'people are'} in it now`,
  join: 'Enter',
  goOn: 'Go to the room',
  signIn: 'Sign in and enter',
  signInHint: 'You come back to this invitation after signing in.',
  over: 'This invitation is over',
  failed: 'Could not look at the invitation',
  home: 'Back to the start',
  toRooms: 'Back to rooms',
};

/** What the page says to which the link of an invitation leads. */
export const invitationTexts = computed(() => (lang.value === 'ko' ? ko : en));
