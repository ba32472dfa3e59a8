/**
 * Writes src/ui/actions/emoji.json: Unicode's emoji in keyboard order, with their names and search
 * words in Korean and English.
 *
 *   npm pack emojibase-data@17.0.0 && tar xzf emojibase-data-17.0.0.tgz
 *   node scripts/emoji.mjs package
 *
 * The words are those of Unicode's CLDR (Unicode License v3), as emojibase-data (MIT) gives them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Newer ones are boxes on many phones. */
const VERSION_MAX = 15;
/** emojibase's numbers of Unicode's groups, without the components. */
const GROUPS = [0, 1, 3, 4, 5, 6, 7, 8, 9];

const [from] = process.argv.slice(2);
const read = (lang) => JSON.parse(readFileSync(join(from, lang, 'data.json'), 'utf8'));
const [ko, en] = ['ko', 'en'].map(read);
const inKorean = new Map(ko.map((each) => [each.hexcode, each]));

/** Whether the five tones are made by putting a modifier after the first character. */
function takesTone({ emoji, skins = [] }) {
  const [first, ...rest] = [...emoji.replaceAll('\ufe0f', '')];
  return [1, 2, 3, 4, 5].every((tone) => {
    const made = `${first}${String.fromCodePoint(0x1f3fa + tone)}${rest.join('')}`;
    return skins.some(
      (skin) => skin.tone === tone && skin.emoji.replaceAll('\ufe0f', '') === made,
    );
  });
}

const words = ({ label, tags = [] }) => {
  const others = tags.filter((tag) => !label.split(/\s+/).includes(tag));
  return [label.replaceAll('|', ' '), ...others].join('|');
};

const groups = GROUPS.map((group) =>
  en
    .filter((each) => each.group === group && each.version <= VERSION_MAX)
    .sort((a, b) => a.order - b.order)
    .map((each) => [
      // As in Unicode's own list: no selector after what is a picture anyway.
      each.emoji.replace(/(\p{Emoji_Presentation})\ufe0f/gu, '$1'),
      takesTone(each) ? 1 : 0,
      words(inKorean.get(each.hexcode) ?? each),
      words(each),
    ]),
);
const path = new URL('../src/ui/actions/emoji.json', import.meta.url);
writeFileSync(path, `[\n${groups.map((group) => `[\n${group.map((row) => JSON.stringify(row)).join(',\n')}\n]`).join(',\n')}\n]\n`);
console.log(groups.map((group) => group.length).join(' + '));
