import { ACCESSES, type Access } from '../../choices';
import { PASSCODE_MAX, PASSCODE_MIN } from '../../protocol';
import { lengthOf } from '../rows';
import { directoryTexts } from './texts';

/** Who can join a room that is being made. */
export interface Way {
  access: Access;
  passcode: string;
}

/** As it is sent; a room is open unless something else is said. */
export function wayBody({ access, passcode }: Way): { access?: Access; passcode?: string } {
  if (access === 'open') return {};
  return access === 'passcode' ? { access, passcode: passcode.trim() } : { access };
}

/** Whether there is all that goes with it. */
export function isWhole({ access, passcode }: Way): boolean {
  const length = lengthOf(passcode.trim());
  return access !== 'passcode' || (length >= PASSCODE_MIN && length <= PASSCODE_MAX);
}

/** One way in, and the passcode that goes with it. */
export function WayFields({ way, onWay }: { way: Way; onWay(way: Way): void }) {
  const t = directoryTexts.value;
  return (
    <fieldset class="about-choice">
      <legend class="label">{t.way}</legend>
      <p class="muted small" role="status">
        {t.wayHints[way.access]}
      </p>
      <div class="chips">
        {ACCESSES.map((access) => (
          <button
            key={access}
            type="button"
            class="chip"
            data-testid={`new-way-${access}`}
            aria-pressed={way.access === access}
            onClick={() => onWay({ ...way, access })}
          >
            {t.ways[access]}
          </button>
        ))}
      </div>
      {way.access === 'passcode' && (
        <div class="field-row">
          <input
            class="input"
            data-testid="new-way-code"
            aria-label={t.ways.passcode}
            aria-invalid={lengthOf(way.passcode.trim()) > PASSCODE_MAX}
            placeholder={t.passcodeLength(PASSCODE_MIN, PASSCODE_MAX)}
            value={way.passcode}
            autocomplete="off"
            enterkeyhint="done"
            onInput={({ currentTarget }) => onWay({ ...way, passcode: currentTarget.value })}
          />
        </div>
      )}
    </fieldset>
  );
}
