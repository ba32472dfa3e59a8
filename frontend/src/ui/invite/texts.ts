import { computed } from '@preact/signals';
import { lang } from '../../i18n';

const ko = {
  title: '초대하기',
  into: (name: string) => `링크를 받은 사람은 누구나 ‘${name}’ 방에 들어올 수 있습니다.`,
  lasts: '유효 기간',
  uses: '들어올 수 있는 인원',
  people: (count: number) => (count ? `${count}명` : '제한 없음'),
  create: '초대 링크 만들기',
  another: '새 링크 만들기',
  link: '초대 링크',
  qr: (name: string) => `‘${name}’ 방 초대 QR 코드`,
  copy: '링크 복사',
  copied: '복사했어요',
  copyYourself: '복사하지 못했습니다. 선택된 링크를 직접 복사해 주세요.',
  share: '공유하기',
  shareTitle: (name: string) => `Ping-Pong ‘${name}’ 방으로 초대합니다`,
  untilUses: (until: string, uses: number) =>
    uses ? `${until}까지 ${uses}명이 들어올 수 있습니다.` : `${until}까지 쓸 수 있습니다.`,
  once: '이 링크는 지금만 볼 수 있으니 복사해 두세요.',
  links: (count: number) => `쓸 수 있는 초대 ${count}개`,
  state: (used: number, uses: number, until: string) =>
    `${uses ? `${uses - used}명 남음` : `${used}명 들어옴`} · ${until}까지`,
  revoke: '취소',
  revokeOf: (name: string, until: string) => `${name}, ${until}까지인 초대 취소`,
};

const en: typeof ko = {
  title: 'Invite people',
  into: (name) => `Anybody with the link can enter “${name}”.`,
  lasts: 'Valid for',
  uses: 'How many people',
  people: (count) => (count ? `${count} ${count === 1 ? 'person' : 'people'}` : 'No limit'),
  create: 'Make an invitation link',
  another: 'Make another link',
  link: 'Invitation link',
  qr: (name) => `QR code of the invitation to “${name}”`,
  copy: 'Copy the link',
  copied: 'Copied',
  copyYourself: 'Could not copy it. The link is selected: copy it yourself.',
  share: 'Share',
  shareTitle: (name) => `Join “${name}” on Ping-Pong`,
  untilUses: (until, uses) =>
    uses
      ? `For ${uses} ${uses === 1 ? 'person' : 'people'}, until ${until}.`
      : `Valid until ${until}.`,
  once: 'It can only be seen now, so copy it.',
  links: (count) => `${count} live ${count === 1 ? 'invitation' : 'invitations'}`,
  state: (used, uses, until) => `${uses ? `${uses - used} left` : `${used} came in`} · until ${until}`,
  revoke: 'Revoke',
  revokeOf: (name, until) => `Revoke the invitation by ${name} until ${until}`,
};

/** What is said where people are invited. */
export const inviteTexts = computed(() => (lang.value === 'ko' ? ko : en));

const untilFormat = computed(() => {
  const tag = lang.value === 'ko' ? 'ko-KR' : 'en-GB';
  return new Intl.DateTimeFormat(tag, {
    month: 'short',
    day: 'numeric',
    hour: 'numeric',
    minute: '2-digit',
    hour12: true,
  });
});

/** When an invitation ends. */
export function untilText(at: number): string {
  return untilFormat.value.format(at);
}
