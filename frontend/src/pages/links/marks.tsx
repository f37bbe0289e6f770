import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { LinkRow } from '../../api/link-views';
import { showNumber } from '../../base/format';
import { PriorityMark } from '../../parts/mark';

/** A share held against its rule: shape, word for readers, and colour only when it is missed. */
export function Share({ value, passed, decimals = 2 }: { value: number | null; passed: boolean | null; decimals?: number }) {
  const { t } = useTranslation();
  if (value === null) return <span className="faint">–</span>;
  return (
    <span className="nowrap link-share" data-passed={passed ?? ''}>
      {passed === false && <PriorityMark priority={3} size={16} label={t('links.missed')} />}
      <b>{showShare(value, decimals)}</b>
      <small>%</small>
    </span>
  );
}

/** A success rate and the counts behind it. */
export function Counted({ row }: { row: LinkRow }) {
  const { t } = useTranslation();
  return (
    <>
      <Share value={row.success_pct} passed={row.passed} />
      <div className="small muted nowrap" title={t('links.counts')}>
        {showCount(row.answered)} / {showCount(row.asked)}
      </div>
    </>
  );
}

/** A share is never rounded up to a whole it has not reached. */
export function showShare(value: number, decimals = 2): string {
  const step = 10 ** decimals;
  return showNumber(Math.floor(value * step + 1e-9) / step, decimals);
}

function showMs(value: number | null): string {
  if (value === null) return '–';
  return showNumber(value, value < 10 ? 1 : 0);
}

/** Median and 95th percentile; of devices that report by themselves there are none. */
export function showTrips(row: LinkRow, unit = ''): string {
  if (row.rtt_median_ms === null) return '–';
  return `${showMs(row.rtt_median_ms)} / ${showMs(row.rtt_p95_ms)}${unit}`;
}

/** A count inside a sentence: it does not break between its groups of digits. */
export function showCount(count: number | null | undefined): string {
  return showNumber(count, 0).replaceAll('\u2009', '\u202f');
}

/** Names of channel types and field protocols; codes stay what they are. */
export function useMedium(): (medium: string) => string {
  const { t, i18n } = useTranslation();
  return (medium) => {
    for (const key of [`channel.${medium}`, `protocol.${medium}`]) {
      if (i18n.exists(key)) return t(key as 'channel.4g');
    }
    return medium;
  };
}

const KINDS = ['timeout', 'checksum', 'length', 'malformed', 'refused', 'unreachable'] as const;

/** Failures by kind; what nobody asked for and did not come is said last. */
export function Failures({ row }: { row: LinkRow }) {
  const { t } = useTranslation();
  const known = KINDS.flatMap((kind) => (row.failed[kind] ? [[kind, row.failed[kind]] as const] : []));
  const rest = row.asked - row.answered - known.reduce((sum, [, count]) => sum + count, 0);
  const parts: [string, number][] = known.map(([kind, count]) => [t(`links.failure.${kind}`), count]);
  if (rest > 0) parts.push([t('links.notHeard'), rest]);
  if (parts.length === 0) return <span className="faint">–</span>;
  return (
    <span className="link-failures">
      {parts.map(([name, count]) => (
        <span key={name} className="nowrap">
          {name} <b>{showNumber(count, 0)}</b>
        </span>
      ))}
    </span>
  );
}

/** How well a radio device is heard, and why it counts as a blind spot. */
export function Signal({ row }: { row: LinkRow }) {
  const { t } = useTranslation();
  const parts: ReactNode[] = [];
  if (row.rssi_dbm !== null) parts.push(`${showNumber(row.rssi_dbm, 0)} dBm`);
  if (row.snr_db !== null) parts.push(`SNR ${showNumber(row.snr_db, 1)} dB`);
  if (parts.length === 0 && !row.blind) return <span className="faint">–</span>;
  return (
    <>
      {row.blind && (
        <span className="nowrap">
          <PriorityMark priority={3} size={16} label={t('links.blind')} /> {t(`links.blindWhy.${row.blind as 'signal'}`)}
        </span>
      )}
      {parts.length > 0 && <div className="small muted nowrap">{parts.join(' · ')}</div>}
    </>
  );
}
