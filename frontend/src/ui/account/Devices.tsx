import { useEffect, useState } from 'preact/hooks';
import { failureCode, type FailureCode } from '../../core/failure';
import { lang, texts } from '../../i18n';
import { say } from '../app';
import { ErrorText, FailureText } from '../parts';
import { get, post } from './api';
import { accountTexts, browsers, systems } from './texts';

/** A browser in which one is signed in. */
interface Device {
  id: string;
  signed_in_at: number;
  browser: string;
  system: string;
  is_current: boolean;
  is_connected: boolean;
}

const ON_THE_GO = new Set(['android', 'ios', 'ipados']);

/** Where one is signed in; each of the others can be signed out from here. */
export function Devices() {
  const t = accountTexts.value;
  const [devices, setDevices] = useState<readonly Device[] | null>(null);
  const [hasFailed, setFailed] = useState(false);
  const [error, setError] = useState<FailureCode | ''>('');
  const [busy, setBusy] = useState('');

  const load = async () => {
    setFailed(false);
    try {
      const { sessions } = await get('/api/sessions');
      if (!Array.isArray(sessions)) throw new TypeError('no sessions');
      setDevices(sessions as Device[]);
    } catch {
      setFailed(true);
    }
  };
  useEffect(() => void load(), []);

  /** `id` of a device, or all others. */
  const end = async (id: string | null) => {
    setBusy(id ?? 'others');
    setError('');
    try {
      await post('/api/sessions/end', id === null ? { others: true } : { id });
      setDevices((all) => all?.filter((one) => one.is_current || (id !== null && one.id !== id)) ?? null);
      say(t.ended);
    } catch (failure) {
      setError(failureCode(failure));
    }
    setBusy('');
  };

  const sorted = [...(devices ?? [])].sort((a, b) => Number(b.is_current) - Number(a.is_current));
  return (
    <section class="card" data-testid="devices">
      <h2>{t.devices}</h2>
      <p class="muted small devices-hint">{t.devicesHint}</p>
      <ul class="devices">
        {/* As high as this device will be: what is below must not move from under a finger. */}
        {devices === null && !hasFailed && <li class="muted">{texts.value.loading}</li>}
        {sorted.map((device) => (
          <li key={device.id} data-testid="device" data-current={device.is_current}>
            <DeviceIcon isOnTheGo={ON_THE_GO.has(device.system)} />
            <div>
              <b>{nameOf(device)}</b>
              {device.is_current && <span class="tag">{t.thisDevice}</span>}
              <span class="muted small">
                {!device.is_current && device.is_connected && (
                  <span class="connected">{t.connected} · </span>
                )}
                {t.signedInAt(timeText(device.signed_in_at))}
              </span>
            </div>
            {!device.is_current && (
              <button
                type="button"
                class="button small"
                data-testid="end-session"
                aria-label={`${t.end}: ${nameOf(device)}, ${timeText(device.signed_in_at)}`}
                disabled={busy !== ''}
                onClick={() => void end(device.id)}
              >
                {t.end}
              </button>
            )}
          </li>
        ))}
      </ul>
      {hasFailed && (
        <>
          <ErrorText text={t.devicesFailed} />
          <button type="button" class="button" onClick={() => void load()}>
            {texts.value.retry}
          </button>
        </>
      )}
      {error && <FailureText code={error} />}
      {sorted.length > 2 && (
        <button
          type="button"
          class="button danger-quiet end-others"
          data-testid="end-others"
          disabled={busy !== ''}
          onClick={() => void end(null)}
        >
          {t.endOthers}
        </button>
      )}
    </section>
  );
}

function nameOf({ browser, system }: Device): string {
  const t = accountTexts.value;
  const names = [browsers.value[browser], systems[system]].filter(Boolean);
  return names.join(' · ') || t.unknownDevice;
}

function timeText(at: number): string {
  const format = { month: 'long', day: 'numeric', hour: 'numeric', minute: '2-digit' } as const;
  const tag = lang.value === 'ko' ? 'ko-KR' : 'en-GB';
  return new Intl.DateTimeFormat(tag, { ...format, hour12: true }).format(at);
}

function DeviceIcon({ isOnTheGo }: { isOnTheGo: boolean }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
      <path
        d={
          isOnTheGo
            ? 'M8 3h8a1.500 1.500 0 0 1 1.500 1.500v15A1.500 1.500 0 0 1 16 21H8a1.500 1.500 0 0 1-1.500-1.500v-15A1.500 1.500 0 0 1 8 3ZM11 18h2'
            : 'M5 5h14a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1ZM12 16v4M8.500 20h7'
        }
      />
    </svg>
  );
}
