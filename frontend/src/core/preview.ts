import {
  MENTION_PATTERN,
  PREVIEW_BYTES_MAX,
  PREVIEW_MAX,
  PREVIEW_MENTION_LENGTH,
} from '../protocol';

const MENTION_OR_LETTER = new RegExp(`${MENTION_PATTERN}|.`, 'gsu');
const ELLIPSIS = '…';
const encoder = new TextEncoder();

/**
 * The beginning of a chat, on one line, as room lists of the server give it; the rule of
 * chalicelib/texts.py.
 */
export function previewOf(text: string): string {
  // What Python takes for spaces.
  const line = text.replace(/[^\S\ufeff]+/g, ' ').replace(/^ | $/g, '');
  let length = 0;
  let size = 0;
  let end = 0;
  for (const { 0: piece, 1: userId, index } of line.matchAll(MENTION_OR_LETTER)) {
    length += userId ? PREVIEW_MENTION_LENGTH : 1;
    size += bytes(piece);
    if (length > PREVIEW_MAX || size > PREVIEW_BYTES_MAX) return line.slice(0, end) + ELLIPSIS;
    // Up to here there is room for the ellipsis.
    if (length < PREVIEW_MAX && size <= PREVIEW_BYTES_MAX - bytes(ELLIPSIS)) {
      end = index + piece.length;
    }
  }
  return line;
}

function bytes(text: string): number {
  return encoder.encode(text).length;
}
