import { computed } from '@preact/signals';
import { lang } from '.';

const ko = {
  title: '로그인',
  lead: '카카오 계정으로 바로 시작할 수 있습니다.',
  kakao: '카카오 로그인',
  failed: '로그인하지 못했습니다',
  again: '다시 시도해 주세요.',
  suspended: '이용이 정지된 계정입니다',
  suspendedUntil: (when: string) =>
    `운영 원칙을 어긴 신고가 확인되어 ${when}까지 이용할 수 없습니다. 그 뒤에는 다시 로그인할 수 있습니다.`,
  appeal: '이의가 있으면 알려 주세요:',
  note: '닉네임과, 동의하신 경우 이메일만 받습니다.',
};

const en: typeof ko = {
  title: 'Sign in',
  lead: 'Your Kakao account is all you need.',
  kakao: 'Login with Kakao',
  failed: 'Could not sign you in',
  again: 'Please try again.',
  suspended: 'This account is suspended',
  suspendedUntil: (when) =>
    `A report of breaking the rules was confirmed, so you cannot use Ping-Pong until ${when}. After that you can sign in again.`,
  appeal: 'If you think this is wrong, write to us:',
  note: 'We only receive your nickname and, if you agree, your email.',
};

/** What is said about signing in. */
export const signInTexts = computed(() => (lang.value === 'ko' ? ko : en));
