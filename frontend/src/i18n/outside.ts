import { computed } from '@preact/signals';
import { lang } from '.';

const ko = {
  title: '로그인',
  lead: '카카오 계정으로 바로 시작할 수 있습니다.',
  kakao: '카카오 로그인',
  failed: '로그인하지 못했습니다',
  again: '다시 시도해 주세요.',
  note: '닉네임과, 동의하신 경우 이메일만 받습니다.',
};

const en: typeof ko = {
  title: 'Sign in',
  lead: 'Your Kakao account is all you need.',
  kakao: 'Login with Kakao',
  failed: 'Could not sign you in',
  again: 'Please try again.',
  note: 'We only receive your nickname and, if you agree, your email.',
};

/** What is said about signing in. */
export const signInTexts = computed(() => (lang.value === 'ko' ? ko : en));
